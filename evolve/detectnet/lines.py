"""Where in a prototxt a layer, or a word of it, stands: also of two layers of one name, one for each phase."""

import re
from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.prototxt_text import line_of
from evolve.network.phases import Layer, Net


class Lines:
    """The lines of `text`, from which `net` was read; `path` is what messages call it."""

    def __init__(self, net: Net, text: str, path: Path) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._begins = self._names(net)

    def _names(self, net: Net) -> list[tuple[Layer, int]]:
        """Each layer in its order with the line of its name."""
        begins, after = [], 0
        for layer in net.layer:
            rest = self._lines[after:]
            number = after + line_of("\n".join(rest), layer.name)
            begins.append((layer, number))
            # Layers stand in the text as they do in the net; a name may come before or after its layer's other lines.
            after = number
        return begins

    def number(self, layer: Layer, *words: str) -> int:
        """The line (from 1) of the first of `words` that `layer` has; of the layer's name if it has none."""
        index = next((place for place, (each, _) in enumerate(self._begins) if each == layer), None)
        if index is None:
            return 1
        begin = self._begins[index][1]
        end = self._begins[index + 1][1] - 1 if index + 1 < len(self._begins) else len(self._lines)
        for word in words:
            for number in range(begin, end + 1):
                if re.search(rf"\b{re.escape(word)}\b", self._lines[number - 1]):
                    return number
        return begin

    def place(self, layer: Layer, *words: str) -> str:
        """``path:line: layer 'x'``, with the line that `number` gives."""
        return f"{self._path}:{self.number(layer, *words)}: layer '{layer.name}'"

    def located(self, error: UserError) -> str:
        """A message that begins with ``layer 'x'``, with path and line before it."""
        words = str(error)
        name = words.split("'")[1] if words.startswith("layer '") else ""
        number = next((number for layer, number in self._begins if layer.name == name), 0)
        return f"{self._path}:{number}: {words}" if number else f"{self._path}: {words}"
