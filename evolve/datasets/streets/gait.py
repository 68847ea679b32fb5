"""How a body stands and walks: where its joints are at each phase of a step.

A stride's angles follow the usual picture of human walking: legs swing against each other, the knee bends most just
as the leg swings forward, and each arm swings with the leg of the other side.
"""

from dataclasses import dataclass
from math import cos, pi, radians, sin

import numpy as np
from numpy.random import Generator

Joint = tuple[float, float, float]  # metres ahead, to the body's left, up


@dataclass(frozen=True)
class Pose:
    """``phase`` of the stride in radians; ``stride`` the legs' swing in degrees, 0 for one who stands.

    ``arms`` is what each arm does, right then left: swing, phone, pocket or carry. ``lean`` is in degrees.
    """

    phase: float
    stride: float
    arms: tuple[str, str]
    lean: float


def pose(rng: Generator, walking: bool) -> Pose:
    """A random pose."""
    arms = rng.choice(["swing", "phone", "pocket", "carry"], 2, p=[0.6, 0.14, 0.14, 0.12])
    stride = rng.uniform(17, 32) if walking else rng.uniform(0, 5)
    return Pose(rng.uniform(0, 2 * pi), float(stride), (str(arms[0]), str(arms[1])), rng.uniform(-1, 7))


def joints(pose: Pose, height: float, broad: float) -> dict[str, Joint]:
    """The joints of a body of ``height`` metres, ``broad`` times as wide as most, its lower foot on the ground."""
    found: dict[str, Joint] = {}
    for side, sign in (("right", -1), ("left", 1)):
        phase = pose.phase + (pi if side == "left" else 0)
        found |= _leg(side, (0.0, sign * 0.05 * broad * height, 0.51 * height), phase, pose.stride, height)
    lean = radians(pose.lean)
    up = 0.30 * height
    neck = (sin(lean) * up, 0.0, 0.51 * height + cos(lean) * up)
    found["neck"] = neck
    found["head"] = (neck[0] + 0.025 * height, 0.0, neck[2] + 0.115 * height)
    for side, sign, does in (("right", -1, pose.arms[0]), ("left", 1, pose.arms[1])):
        shoulder = (neck[0], sign * 0.095 * broad * height, neck[2] - 0.02 * height)
        swing = -sin(pose.phase + (pi if side == "left" else 0))
        found |= _arm(side, sign, shoulder, swing * pose.stride, does, height)
    lowest = min(found[name][2] for name in ("right toe", "left toe", "right heel", "left heel"))
    return {name: (ahead, aside, up - lowest) for name, (ahead, aside, up) in found.items()}


def _leg(side: str, hip: Joint, phase: float, stride: float, height: float) -> dict[str, Joint]:
    thigh = radians(stride * sin(phase) + 0.15 * stride)
    bend = radians(4 + 1.9 * stride * max(0.0, cos(phase + 0.4)) ** 2)
    knee = _hang(hip, thigh, 0.245 * height)
    ankle = _hang(knee, thigh - bend, 0.235 * height)
    tilt = 0.7 * (thigh - bend)  # the foot follows the shank, but less
    heel = (ankle[0] - 0.03 * height * cos(tilt), ankle[1], ankle[2] - 0.03 * height)
    toe = (ankle[0] + 0.10 * height * cos(tilt), ankle[1], ankle[2] - 0.03 * height + 0.10 * height * sin(tilt))
    return {f"{side} hip": hip, f"{side} knee": knee, f"{side} ankle": ankle, f"{side} heel": heel, f"{side} toe": toe}


def _arm(side: str, sign: int, shoulder: Joint, swing: float, does: str, height: float) -> dict[str, Joint]:
    upper, bend = {
        "swing": (swing, 12 + 0.5 * abs(swing)),
        "phone": (25.0, 125.0),
        "pocket": (-18.0, 48.0),
        "carry": (0.15 * swing, 4.0),
    }[does]
    elbow = _hang(shoulder, radians(upper), 0.165 * height)
    elbow = (elbow[0], elbow[1] + sign * 0.02 * height, elbow[2])
    hand = _hang(elbow, radians(upper + bend), 0.165 * height)
    return {f"{side} shoulder": shoulder, f"{side} elbow": elbow, f"{side} hand": hand}


def _hang(joint: Joint, angle: float, length: float) -> Joint:
    """The next joint down: straight below at angle 0, ahead of it at a positive one (radians)."""
    return joint[0] + length * sin(angle), joint[1], joint[2] - length * cos(angle)


def seen(joint: Joint, heading: float) -> tuple[float, float, float]:
    """(to the right in the picture, up, nearer to the camera) of one who faces it at 0, and walks right at pi / 2."""
    ahead, aside, up = joint
    right = ahead * np.sin(heading) + aside * np.cos(heading)
    return float(right), up, float(ahead * np.cos(heading) - aside * np.sin(heading))
