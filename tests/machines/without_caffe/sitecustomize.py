"""With this folder on PYTHONPATH, Python finds no Caffe, whatever is installed."""

import sys
from typing import Any


class Without:
    """A finder of modules that overlooks Caffe."""

    def __init__(self, finder: Any) -> None:
        self.finder = finder

    def find_spec(self, name: str, *rest: Any) -> Any:
        """What the finder finds; nothing for Caffe."""
        return None if name.partition(".")[0] == "caffe" else self.finder.find_spec(name, *rest)


sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
