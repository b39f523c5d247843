"""A run: switches are started, scenarios placed, everything recorded and judged.

Scenarios with a finding, or with a time that the host could not keep, are placed again, beside less
load and with a second event connection as witness. What does not come back is flaky.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeAlias

from hypothesis.strategies import SearchStrategy
from msgspec import structs

from campaign.admission import Pace
from campaign.ahead import made_ahead
from campaign.alike import require_alike
from campaign.campaign import Control
from campaign.errors import first_of
from campaign.minimise import Place, minimise
from campaign.pool import Pool, open_pool
from campaign.reach import out_of_reach
from campaign.release import can_be_asked
from conformance.cdr_modules import MODULES
from conformance.clauses import CLAUSES
from conformance.compact import NoRoomError
from conformance.complexity import Complexity, complexity
from conformance.divergences import Divergence, Known, witnesses
from conformance.judge import Judgement, judge
from conformance.observation import Placement
from conformance.profile import Profile, numbers, release_of, takes_settings
from conformance.scenario import Scenario
from conformance.verdicts import RunResult, Verdicts
from fixtures.event_socket import EventSocketError
from fixtures.recording import (
    Ending,
    Header,
    Recording,
    RecordingError,
    RecordingWriter,
    SwitchFacts,
    without_secrets,
)
from fixtures.switches import Switch, SwitchError, SwitchIdentity
from strategies import each_once, stream
from strategies.generation import openers

ATTEMPTS = 3
"""How often at most a scenario is placed whose first attempt has a finding."""

CONFIRMING = 10
"""Calls at once while scenarios are placed again."""

AHEAD_FROM = 200
"""Scenarios from which on it pays to have a process of its own make them."""

CONFIRMED_BY = 3
"""How many scenarios, simplest first, are placed again for the findings of a clause."""


Scenarios: TypeAlias = tuple[int, Iterator[Scenario]]
"""A number of scenarios, and these one after the other as they are asked for."""


class Progress(Protocol):
    """Is told how a run goes on."""

    def begin(self, total: int, what: str) -> None:
        """A number of scenarios is about to be placed."""

    def advance(self, findings: int) -> None:
        """One was placed; `findings` is how many scenarios had any so far."""

    def waits(self, reason: str) -> None:
        """None is placed for now, and why; "" once they are again."""


class Watcher(Protocol):
    """Looks on at a run: may add scenarios to it, and ask for further attempts."""

    def scenarios(self, asked: int, generated: Iterator[Scenario]) -> Scenarios:
        """How many are placed and which, given what the plan asks for."""

    def placed(self, scenario: Scenario, placement: Placement, judgement: Judgement) -> None:
        """One was placed and judged."""

    def unsettled(self) -> Iterable[Scenario]:
        """Those that are to be placed again, each as often as it comes."""


class Nobody:
    """A watcher who adds and asks for nothing."""

    def scenarios(self, asked: int, generated: Iterator[Scenario]) -> Scenarios:
        """Leave them as they are."""
        return asked, generated

    def placed(self, scenario: Scenario, placement: Placement, judgement: Judgement) -> None:
        """Take no notice."""

    def unsettled(self) -> Iterable[Scenario]:
        """Ask for none."""
        return ()


class Partner(Protocol):
    """A run beside this one, with which it keeps step."""

    async def agree(self, identity: SwitchIdentity, plan: Plan) -> Plan:
        """What is to be placed, once it is known on which switches."""

    async def ready(self) -> None:
        """Wait until both are: before each profile's scenarios, and each further attempt."""


class Alone:
    """No run beside this one."""

    async def agree(self, identity: SwitchIdentity, plan: Plan) -> Plan:
        """Leave the plan as it is."""
        return plan

    async def ready(self) -> None:
        """Wait for nobody."""


class Silent:
    """Progress that nobody sees."""

    def begin(self, total: int, what: str) -> None:
        """Say nothing."""

    def advance(self, findings: int) -> None:
        """Say nothing."""

    def waits(self, reason: str) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: how many scenarios of which seed, how fast, recorded where.

    Without a `strategy` they are those of `strategies.generate`. The endpoint is taken for one of
    `release`, such as 1.10.2, where that is not what the switch says of itself; where `asked_of`
    names another release, that can be asked for the scenarios, too. Findings that are `known` are
    told apart. The calls that witness them are placed first, with the `corpus`: scenarios with a
    name each. Both count besides. A scenario that is not settled is placed up to `attempts` times,
    from the second on beside `confirming` calls at most. What fails is minimised for `minimise`
    seconds a clause, 0 not at all.
    """

    scenarios: int = 300
    seed: int = 1
    strategy: SearchStrategy[Scenario] | None = None
    release: str | None = None
    asked_of: str | None = None
    known: tuple[Divergence, ...] = ()
    attempts: int = ATTEMPTS
    confirming: int = CONFIRMING
    pace: Pace = field(default_factory=Pace)
    record: Path | None = None
    overwrite: bool = False
    minimise: float = 0.0
    corpus: tuple[tuple[str, Scenario], ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What a run was of, and what it says; `seconds` is without those that made the scenarios.

    `shown` holds the last placement with a finding of the simplest scenarios that have one, by id;
    `first` how many scenarios had been placed at a clause's first finding, by the clause; `corpus`
    names the scenarios that are of the corpus and were placed, by id.
    """

    header: Header
    result: RunResult
    seconds: float
    shown: Mapping[str, Placement]
    first: Mapping[str, int]
    corpus: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def suite_version() -> str:
    """Version of the installed suite, `unknown` where it is not installed."""
    try:
        return importlib.metadata.version("loopback-conformance")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


async def run(
    switch: Switch,
    plan: Plan,
    progress: Progress | None = None,
    watcher: Watcher | None = None,
    partner: Partner | None = None,
    further: Sequence[Switch] = (),
    made: Iterator[Scenario] | None = None,
) -> Run:
    """Start the switch, place the plan's scenarios and the watcher's, stop the switch.

    With `further` switches, which must be like it, they are a pool, and each scenario is placed on
    one of them. Who has the scenarios of the plan's seed `made` already gives them. Raises
    SwitchError or EventSocketError where no call could be placed, UsageError where they are not
    alike, RecordingError where the recording cannot be begun. When the last switch is lost the run
    ends, as with a disk that is full: its result then has a shortfall.
    """
    require_place(plan.record, overwrite=plan.overwrite)
    making = nullcontext(made) if made else made_for(plan, beside_calls=bool(further))
    with making as scenarios:
        return await _run((switch, *further), plan, scenarios, progress, watcher, partner)


def made_for(
    plan: Plan, *, beside_calls: bool = False
) -> AbstractContextManager[Iterator[Scenario]]:
    """The scenarios of the plan's seed: a long run has them made ahead, as has a pool."""
    if plan.strategy is None and (plan.scenarios >= AHEAD_FROM or beside_calls):
        return made_ahead(plan.seed, plan.scenarios)
    return nullcontext(stream(plan.seed, plan.strategy))


async def _run(
    switches: Sequence[Switch],
    plan: Plan,
    made: Iterator[Scenario],
    progress: Progress | None,
    watcher: Watcher | None,
    partner: Partner | None,
) -> Run:
    try:
        identities = await _started(switches)
        watcher, partner = watcher or Nobody(), partner or Alone()
        plan = await partner.agree(identities[0], plan)
        release = release_of(plan.release or identities[0].version)
        plan = replace(plan, corpus=_corpus(plan, release, switches))
        first = _first(plan, release)
        generated = _scenarios(made, plan, release, switches, first)
        count, scenarios = watcher.scenarios(len(first) + plan.scenarios, generated)
        plan = replace(plan, scenarios=count)
        known = Known(plan.known, plan.release or identities[0].version, datetime.now(UTC).date())
        corpus = {scenario.id: name for name, scenario in plan.corpus}
        tally = _Tally(progress or Silent(), watcher, known, corpus)
        header = replace(_header(identities, plan), out_of_reach=_out_of_reach(switches, release))
        done = await _campaign(switches, header, scenarios, plan, tally, partner)
    finally:
        left = await _stop(switches)
    shortfall = done.result.shortfall or left
    return replace(done, result=replace(done.result, shortfall=shortfall))


async def _started(switches: Sequence[Switch]) -> list[SwitchIdentity]:
    """Start the switches, all at once, and see what they are."""

    async def start(switch: Switch) -> SwitchIdentity:
        await switch.start(Profile())
        identity = await switch.identity()
        _require_endpoint(identity)
        return identity

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(start(switch)) for switch in switches]
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None
    identities = [task.result() for task in tasks]
    require_alike(switches, identities)
    return identities


def _corpus(
    plan: Plan, release: str, switches: Sequence[Switch]
) -> tuple[tuple[str, Scenario], ...]:
    """What can be asked of the corpus; of a call that is there twice the first counts."""
    found: dict[str, tuple[str, Scenario]] = {}
    for name, one in plan.corpus:
        if _is_possible(one, plan, release, switches):
            scenario = _as_set(one, release, switches)
            found.setdefault(scenario.id, (name, scenario))
    return tuple(found.values())


def _first(plan: Plan, release: str) -> tuple[Scenario, ...]:
    """The witnesses of what is known and the corpus, each call once; those with settings first.

    So that those without are placed together with the generated ones, which begin without any.
    """
    corpus = (scenario for _, scenario in plan.corpus)
    found = {one.id: one for one in (*witnesses(plan.known, release), *corpus)}
    plain = Profile().at_release(release)
    return tuple(sorted(found.values(), key=lambda one: (one.profile == plain, str(one.profile))))


def _scenarios(
    made: Iterator[Scenario],
    plan: Plan,
    release: str,
    switches: Sequence[Switch],
    first: Iterable[Scenario],
) -> Iterator[Scenario]:
    """The first ones, then as many as the plan asks for, of those that each switch can be given.

    Each is made when it is asked for: a long campaign holds no more of them than a short one.
    """
    yield from first
    placed = {one.id for one in first}
    possible: Iterator[Scenario] = (
        _as_set(one, release, switches)
        for one in made
        if _is_possible(one, plan, release, switches)
    )
    if switches[0].fixed is not None or not takes_settings(release):
        possible = each_once(possible)  # those that differ by settings alone are the same by now
    yield from islice((one for one in possible if one.id not in placed), plan.scenarios)


def _is_possible(scenario: Scenario, plan: Plan, release: str, switches: Sequence[Switch]) -> bool:
    asked = min((release, release_of(plan.asked_of or release)), key=numbers)
    return can_be_asked(scenario, asked) and _everywhere(scenario, switches)


def _everywhere(scenario: Scenario, switches: Sequence[Switch]) -> bool:
    """Whether each switch can be given a scenario: none is then bound to one of them."""
    return all(switch.possible(scenario) for switch in switches)


def _as_set(scenario: Scenario, release: str, switches: Sequence[Switch]) -> Scenario:
    """The scenario with the settings that the switches take, or have: they are alike."""
    profile = switches[0].fixed or scenario.profile
    return structs.replace(scenario, profile=profile.at_release(release))


def _out_of_reach(switches: Sequence[Switch], release: str) -> Mapping[str, str]:
    """Clauses that cannot be verified on switches that take no profile of ours, and why."""
    fixed, cdr_modules = switches[0].fixed, switches[0].cdr_modules()
    if fixed is None:
        return {}
    return out_of_reach(fixed, lambda one: _everywhere(one, switches), cdr_modules, release)


class _Making:
    """Scenarios as they are asked for, and how long (seconds) it took to make them."""

    def __init__(self, scenarios: Iterator[Scenario]) -> None:
        self._scenarios = scenarios
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Scenario]:
        while True:
            began = time.perf_counter()
            scenario = next(self._scenarios, None)
            self.seconds += time.perf_counter() - began
            if scenario is None:
                return
            yield scenario


async def _campaign(
    switches: Sequence[Switch],
    header: Header,
    scenarios: Iterator[Scenario],
    plan: Plan,
    tally: _Tally,
    partner: Partner,
) -> Run:
    making = _Making(scenarios)
    writer = RecordingWriter(plan.record, header, overwrite=plan.overwrite) if plan.record else None
    tally.writer = writer
    modules = tuple(name for name in MODULES if name in switches[0].cdr_modules())
    began = asyncio.get_running_loop().time()
    shortfall, ending = "", Ending.FINISHED
    lost: tuple[str, ...] = ()
    try:
        told = (tally.placed, tally.controlled, tally.waits)
        async with open_pool(switches, modules, *told) as pool:
            try:
                placed_again = await _place(pool, making, plan, tally, partner)
                if plan.minimise:
                    tally.minimising = True
                    place = _placing(pool, plan, tally, placed_again)
                    models = _models(plan, header, switches)
                    await minimise(tally.verdicts, place, plan.minimise, models=models)
            finally:
                lost = _lost(pool, switches)
    except (EventSocketError, SwitchError) as error:
        which = "the last of the switches" if lost else "the switch"
        shortfall, ending = f"{which} was lost: {error}", Ending.FAILED
    except RecordingError as error:
        shortfall, ending = f"it cannot be recorded: {error}", Ending.FAILED
    except asyncio.CancelledError:
        shortfall, ending = "it was interrupted", Ending.INTERRUPTED
        asyncio.current_task().uncancel()  # type: ignore[union-attr]
    except NoRoomError as error:
        shortfall, ending = str(error), Ending.FAILED
        raise
    except BaseException as error:
        shortfall, ending = type(error).__name__, Ending.FAILED
        raise
    finally:
        if writer is not None:
            shortfall = _finished(writer, ending, shortfall, lost)
    seconds = asyncio.get_running_loop().time() - began - making.seconds
    return tally.run(header, seconds, shortfall, lost)


def _lost(pool: Pool, switches: Sequence[Switch]) -> tuple[str, ...]:
    """What is to be said of each switch of a pool that was lost: of one alone it is a shortfall."""
    if len(switches) == 1:
        return ()
    return tuple(
        f"switch {number + 1} of {len(switches)}, {without_secrets(switches[number].url)}: {error}"
        for number, error in pool.lost.items()
    )


def _finished(
    writer: RecordingWriter, ending: Ending, shortfall: str, lost: tuple[str, ...]
) -> str:
    """Finish the recording; gives why the run is not whole, which may be just that."""
    try:
        writer.finish(ending, "" if ending is Ending.INTERRUPTED else shortfall, lost)
    except RecordingError as error:
        return shortfall or f"it cannot be recorded: {error}"
    return shortfall


async def _place(
    pool: Pool,
    scenarios: Iterable[Scenario],
    plan: Plan,
    tally: _Tally,
    partner: Partner,
) -> int:
    """Place what a run consists of; gives by how many the numbers of attempts may be ahead of it.

    A scenario that is placed again only after others were has a number of its attempt left out.
    """
    tally.begin(plan.scenarios, "placing")
    await pool.place_all(scenarios, plan.pace, first=tally.corpus, ready=partner.ready)
    attempt = 2
    while attempt <= plan.attempts:
        await partner.ready()
        again = tally.unsettled()
        if again:
            tally.begin(len(again), f"placing again, attempt {attempt}")
            slower = replace(plan.pace, window=min(plan.pace.window, plan.confirming))
            await pool.place_again(again, slower, attempt)
        attempt += max(Counter(one.id for one in again).values(), default=1)
    return attempt - 2


def _models(plan: Plan, header: Header, switches: Sequence[Switch]) -> list[Scenario]:
    """The simple calls that every clause has, as far as these switches can be given them."""
    release = release_of(plan.release or header.switch.version)
    return [one for one in openers() if _is_possible(one, plan, release, switches)]


def _placing(pool: Pool, plan: Plan, tally: _Tally, ahead: int) -> Place:
    """How the simplifications of what was found are placed: each under a number not used for it."""
    first = {one.scenario.id: 1 + ahead for one in tally.verdicts.unsettled()}

    async def place(scenarios: Sequence[Scenario], window: int, like: Scenario | None) -> None:
        tally.begin(len(scenarios), "minimising")
        pace = replace(plan.pace, window=min(plan.pace.window, window))
        placed = {
            one.id: first.get(one.id, 1) + len(tally.verdicts.judgements(one.id))
            for one in scenarios
        }
        for attempt in sorted(set(placed.values())):
            now = (one for one in scenarios if placed[one.id] == attempt)
            by_profile = sorted(now, key=lambda one: str(one.profile))
            await pool.place_again(by_profile, pace, attempt, like)

    return place


def judge_recording(
    path: Path, known: tuple[Divergence, ...] = (), today: date | None = None
) -> Run:
    """Judge what was recorded, without a switch; raises RecordingError.

    `today` is the day on which what is known may have expired, if that is not the present one.
    """
    recording = Recording(path)
    version = recording.header.switch.version
    day = today or datetime.now(UTC).date()
    tally = _Tally(Silent(), Nobody(), Known(known, version, day), {})
    for recorded in recording:
        if recorded.corpus:
            tally.corpus[recorded.scenario.id] = recorded.corpus
        tally.minimising = recorded.minimising
        for placement in recorded.attempts:
            tally.placed(recorded.scenario, placement)
    shortfall = "" if recording.complete else f"the recording is not whole: {recording.incomplete}"
    footer = recording.footer
    seconds = (footer.finished - recording.header.started).total_seconds() if footer else 0.0
    return tally.run(recording.header, seconds, shortfall, footer.lost if footer else ())


class _Tally:
    """What came of each scenario so far; each placement is judged and recorded as it ends.

    With `minimising` what is placed from now on is only to minimise what was found.
    """

    def __init__(
        self, progress: Progress, watcher: Watcher, known: Known, corpus: dict[str, str]
    ) -> None:
        self.writer: RecordingWriter | None = None
        self._progress = progress
        self._watcher = watcher
        self._findings = 0
        self._simplest: dict[str, list[tuple[Complexity, str]]] = {}
        self.corpus = corpus
        self.minimising = False
        self.verdicts = Verdicts(known)
        self.shown: dict[str, Placement] = {}
        self.first: dict[str, int] = {}

    def begin(self, total: int, what: str) -> None:
        self._progress.begin(total, what)

    def placed(self, scenario: Scenario, placement: Placement) -> None:
        if self.writer is not None:
            name = self.corpus.get(scenario.id, "")
            self.writer.write_scenario(
                scenario, [placement], corpus=name, minimising=self.minimising
            )
        judgement = judge(scenario, placement)
        if self.minimising:
            self._tried(scenario, placement, judgement)
            return
        self._watcher.placed(scenario, placement, judgement)
        attempts = self.verdicts.add(scenario, judgement)
        if judgement.findings:
            self._keep(scenario, placement, {finding.clause for finding in judgement.findings})
            self._findings += attempts == 1
        self._progress.advance(self._findings)

    def _tried(self, scenario: Scenario, placement: Placement, judgement: Judgement) -> None:
        attempts = self.verdicts.add_minimising(scenario, judgement)
        if attempts > 1 and judgement.findings:
            self.shown[scenario.id] = placement
        self._progress.advance(self._findings)

    def _keep(self, scenario: Scenario, placement: Placement, clauses: set[str]) -> None:
        """Keep the placements of the simplest scenarios of each clause; no others are shown."""
        rank = _simplicity(scenario)
        for clause in clauses:
            self.first.setdefault(clause, self.verdicts.scenarios)
            simplest = {rank, *self._simplest.get(clause, ())}
            self._simplest[clause] = sorted(simplest)[:CONFIRMED_BY]
        kept = {identity for ranks in self._simplest.values() for _, identity in ranks}
        self.shown[scenario.id] = placement
        for identity in self.shown.keys() - kept:
            del self.shown[identity]

    def run(self, header: Header, seconds: float, shortfall: str, lost: tuple[str, ...]) -> Run:
        """What there is to say in the end."""
        result = replace(self.verdicts.result(shortfall, header.out_of_reach), lost=lost)
        placed = {one: name for one, name in self.corpus.items() if self.verdicts.judgements(one)}
        return Run(header, result, seconds, self.shown, self.first, placed)

    def controlled(self, control: Control) -> None:
        if self.writer is not None:
            of_pool = {"switch": control.switch} if control.switch else {}
            self.writer.write_control(
                {"began": control.began, "lateness": control.lateness, **of_pool}
            )

    def waits(self, reason: str) -> None:
        self._progress.waits(reason)

    def unsettled(self) -> list[Scenario]:
        """Those of which a further opinion is wanted, with the fewest parts first.

        A first finding asks for one, but not in more than `CONFIRMED_BY` scenarios a clause, for a
        switch that differs everywhere would keep the run for hours; two attempts that disagree ask
        for a third.
        """
        asked = Counter(
            name
            for case in self.verdicts.unsettled()
            if len(case.judgements) > 1
            for name in frozenset.intersection(*map(_found, case.judgements))
        )
        again = list(self._watcher.unsettled())
        wanted = {scenario.id for scenario in again}
        for case in sorted(self.verdicts.unsettled(), key=lambda one: _simplicity(one.scenario)):
            judgements = case.judgements
            last = judgements[-1]
            clauses = _found(last)
            disagree = len(judgements) == 2 and _disagree(judgements)
            if len(judgements) == 1 and any(asked[name] < CONFIRMED_BY for name in clauses):
                asked.update(clauses)
            elif not (last.undecided or last.problem or disagree):
                continue
            if case.scenario.id not in wanted:
                again.append(case.scenario)
        return sorted(again, key=lambda one: (str(one.profile), _simplicity(one)))


def _simplicity(scenario: Scenario) -> tuple[Complexity, str]:
    return complexity(scenario), scenario.id


def _disagree(judgements: Sequence[Judgement]) -> bool:
    return len(set(map(_found, judgements))) > 1


def _found(judgement: Judgement) -> frozenset[str]:
    return frozenset(finding.clause for finding in judgement.findings)


def _header(identities: Sequence[SwitchIdentity], plan: Plan) -> Header:
    switch, *pool = map(_facts, identities)
    return Header(
        suite_version=suite_version(),
        seed=plan.seed,
        switch=switch,
        started=datetime.now(UTC),
        clauses_asked=len(CLAUSES),
        scenarios_asked=plan.scenarios,
        pool=tuple(pool),
    )


def _facts(identity: SwitchIdentity) -> SwitchFacts:
    return SwitchFacts(
        url=identity.url,
        version=identity.version,
        modules=identity.modules,
        image_digest=identity.image or None,
        loopback_sha256=identity.mod_loopback_sha256 or None,
    )


async def _stop(switches: Sequence[Switch]) -> str:
    """Stop the switches to the end, however often this task is cancelled meanwhile.

    Gives what is to be said where one cannot be: what was found by then is said none the less.
    """
    stopping = asyncio.gather(*(switch.stop() for switch in switches), return_exceptions=True)
    while not stopping.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(stopping)
    errors = list(filter(None, stopping.result()))
    return f"the switch cannot be stopped: {errors[0]}" if errors else ""


def require_place(path: Path | None, *, overwrite: bool) -> None:
    """Refuse before a switch is started what a recording there would refuse after it.

    Raises RecordingError.
    """
    if path is None:
        return
    special = path.exists() and not path.is_file()
    if special or not os.access(path.parent, os.W_OK | os.X_OK):
        why = f"nothing can be made in {path.parent}"
        if special:
            why = "it is a folder" if path.is_dir() else "it is no file"
        raise RecordingError(f"cannot write {path}: {why}", "name a file where one can be made")
    if path.exists() and not overwrite:
        hint = "choose another name or ask to overwrite it"
        raise RecordingError(f"{path} is already there", hint)


def _require_endpoint(identity: SwitchIdentity) -> None:
    if "mod_loopback" not in identity.modules:
        raise SwitchError(
            "the switch has no mod_loopback", "load it: there is nothing to test without it"
        )
