"""Caffe's own tests, those that compute on a GPU, as `third_party/caffe/build.py --tests` compiled them."""

import re
import subprocess

from tests.gpu.session import Result, Session, TimeIsUp

FOLDER = "caffe_tests"
# Tests of types for a GPU have that in the name of their type parameter or of themselves.
PASSED = re.compile(r"^\[  PASSED  \] (\d+) test", re.M)
FAILED = re.compile(r"^\[  FAILED  \] ([\w/]+\.\w+)", re.M)


def run(session: Session) -> Result:
    """How many passed in each program, and which failed."""
    programs = sorted((session.pack / FOLDER).glob("*.testbin"))
    if not programs:
        return {"skipped": "Caffe's tests are not in this pack: pack --tests"}
    listed = {
        path.stem: len(re.findall(r"^  \w", _said(str(path), "--gtest_list_tests", seconds=60), re.M))
        for path in programs
    }
    result: Result = {"device": session.gpu(), "tests": listed, "passed in": {}, "failed": []}
    for path in programs:
        said = _said(str(path), "--gtest_color=no", seconds=session.left())
        result["passed in"][path.stem] = sum(map(int, PASSED.findall(said)))
        result["failed"] += sorted(set(FAILED.findall(said)))
        session.in_time(result)
    return {**result, "passed": not result["failed"] and all(result["passed in"].values())}


def _said(*command: str, seconds: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=max(1.0, seconds))
    except subprocess.TimeoutExpired as error:
        raise TimeIsUp(command[0]) from error
    return done.stdout + done.stderr
