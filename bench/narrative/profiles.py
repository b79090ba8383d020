"""Description of a cell's profile in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench.analysis.profile import top
from bench.analysis.profile.concurrency import running_at_once
from bench.analysis.profile.load import Profile

SEVERAL: Final = 1.1
"""A larger share of the time than one GIL can be held."""


def describe_profile(profile: Profile) -> Iterator[str]:
    """Yield sentences about the profile of a cell, with their figures."""
    if profile.lanes:
        shares = profile.shares
        at_once = running_at_once(profile)
        shown = f"On {profile.interpreter}, {at_once:.1f} threads were on a CPU at once on average"
        waiting = shares.get("gil_wait", 0.0)
        yield shown + (
            f"; threads waited for the GIL {waiting:.0%} of their time."
            if waiting >= 0.005
            else "; none waited for a GIL."
        )
    held = sum(taken.time_share for taken in top.functions(profile, "gil"))
    if held:
        first = top.functions(profile, "gil")[0]
        what = f"the GIL was held {min(held, 1.0):.0%} of the time"
        if held > SEVERAL:
            what = f"{held:.1f} GILs were held at once, each process or interpreter having its own"
        yield f"On {profile.interpreter}, {what}, {first.share:.0%} of that by {first.name}."
