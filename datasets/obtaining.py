"""A raw file that is not on this machine comes from its mirrors, or the data set is unavailable."""

import os
from collections.abc import Sequence
from pathlib import Path

from datasets.download import DownloadFailed, download
from datasets.raw_files import RawFile, folders
from datasets.source import Report, Unavailable


def obtained(
    file: RawFile, mirrors: Sequence[str], subfolder: str, originals: str, raw: Path, report: Report
) -> Path:
    """``file`` downloaded into ``raw``/``subfolder`` from the first of ``mirrors`` (URLs ending in /) that works.

    ``originals`` says in a message what the user may put there instead. Raises Unavailable if no mirror has it
    or CAVEFISH_OFFLINE is set, UserError if the disk is full or the folder cannot be written.
    """
    target = raw / subfolder / file.name
    try:
        if os.environ.get("CAVEFISH_OFFLINE", "0") not in ("", "0"):
            raise DownloadFailed("CAVEFISH_OFFLINE is set")
        download([mirror + file.name for mirror in mirrors], target, file, report)
    except DownloadFailed as failure:
        looked = ", ".join(map(str, folders(subfolder, raw)))
        raise Unavailable(
            f"expected {file.name} in one of {looked}, or a download; got neither ({failure}); set "
            f"CAVEFISH_DATA to a folder with {originals}, or put them into {target.parent}",
            reason=f"{file.name} was neither found nor downloaded: {failure}",
        ) from None
    return target
