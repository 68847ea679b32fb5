"""Names of classes and a mean image go along with a network: outputs and inputs mean nothing without them."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.runs import paths


def take_along(model: Path, out: Path) -> None:
    """Copies labels.txt and mean.binaryproto from beside `model` into the folder `out`, as far as they are there.

    UserError where one cannot be read, OSError where it cannot be written.
    """
    for name, what in ((paths.LABELS, "the names of classes"), (paths.MEAN, "a mean image")):
        file = model.with_name(name)
        if not file.is_file():
            continue
        try:
            content = file.read_bytes()
        except OSError as error:
            raise UserError(f"{file}: expected {what}, got {error.strerror}; make it readable") from None
        (out / name).write_bytes(content)
