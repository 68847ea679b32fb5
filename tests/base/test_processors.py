"""Processors are counted on made-up control groups, as hosts, containers and services have them."""

import os
from pathlib import Path

import pytest

from evolve.base import processors


@pytest.fixture(autouse=True)
def _eight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(processors, "_MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(processors, "_GROUPS", tmp_path)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, words in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{words}\n", errors="surrogateescape")


def v1(folder: str, quota: int, period: int = 100000) -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": str(quota), f"{folder}/cpu.cfs_period_us": str(period)}


NESTED = {"membership": "0::/a.slice/b.service", "a.slice/b.service/cpu.max": "max 100000"}
V1 = "5:memory:/docker/f00\n4:cpu,cpuacct:/docker/f00\n1:name=systemd:/docker/f00"


@pytest.mark.parametrize(
    ("files", "quota", "usable"),
    [
        pytest.param({}, None, 8, id="no control groups"),
        pytest.param({"cpu.max": "250000 100000"}, 2.5, 2, id="a container that hides /proc"),
        pytest.param({"membership": "0::/", "cpu.max": "50000 100000"}, 0.5, 1, id="less than one"),
        pytest.param({"membership": "0::/", "cpu.max": "1600000 100000"}, 16, 8, id="more than there are"),
        pytest.param({"membership": "0::/", "cpu.max": "max 100000"}, None, 8, id="a container without a quota"),
        pytest.param({"membership": "0::/", "cpu.max": ""}, None, 8, id="an empty file"),
        pytest.param(NESTED, None, 8, id="a service without a quota"),
        pytest.param(NESTED | {"a.slice/cpu.max": "300000 100000"}, 3, 3, id="that of the slice above it"),
        pytest.param(
            NESTED | {"a.slice/cpu.max": "300000 100000", "a.slice/b.service/cpu.max": "80000 40000"}, 2, 2,
            id="the smaller one of two",
        ),
        pytest.param({"membership": "0::/../other", "cpu.max": "200000 100000"}, 2, 2, id="from another namespace"),
        pytest.param(
            {"membership": "0::/host/pod/b", "b/cpu.max": "200000 100000"}, 2, 2, id="a path that begins at the host"
        ),
        pytest.param({"membership": V1, **v1("cpu,cpuacct", 400000)}, 4, 4, id="v1, the container's own"),
        pytest.param({"membership": V1, **v1("cpu,cpuacct/docker/f00", 150000, 50000)}, 3, 3, id="v1, on the host"),
        pytest.param({"membership": "1:cpu:/", **v1("cpu", -1)}, None, 8, id="v1 without a quota"),
        pytest.param(
            {"membership": "1:cpu:/a\n0::/a", **v1("cpu/a", 500000), "unified/a/cpu.max": "max 100000"}, 5, 5,
            id="v1 and v2 side by side",
        ),
        pytest.param({"membership": "0::/gr\udcfc\udcdf", "cpu.max": "200000 100000"}, 2, 2, id="in any bytes"),
        pytest.param({"membership": "2:cpuacct:/", **v1("cpuacct", 100000)}, None, 8, id="v1, another controller"),
    ],
)  # fmt: skip
def test_the_least_of_affinity_and_quotas(
    files: dict[str, str], quota: float | None, usable: int, tmp_path: Path
) -> None:
    write(tmp_path, files)
    assert (processors.quota(), processors.usable()) == (quota, usable)


def test_an_affinity_of_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    write(tmp_path, {"membership": "0::/", "cpu.max": "400000 100000"})
    assert (processors.allowed(), processors.usable()) == (1, 1)


def test_a_system_without_affinities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert processors.usable() == 6
