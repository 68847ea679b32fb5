"""Which layers read a blob before another one overwrites it in place: Caffe allows nobody beside that one."""

from typing import Any

from evolve.base.errors import UserError

_NEVER = {"AbsVal", "Flatten", "Reshape", "Split"}


class Readers:
    """Who has read each blob since it was last written."""

    def __init__(self) -> None:
        self._readers: dict[str, list[str]] = {}

    def check(self, layer: Any) -> None:
        """Notes what `layer` reads and writes. UserError if it overwrites what another layer reads.

        Caffe puts a Split behind a blob with several readers (InsertSplits); a layer that works in place then has
        another bottom than top, and the net is refused.
        """
        for top in layer.top:
            if top in layer.bottom and layer.type in _NEVER:
                raise UserError(f"layer '{layer.name}': expected a top of another name than its bottom, got '{top}'")
            others = self._readers.pop(top, [])
            if top in layer.bottom and (others or list(layer.bottom).count(top) > 1):
                raise UserError(
                    f"layer '{layer.name}': works in place on '{top}', which layer '{(others or [layer.name])[0]}' "
                    "reads too; give it a top of another name"
                )
        for bottom in layer.bottom:
            if bottom not in layer.top:
                self._readers.setdefault(bottom, []).append(layer.name)
