"""Colours: one meaning each, and distinguishable with the three common colour deficiencies, in light and dark pages."""

from __future__ import annotations

import itertools
import math
from typing import Final

import pytest

from bench.report.plots import style
from bench.report.theme import DARK
from bench.schema.thread_state import GIL_WAIT, THREAD_STATES

# Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009), severity 1: matrices on linear RGB.
SEEN: Final = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
MODELS: Final = style.MODELS
STATES: Final = {state.key: state.colour for state in THREAD_STATES}
LEAST: Final = {"models": 0.07, "states": 0.11}
"""Distance in OKLab, in which 0.02 is about the smallest difference that can be seen side by side."""


def linear(colour: str) -> list[float]:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]


def oklab(colour: str, kind: str) -> tuple[float, float, float]:
    """Return a colour as seen, in OKLab (Ottosson, 2020)."""
    rgb = linear(colour)
    red, green, blue = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, rgb, strict=True)))) for row in SEEN[kind])
    cones = (
        0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue,
        0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue,
        0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue,
    )
    long, middle, short = (value ** (1 / 3) for value in cones)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast of WCAG 2."""
    light = sorted(
        sum(part * value for part, value in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))
        for colour in (one, other)
    )
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", SEEN)
@pytest.mark.parametrize(("name", "colours"), [("models", MODELS), ("states", STATES)])
def test_style_is_distinguishable(name: str, colours: dict[str, str], kind: str, dark: bool) -> None:
    shown = {key: DARK.get(colour, colour) if dark else colour for key, colour in colours.items()}
    for (one, a), (other, b) in itertools.combinations(shown.items(), 2):
        assert math.dist(oklab(a, kind), oklab(b, kind)) >= LEAST[name], (one, other)


@pytest.mark.parametrize("dark", [False, True])
def test_style_gives_labels_the_contrast_of_text(dark: bool) -> None:
    paper = DARK[style.PAPER] if dark else style.PAPER
    for colour in {*style.LABELS.values(), style.OTHER_LABEL, style.QUIET, style.INK}:
        assert contrast(DARK.get(colour, colour) if dark else colour, paper) >= 4.5, colour


def test_style_has_one_meaning_for_a_colour() -> None:
    meanings = {
        "models": set(MODELS.values()),
        "states": set(STATES.values()),
        "verdicts": {style.PALETTE[f"verdict-{name}"] for name in ("faster", "slower", "same", "undecided")},
    }
    for one, other in itertools.combinations(meanings, 2):
        assert not meanings[one] & meanings[other], (one, other)


def test_style_singles_out_waiting_for_the_gil() -> None:
    """It alone is not of the family of the other states, whose hue is blue, in whatever shade."""
    for state in THREAD_STATES:
        blue = oklab(state.colour, "normal")[2] < 0
        assert blue is (state is not GIL_WAIT), state.key
