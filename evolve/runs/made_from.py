"""A generation's numbers are of the very data that it was made from: what lies in that place now may be other data."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.datasets.dataset import finished


class OtherData(UserError):
    """A data set is not any more what something was made from."""


def check(folder: Path, name: str, sha256: str) -> None:
    """OtherData unless the data set in `folder`, which messages call `name`, has this sha256 and is whole."""
    there = finished(folder)
    if there is None or there.sha256 != sha256:
        got = f"another one ({there.sha256[:12]})" if there else "none that is whole and as it was"
        raise OtherData(
            f"{folder}: expected {name} (sha256 {sha256[:12]}), which this was made from, got {got}; "
            "bring that data back"
        )
