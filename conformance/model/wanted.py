"""Which legs have a CDR at all: what variables and settings ask for (facts, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from conformance.model.variables import is_true

CAUSES: Mapping[str, int] = MappingProxyType(
    {
        "UNALLOCATED_NUMBER": 1,
        "NO_ROUTE_DESTINATION": 3,
        "NORMAL_CLEARING": 16,
        "USER_BUSY": 17,
        "NO_USER_RESPONSE": 18,
        "NO_ANSWER": 19,
        "CALL_REJECTED": 21,
        "DESTINATION_OUT_OF_ORDER": 27,
        "NORMAL_UNSPECIFIED": 31,
        "NORMAL_TEMPORARY_FAILURE": 41,
        "INCOMPATIBLE_DESTINATION": 88,
        "ORIGINATOR_CANCEL": 487,
        "PICKED_OFF": 605,
    }
)
"""Causes with which a leg of a scenario may end, and their numbers."""


class Wanted(NamedTuple):
    """Whether a leg has CDRs (both where its cause decides and is a race), and the clause."""

    outcomes: tuple[bool, ...]
    clause: str = "one-for-each-leg"


WANTED = Wanted((True,))
UNWANTED = Wanted((False,), "none-if-unwanted")


def wanted(
    variables: Mapping[str, str],
    causes: frozenset[str],
    *,
    log_b_leg: bool,
    was_dialled: bool,
    dialled: bool,
) -> Wanted:
    """Whether a leg has CDRs, by the variables that it has at its end and the settings.

    `was_dialled` and `dialled` are by its newest caller profile. A CDR that `process_cdr` or
    `skip_cdr_causes` does not let come is not forced by `force_process_cdr`.
    """
    process = variables.get("process_cdr", "").lower()
    if process and not _processed(process, was_dialled=was_dialled, dialled=dialled):
        return UNWANTED
    skip = variables.get("skip_cdr_causes", "")
    skipped = [cause in _listed(skip) for cause in causes] if skip else []
    if all(skipped) and skipped:
        return Wanted((False,), "none-for-skipped-causes")
    if not log_b_leg:
        forced = is_true(variables.get("force_process_cdr", ""))
        logged = forced or not was_dialled
        return Wanted((logged, False) if any(skipped) else (logged,), "b-legs-not-logged")
    if skip:
        return Wanted((True, False) if any(skipped) else (True,), "none-for-skipped-causes")
    return Wanted((True,), "none-if-unwanted") if process else WANTED


def _processed(process: str, *, was_dialled: bool, dialled: bool) -> bool:
    if process == "a_only":
        return not was_dialled
    return not dialled if process == "b_only" else is_true(process)


def _listed(skip: str) -> set[str]:
    """Causes of a list with `|`, by name or number; what is neither is NORMAL_CLEARING."""
    numbers = {str(number): name for name, number in CAUSES.items()}
    parts = [part.strip(" ").upper() for part in skip.split("|")]
    return {part if part in CAUSES else numbers.get(part, "NORMAL_CLEARING") for part in parts}
