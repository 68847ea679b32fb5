"""What people call the splits of a data set in the names of folders, files and columns."""

import re

_NAMED = {"train": r"train(ing)?", "val": r"(val(id(ation)?)?|dev)", "test": r"test(ing)?"}
# As in train2017, training_set, "Test data"; Intel's scenes lie in seg_train.
_WHOLE = r"(seg_)?{}(\d{{4}}|[-_ ]?((data)?set|data|images|dir))?"
_PATTERNS = {split: re.compile(_WHOLE.format(words)) for split, words in _NAMED.items()}


def split_of(name: str) -> str:
    """train, val or test, whatever the capitals, a year or "set" behind it or not; "" for a name of none."""
    return next((split for split, pattern in _PATTERNS.items() if pattern.fullmatch(name.lower())), "")
