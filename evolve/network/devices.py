"""The table of devices that frames per second are predicted for: devices.csv, which users extend."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path

from evolve.base.errors import UserError, said

TABLE = Path(__file__).with_name("devices.csv")
TX1 = "Jetson TX1"
_MAY_BE_0 = "gops_int8"


@dataclass(frozen=True)
class Device:
    """Peaks of a device, and the part of them that an engine reaches."""

    name: str
    gflops_float: float  # 1e9 floating-point operations a second in 32 bits
    gflops_half: float  # the same in 16 bits
    gops_int8: float  # the same in 8 bits, dense; 0: no faster than 16 bits
    sparse: float  # how many times that where 2:4 holds, in 16 and in 8 bits; 1: it has nothing for it
    gbytes_per_second: float
    efficiency: float  # 1 would be the peaks
    fitted_on: str

    def arithmetic(self, bits: int) -> tuple[float, int]:
        """Operations a second of weights that have so many bits, and the bytes of a number then."""
        if bits <= 8 and self.gops_int8:
            return 1e9 * self.gops_int8, 1
        return (1e9 * self.gflops_half, 2) if bits < 32 else (1e9 * self.gflops_float, 4)


def read(table: Path = TABLE) -> dict[str, Device]:
    """The devices by name, in the table's order. UserError naming file and line for a row that is none."""
    try:
        text = table.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{table}: expected a table of devices, got: {said(error)}; write it in UTF-8") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1)
             if line.strip() and not line.startswith("#")]  # fmt: skip
    columns = [field.name for field in fields(Device)]
    if not lines or lines[0][1] != ",".join(columns):
        raise UserError(f"{table}: expected a line of columns before the devices, {','.join(columns)}")
    devices = {}
    for number, line in lines[1:]:
        device = _device(next(csv.reader([line])), f"{table}:{number}")
        devices[device.name] = device
    return devices


def _device(cells: list[str], where: str) -> Device:
    columns = [field.name for field in fields(Device)]
    if len(cells) != len(columns):
        raise UserError(f"{where}: expected {len(columns)} cells, got {len(cells)}; quote words with commas in them")
    figures = {column: _figure(cell, column, where) for column, cell in list(zip(columns, cells, strict=True))[1:-1]}
    return Device(name=cells[0], fitted_on=cells[-1], **figures)


def _figure(cell: str, column: str, where: str) -> float:
    if column == _MAY_BE_0 and cell == "0":
        return 0.0
    try:
        value = float(cell)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UserError(f"{where}: {column}: expected a number above 0, got '{cell}'")
    return value
