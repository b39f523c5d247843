"""Which legs have a CDR at all: what variables and settings ask for (facts, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from conformance.causes import cause_of
from conformance.model.variables import is_true


class Wanted(NamedTuple):
    """Whether a leg has CDRs (both where what decides is a race), and the clause."""

    outcomes: tuple[bool, ...]
    clause: str = "one-for-each-leg"


WANTED = Wanted((True,))
UNWANTED = Wanted((False,), "none-if-unwanted")


def either(own: Wanted, other: Wanted) -> Wanted:
    """What holds of a leg whose variables at its end may be its own, or another's as well.

    The clause is that of its own.
    """
    outcomes = sorted({*own.outcomes, *other.outcomes}, reverse=True)
    return own._replace(outcomes=tuple(outcomes))


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
    """Causes of a list with `|`."""
    return {cause_of(part.strip(" ")) for part in skip.split("|")}
