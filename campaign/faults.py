"""The seeded faults of the embedded switch, run one by one: which clause catches which.

A fault is caught when a clause that it names fails, or a metamorphic run differs with the relation
that it names. A fault of the transport names neither: it must not be held against the switch.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from threading import Thread

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from campaign.compare import ATTEMPTS as COMPARING
from campaign.compare import compare
from campaign.memory import keep_memory_flat
from campaign.metamorphic import run_metamorphic
from campaign.session import ATTEMPTS as CONFIRMING
from campaign.session import Plan, Run, run
from conformance.changes import Change
from conformance.profile import Profile
from conformance.scenario import Scenario
from conformance.verdicts import CONFORMS, FINDINGS, Verdict
from fixtures.embedded.faults import FAULTS, Fault
from fixtures.switches import Switch, open_switch
from fixtures.switches.embedded import place_of_files
from fixtures.switches.owner import remove_left_over
from strategies import scenarios

FIRST = 100
"""Scenarios placed at first; the whole number only where these do not catch the fault."""


@dataclass(frozen=True, slots=True)
class Caught:
    """What came of one fault.

    `by` are the clauses that failed, or the relation that differed, and that the fault names;
    `after` is how many scenarios had been placed when the first of those clauses had its first
    finding, `also` the other clauses that failed. `status` is the exit status of the last run,
    `scenarios` how many were placed in it.
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
        if not self.fault.clauses and not self.fault.relation:
            return self.status != FINDINGS
        return bool(self.by)


def chosen(names: Sequence[str], part: int, parts: int) -> list[Fault]:
    """The faults of these names, all without any; of several parts only the one of that number."""
    faults = [FAULTS[name] for name in names] if names else list(FAULTS.values())
    return faults[part - 1 :: parts]


def run_faults(
    faults: Sequence[Fault], plan: Plan, *, comparing: bool = False, jobs: int = 1
) -> Generator[Caught, None, None]:
    """Run each fault on an embedded switch of its own; the plan's number of scenarios at most.

    With `comparing` it is caught where it is a regression beside the faultless switch: of a clause
    that it names, or of one that has none, a raw difference. So many `jobs` run at once, each in a
    process of its own; what came of them is given in the order of the faults.
    """
    one = partial(run_fault, plan=plan, comparing=comparing)
    # Not forked: this process may have threads, of which a fork would keep the locks.
    several = max(1, min(jobs, len(faults)))
    with ProcessPoolExecutor(several, get_context("spawn"), _begin) as pool:
        try:
            with _without_interrupts():
                placed = [pool.submit(one, fault) for fault in faults]
            for each in placed:
                yield each.result()
        except BaseException:  # an interruption too: the pool would run to its end what it took on
            for worker in active_children():
                worker.kill()
                worker.join()
            remove_left_over(place_of_files())  # by the switches, which went with the workers
            raise


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Have no process that is started within be interrupted: Ctrl-C is for this one alone."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """Begin a process that runs faults: it ends with the one that it works for."""
    keep_memory_flat()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def run_fault(fault: Fault, plan: Plan, *, comparing: bool = False) -> Caught:
    """Run one fault: with the first scenarios, and with all where those do not catch it."""
    plan = replace(plan, strategy=_strategy(fault))
    place = _contrasted if fault.relation else _judged
    place = _compared if comparing else place
    caught = place(fault, replace(plan, scenarios=min(FIRST, plan.scenarios)))
    if not caught.right and plan.scenarios > FIRST:
        caught = place(fault, plan)
    return caught


def _strategy(fault: Fault) -> SearchStrategy[Scenario] | None:
    """Scenarios in which the fault can show: None where any may."""
    if not fault.needs:
        return None
    return scenarios(profiles=st.just(Profile(**dict(fault.needs))))


def _switch(fault: Fault) -> Switch:
    return open_switch(f"embedded:?fault={fault.name}")


def _judged(fault: Fault, plan: Plan) -> Caught:
    done = asyncio.run(run(_switch(fault), plan))
    return _caught(fault, done, done.result.exit_status, fault.clauses)


def _contrasted(fault: Fault, plan: Plan) -> Caught:
    done = asyncio.run(run_metamorphic(_switch(fault), plan))
    relations = {contrast.variant.relation for contrast in done.contrasts}
    caught = _caught(fault, done.run, done.exit_status, ())
    return replace(caught, by=tuple(relations & {fault.relation}))


def _compared(fault: Fault, plan: Plan) -> Caught:
    attempts = COMPARING if fault.relation else CONFIRMING
    done = compare(open_switch("embedded:"), _switch(fault), plan, attempts=attempts).changes
    worse = [name for name, one in done.clauses.items() if one.counts.get(Change.REGRESSION)]
    by = [name for name in worse if name in fault.clauses]
    if fault.relation and done.raw:
        by.append(fault.relation)
    return Caught(
        fault=fault,
        by=tuple(by),
        after=None,
        also=tuple(name for name in worse if name not in fault.clauses),
        status=FINDINGS if worse else CONFORMS,
        scenarios=done.scenarios,
    )


def _caught(fault: Fault, done: Run, status: int, clauses: tuple[str, ...]) -> Caught:
    results = done.result.clauses
    failing = [name for name, one in results.items() if one.verdict is Verdict.FAIL]
    by = tuple(name for name in failing if name in clauses)
    return Caught(
        fault=fault,
        by=by,
        after=min((done.first[name] for name in by), default=None),
        also=tuple(name for name in failing if name not in clauses),
        status=status,
        scenarios=done.result.scenarios,
    )
