"""`make device` fills a folder to copy to a device."""

from pathlib import Path

from evolve.base.errors import UserError
from evolve.command.arguments import Arguments, generation, image_shape, named_run, whole

WHAT = "a folder to copy to a device, as `tx1` is: Jetson Nano, Xavier or Orin, Raspberry Pi 5"
ARGUMENTS = "DEVICE RUN NET GEN WITHIN SHAPE INPUTS IMAGES OUT"


def run(arguments: Arguments) -> int:
    """Exit status 0. Raises UserError."""
    return fill(arguments, arguments["DEVICE"])


def fill(arguments: Arguments, device: str) -> int:
    """The folder for a device, in the run's own unless OUT= names another."""
    from trt import device_folder

    kit = device_folder.kit(device)
    if "IMAGES" in arguments and (not kit.eight or "INPUTS" in arguments):
        raise UserError(
            f"device: expected {' or '.join(device_folder.IN_EIGHT_BITS)} and no INPUTS= beside IMAGES=, how many of "
            "the run's training images calibrate eight bits; leave it out"
        )
    images = whole(arguments, "IMAGES", least=1)
    folder = named_run(arguments)
    numbers = device_folder.numbers_of(folder, generation(arguments, folder) if "GEN" in arguments else 0)
    out = Path(arguments.get("OUT", folder / device))
    asked = arguments.get("INPUTS", "")
    given = Path(asked) if asked not in ("", "none") else None
    device_folder.fill(folder, out, numbers, image_shape(arguments), asked != "none", print, device, given, images)
    return 0
