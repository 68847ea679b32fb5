"""What people call the splits of a data set in the names of folders, files and columns."""

import re

_NAMED = {
    "train": re.compile(r"train(ing)?(\d{4})?"),
    "val": re.compile(r"(val(id(ation)?)?|dev)(\d{4})?"),
    "test": re.compile(r"test(ing)?(\d{4})?"),
}


def split_of(name: str) -> str:
    """train, val or test, whatever the capitals and with a year behind it or not; "" for a name of none."""
    return next((split for split, words in _NAMED.items() if words.fullmatch(name.lower())), "")
