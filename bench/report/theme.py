"""Theme of all pages: one style sheet, light and dark, with the palette of the plots."""

from __future__ import annotations

from importlib import resources
from typing import Final

from markupsafe import Markup

from bench.report.plots.style import PALETTE

DARK: Final = {
    "#ffffff": "#1c1f23",  # paper
    "#1f2328": "#e4e6e9",  # ink
    "#5f6772": "#9aa1ab",  # quiet
    "#9ca3af": "#6b7280",  # axis
    "#e5e7eb": "#2f343a",  # faint
    "#d1d5db": "#4b525b",  # zone
    "#f3f4f6": "#23272c",  # shade
    "#000000": "#f2f2f2",  # serial
    "#d55e00": "#f0813a",
    "#0072b2": "#4aa8e0",
    "#009e73": "#2cc297",
    "#882255": "#d9689f",
    "#5f4b00": "#bfa64a",
    "#777777": "#a0a0a0",
    "#b85000": "#f0935a",
    "#00805d": "#35c79c",
    "#966700": "#e6ac3c",
    "#9d5c80": "#d896b8",
    "#37789d": "#74b9de",
    "#6f6f6f": "#a8a8a8",
    "#00355c": "#2a6fa3",
    "#c5ead9": "#35685a",
    "#f8dccb": "#5a3a28",
    "#f0b48d": "#8a5433",
    "#d3e6f3": "#233f52",
    "#9fcbe6": "#33607f",
}
"""Colours that replace those of the palette on a dark page; the others are light enough for both."""


def css() -> Markup:
    """Return the sheet: the palette as variables (``--model-threaded``, by value ``--c-d55e00``), and ``theme.css``."""
    colours = dict.fromkeys(PALETTE.values())
    light = "".join(f"--c-{value[1:]}:{value};" for value in colours)
    dark = "".join(f"--c-{value[1:]}:{DARK[value]};" for value in colours if value in DARK)
    names = "".join(f"--{name}:var(--c-{value[1:]});" for name, value in PALETTE.items())
    sheet = resources.files("bench.report").joinpath("theme.css").read_text(encoding="utf-8")
    variables = f":root{{{light}{names}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return Markup(f"{variables}\n{sheet}")  # noqa: S704 - our own files
