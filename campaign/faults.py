"""The seeded faults of the embedded switch, run one by one: which clause catches which.

A fault is caught when a clause that it names fails. A fault of the transport names none: it must
not be held against the switch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from campaign.session import Plan, Run, run
from conformance.profile import Profile
from conformance.scenario import Scenario
from conformance.verdicts import FINDINGS, Verdict
from fixtures.embedded.faults import FAULTS, Fault
from fixtures.switches import open_switch
from strategies import scenarios

FIRST = 100
"""Scenarios placed at first; the whole number only where these do not catch the fault."""


@dataclass(frozen=True, slots=True)
class Caught:
    """What came of one fault.

    `by` are the clauses that failed and that it names, `after` how many scenarios had been placed
    when the first of them had its first finding, `also` the other clauses that failed. `status` is
    the exit status of the last run, `scenarios` how many were placed in it.
    """

    fault: Fault
    by: tuple[str, ...]
    after: int | None
    also: tuple[str, ...]
    status: int
    scenarios: int

    @property
    def name(self) -> str:
        """Name of the fault."""
        return self.fault.name

    @property
    def wrong(self) -> str:
        """What goes wrong, in a sentence."""
        return self.fault.wrong

    @property
    def right(self) -> bool:
        """Whether the suite did what it should."""
        if not self.fault.clauses:
            return self.status != FINDINGS
        return bool(self.by)


def chosen(names: Sequence[str], part: int, parts: int) -> list[Fault]:
    """The faults of these names, all without any; of several parts only the one of that number."""
    faults = [FAULTS[name] for name in names] if names else list(FAULTS.values())
    return faults[part - 1 :: parts]


def run_faults(faults: Sequence[Fault], plan: Plan) -> Iterator[Caught]:
    """Run each fault on an embedded switch of its own; the plan's number of scenarios at most."""
    for fault in faults:
        plan = replace(plan, strategy=_strategy(fault))
        caught = _caught(fault, _run(fault, replace(plan, scenarios=min(FIRST, plan.scenarios))))
        if not caught.right and plan.scenarios > FIRST:
            caught = _caught(fault, _run(fault, plan))
        yield caught


def _strategy(fault: Fault) -> SearchStrategy[Scenario] | None:
    """Scenarios in which the fault can show: None where any may."""
    if not fault.needs:
        return None
    return scenarios(profiles=st.just(Profile(**dict(fault.needs))))


def _run(fault: Fault, plan: Plan) -> Run:
    return asyncio.run(run(open_switch(f"embedded:?fault={fault.name}"), plan))


def _caught(fault: Fault, done: Run) -> Caught:
    clauses = done.result.clauses
    failing = [name for name, one in clauses.items() if one.verdict is Verdict.FAIL]
    by = tuple(name for name in failing if name in fault.clauses)
    return Caught(
        fault=fault,
        by=by,
        after=min((done.first[name] for name in by), default=None),
        also=tuple(name for name in failing if name not in fault.clauses),
        status=done.result.exit_status,
        scenarios=done.result.scenarios,
    )
