"""Which clauses a switch can be held to at all, as it is installed, and what the others lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from campaign.release import can_be_asked
from conformance.clauses import CLAUSES, Area
from conformance.profile import Profile
from conformance.scenario import Scenario
from strategies import stream
from strategies.fairness import clauses_of

SAMPLE = 600
"""Scenarios that are looked at: among as many each clause occurs."""

NO_CDRS = "no CDRs of the switch can be had"
ONE_MODULE = "CDRs of one module alone can be had, and nothing to compare them with"
SETTINGS = "it takes other settings of loopback.conf or global variables, not ours to change there"
NOT_INSTALLED = "what is installed there cannot run the calls that it takes"


def out_of_reach(
    fixed: Profile,
    possible: Callable[[Scenario], bool],
    cdr_modules: Sequence[str],
    release: str,
) -> Mapping[str, str]:
    """Clauses that cannot be verified on a switch with this profile, and why.

    `possible` tells whether what is installed there can run a scenario. Takes some seconds.
    """
    reached: set[str] = set()
    lacking: dict[str, str] = {}
    for scenario, there in _sample(fixed, release):
        got = clauses_of(there)
        if possible(there):
            reached |= got
        else:
            lacking |= dict.fromkeys(got, NOT_INSTALLED)
        for name in clauses_of(scenario) - got:
            lacking.setdefault(name, SETTINGS)
    gaps = {name: why for name, why in lacking.items() if name not in reached}
    if not cdr_modules:
        gaps |= {name: NO_CDRS for name, one in CLAUSES.items() if one.area is Area.CDR}
    elif len(cdr_modules) == 1:
        gaps["cdr.modules-agree"] = ONE_MODULE
    return {name: gaps[name] for name in CLAUSES if name in gaps}


def _sample(fixed: Profile, release: str) -> Iterator[tuple[Scenario, Scenario]]:
    """Scenarios as they are made up, and as a switch with this profile can be given them."""
    for one in islice(stream(1, None), SAMPLE):
        if can_be_asked(one, release):
            yield (
                replace(one, profile=one.profile.at_release(release)),
                replace(one, profile=fixed.at_release(release)),
            )
