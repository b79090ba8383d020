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
    "#777777": "#a0a0a0",
    "#6f6f6f": "#a8a8a8",
    # Models: found by a search for the largest smallest difference, as seen with and without a colour deficiency.
    "#000000": "#f2f2f2",  # serial
    **dict.fromkeys(("#d55e00", "#b85000"), "#b97a30"),  # threaded, and its label
    "#0072b2": "#76a6fd",  # asyncio
    **dict.fromkeys(("#009e73", "#00805d"), "#2f9780"),  # multiprocess
    **dict.fromkeys(("#e69f00", "#966700"), "#f9d677"),  # thread-pool
    **dict.fromkeys(("#cc79a7", "#9d5c80"), "#f89cb2"),  # prefork
    **dict.fromkeys(("#56b4e9", "#37789d"), "#95cdfa"),  # process-pool
    "#882255": "#ef64bb",  # subinterpreters
    "#4008b0": "#a860fc",  # asyncio-per-thread
    "#5f4b00": "#b4b153",  # asyncio-threads
    **dict.fromkeys(("#a58a7a", "#7d6252"), "#c9ada0"),  # cheroot
    # States of threads.
    "#12263f": "#cfe0f5",  # CPU
    "#3f5f86": "#93b3da",  # run queue
    "#e8132b": "#ff5247",  # GIL
    "#7290b5": "#6486b3",  # lock
    "#a9c0db": "#3f5c82",  # blocked
    "#dde6f0": "#283648",  # idle
    "#8c0f1c": "#b8323c",
    "#c7d7c9": "#3c4a40",
    "#6a5f85": "#a79bc2",
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
