"""Comparing two switches: the same scenarios on both, side by side, or against a recording.

Both are judged by one model, that of the newer release of the two. Where both are live each
scenario is placed on both at about the same time, so that the host's load is the same.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import tee
from pathlib import Path
from typing import TypeAlias

from campaign.campaign import Pace
from campaign.errors import first_of
from campaign.options import cancel_on_signals
from campaign.release import can_be_asked
from campaign.session import (
    Plan,
    Progress,
    Run,
    Scenarios,
    Silent,
    judge_recording,
    made_for,
    run,
)
from conformance.changes import Changes, Comparing, Side
from conformance.divergences import Known, witnesses
from conformance.judge import Judgement
from conformance.observation import Placement
from conformance.profile import numbers, release_of
from conformance.scenario import Scenario
from fixtures.recording import BASELINES, Header, Recording
from fixtures.switches import Switch, SwitchIdentity, UsageError

ATTEMPTS = 9
"""How often at most a scenario is placed: so often tells a single one from a race (see CHANCE)."""

CONFIRMING = 50
"""Calls at once on each side while scenarios are placed again."""

SHARE = 0.75
"""Part of the calls at once that each of two live sides gets: how they keep time limits it too."""

Source: TypeAlias = Switch | Path
"""A live switch, or a recording of one."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a comparison.

    `release` is that of the model, `shortfalls` are why either side is not whole, `stale` and
    `idle` what is to be said of known divergences; `seconds` is what placing took.
    """

    changes: Changes
    old: Header
    new: Header
    release: str
    shortfalls: tuple[str, ...]
    stale: tuple[str, ...]
    idle: tuple[str, ...]
    seconds: float


def baseline(text: str) -> Path:
    """The recording that a text names, which may be `freeswitch:1.10.12`; raises UsageError."""
    named = re.fullmatch(r"([a-z]+):([0-9.]+)", text)
    if named is None:
        return Path(text)
    path = BASELINES / f"{named[1]}-{named[2]}.jsonl.gz"
    if not path.exists():
        names = (one.name.removesuffix(".jsonl.gz") for one in BASELINES.glob("*.jsonl.gz"))
        there = ", ".join(sorted(name.replace("-", ":", 1) for name in names))
        raise UsageError(f"no baseline {text!a} comes with the suite; there are {there}")
    return path


def kept(folder: Path, side: Side) -> Path:
    """The recording of a live side in the folder for them."""
    return folder / f"{side.name.lower()}.jsonl.gz"


def compare(
    old: Source,
    new: Source,
    plan: Plan,
    *,
    releases: tuple[str | None, str | None] = (None, None),
    record: Path | None = None,
    attempts: int = ATTEMPTS,
    progress: Progress | None = None,
) -> Compared:
    """Compare two switches by the plan's scenarios, or by those of a recording.

    `releases` say what either endpoint is, where that is not the switch's version; `record` is a
    folder for recordings of what is placed. With fewer `attempts` a change that no clause reads is
    only told of where many calls show it. Raises what `campaign.session.run` does.
    """
    table = _Table(replace(plan, attempts=attempts), releases, record)
    sides = dict(zip(Side, (old, new), strict=True))
    live = {side: one for side, one in sides.items() if not isinstance(one, Path)}
    table.comparing = Comparing(live)
    for side, source in sides.items():
        if isinstance(source, Path):
            table.recordings[side] = Recording(source)
    if not live:
        table.agree()
    done = asyncio.run(_place(table, live, progress or Silent())) if live else {}
    return table.result(done)


@dataclass(slots=True)
class _Table:
    """What both sides know of each other."""

    plan: Plan
    releases: tuple[str | None, str | None]
    record: Path | None
    comparing: Comparing = field(default_factory=Comparing)
    recordings: dict[Side, Recording] = field(default_factory=dict)
    versions: dict[Side, str] = field(default_factory=dict)
    recorded: tuple[Scenario, ...] = ()
    release: str = ""
    oldest: str = ""
    shortfalls: list[str] = field(default_factory=list)
    alike: bool = False
    """Whether both are live and take whatever scenario there is."""
    _generated: list[Iterator[Scenario]] = field(default_factory=list)

    def shared(self, generated: Iterator[Scenario]) -> Iterator[Scenario]:
        """The same scenarios for both, made once."""
        if not self.alike:
            return generated
        if not self._generated:
            self._generated = list(tee(generated))
        return self._generated.pop()

    def agree(self) -> None:
        """Take the newer release of the two for the model, and read what is recorded."""
        for side, recording in self.recordings.items():
            self.versions[side] = recording.header.switch.version
        told = [self.releases[side.value] or version for side, version in self.versions.items()]
        known = sorted(map(release_of, told), key=numbers)
        self.oldest, self.release = known[0], known[-1]
        version = self.releases[1] or self.versions.get(Side.NEW, "")
        today = datetime.now(UTC).date()
        self.comparing.known = Known(self.plan.known, version, today)
        for side, recording in self.recordings.items():
            self._read(side, recording)

    def _read(self, side: Side, recording: Recording) -> None:
        found: dict[str, Scenario] = {}
        for recorded in recording:
            scenario = recorded.scenario.at_release(self.release)
            found.setdefault(scenario.id, scenario)
            for placement in recorded.attempts:
                self.comparing.add(side, scenario, placement)
        if not recording.complete:
            self.shortfalls.append(f"{side.name.lower()}: {recording.incomplete}")
        self.recorded = tuple(one for one in found.values() if can_be_asked(one, self.oldest))

    def result(self, done: dict[Side, Run]) -> Compared:
        """What came of it, with what each live side's own run has to say."""
        headers = {side: one.header for side, one in self.recordings.items()}
        headers |= {side: one.header for side, one in done.items()}
        for side, one in done.items():
            if one.result.shortfall:
                self.shortfalls.append(f"{side.name.lower()}: {one.result.shortfall}")
        stale: tuple[str, ...] = ()
        idle: tuple[str, ...] = ()
        if self.plan.known:
            review = done.get(Side.NEW) or judge_recording(
                self.recordings[Side.NEW].path, self.plan.known
            )
            stale, idle = review.result.stale, review.result.idle
        return Compared(
            changes=self.comparing.result(),
            old=headers[Side.OLD],
            new=headers[Side.NEW],
            release=self.release,
            shortfalls=tuple(self.shortfalls),
            stale=stale,
            idle=idle,
            seconds=max((one.seconds for one in done.values()), default=0.0),
        )


class _Beside:
    """One live side: watches its run, and keeps step with the other one where that is live too."""

    def __init__(self, side: Side, table: _Table, step: asyncio.Barrier) -> None:
        self._side = side
        self._table = table
        self._step = step

    async def agree(self, identity: SwitchIdentity, plan: Plan) -> Plan:
        table = self._table
        table.versions[self._side] = identity.version
        await self.ready()
        if not table.release:
            table.agree()
        return replace(plan, release=table.release, asked_of=table.oldest)

    async def ready(self) -> None:
        # the other one has come to its end, and nobody is waited for any more
        with suppress(asyncio.BrokenBarrierError):
            await self._step.wait()

    def scenarios(self, asked: int, generated: Iterator[Scenario]) -> Scenarios:
        table = self._table
        if not table.recordings:
            return asked, table.shared(generated)
        first = witnesses(table.plan.known, table.release)
        placed = (*first, *table.recorded[: table.plan.scenarios])
        once = {one.id: one for one in placed}.values()
        # Those of a profile come together: each change of profile waits for all calls to end.
        ordered = sorted(once, key=_settings)
        return len(ordered), iter(ordered)

    def placed(self, scenario: Scenario, placement: Placement, judgement: Judgement) -> None:
        self._table.comparing.add(self._side, scenario, placement, judgement)

    def unsettled(self) -> Iterable[Scenario]:
        return self._table.comparing.unsettled(self._table.plan.attempts)


def _settings(scenario: Scenario) -> tuple[bool, str]:
    return bool(scenario.profile.changed()), str(scenario.profile)


async def _place(table: _Table, live: dict[Side, Switch], progress: Progress) -> dict[Side, Run]:
    """Run all live sides at once; of two each gets `SHARE` of the calls at once."""
    cancel_on_signals()
    step = asyncio.Barrier(len(live))
    table.alike = len(live) > 1 and all(one.fixed is None for one in live.values())
    pace = table.plan.pace
    if len(live) > 1:
        pace = Pace(window=max(1, round(pace.window * SHARE)), rate=pace.rate * SHARE)

    async def place(side: Side, switch: Switch, made: Iterator[Scenario] | None) -> Run:
        plan = replace(
            table.plan,
            pace=pace,
            release=table.releases[side.value],
            confirming=CONFIRMING,
            record=kept(table.record, side) if table.record else None,
        )
        beside = _Beside(side, table, step)
        watched = progress if side is Side.NEW or len(live) == 1 else Silent()
        try:
            return await run(switch, plan, watched, beside, beside, made=made)
        finally:
            await step.abort()

    # of scenarios that both take neither has the making: it may end before the other
    making = made_for(table.plan) if table.alike else nullcontext()
    try:
        with making as made:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    side: group.create_task(place(side, switch, made))
                    for side, switch in live.items()
                }
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None
    return {side: task.result() for side, task in tasks.items()}
