"""Acceptance records: made from a recording, and verified against it, without a switch.

A record is always made from the recording and never from the run that wrote it, so that whoever
verifies it does the very same again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path
from typing import Any, TypeAlias

from campaign.report import report_of
from campaign.session import Run, judge_recording, suite_version
from conformance.clauses import CLAUSES
from conformance.divergences import Divergence, Known, from_json
from fixtures.switches import UsageError
from reports.acceptance import FORMAT, OWN, VERSION, Acceptance, Waiver, render
from reports.visible import shortened

_Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signed:
    """A record as it is on disk: its digest, the whole of it, and what it was judged with."""

    sha256: str
    value: _Json
    recording: str
    judged_on: date
    judged_by: str
    known: tuple[Divergence, ...]

    @property
    def own(self) -> _Json:
        """What only this suite knows, by section."""
        own: _Json = self.value["predicate"][OWN]
        return own


@dataclass(frozen=True, slots=True)
class Checked:
    """A section of a record, and in what it differs from what the recording gives."""

    section: str
    differences: tuple[str, ...]


# --- making --------------------------------------------------------------------------------------


def acceptance_of(
    recording: Path,
    known: tuple[Divergence, ...],
    day: date,
    *,
    name: str = "",
    judged_by: str = "",
) -> Acceptance:
    """What a recording comes to, judged as of a day; raises RecordingError.

    `name` and `judged_by` are what a record says of the two, where it is verified.
    """
    done = judge_recording(recording, known, day)
    with recording.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Acceptance(
        report=report_of(done),
        recording=name or recording.name,
        sha256=sha256,
        judged_on=day,
        judged_by=judged_by or suite_version(),
        scenarios_asked=done.header.scenarios_asked,
        waivers=tuple(_waivers(done, Known(known, done.header.switch.version, day))),
    )


def _waivers(done: Run, known: Known) -> Iterator[Waiver]:
    for divergence in known.divergences:
        waived = {
            case.scenario.id
            for case in done.result.clauses[divergence.clause].known
            for finding in case.findings
            if divergence in known.covering(case.scenario, finding)
        }
        yield Waiver(divergence, len(waived))


# --- reading -------------------------------------------------------------------------------------


def read_record(path: Path) -> Signed:
    """A record on disk; raises UsageError where it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        why = f"cannot read {path}: {error.strerror}"
        raise UsageError(f"{why}; name the acceptance.json of a record") from error
    try:
        value = json.loads(data, object_pairs_hook=_without_twins)
        own = value["predicate"][OWN]
        if own["format"] != {"name": FORMAT, "version": VERSION}:
            raise ValueError(f"version {VERSION} of the format is read here")
        recording, by = own["recording"]["name"], own["judged"]["by"]
        if not (isinstance(recording, str) and isinstance(by, str)):
            raise ValueError("its names are no texts")
        return Signed(
            sha256=hashlib.sha256(data).hexdigest(),
            value=value,
            recording=recording,
            judged_on=date.fromisoformat(own["judged"]["on"]),
            judged_by=by,
            known=from_json(
                [_entry(one) for one in own["divergences"] if one["clause"] in CLAUSES]
            ),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        why = f"{path} is no acceptance record: {error}"
        raise UsageError(f"{why}; name the acceptance.json that `accept` wrote") from error


def _entry(entry: _Json) -> _Json:
    """A divergence of a record, without how many scenarios it covers."""
    return {name: value for name, value in entry.items() if name != "scenarios"}


def _without_twins(pairs: Sequence[tuple[str, Any]]) -> _Json:
    """An object in which each name is there once: of twins, readers take the one or the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice in one object")
    return found


# --- verifying -----------------------------------------------------------------------------------


def verify(
    signed: Signed, recording: Path, known: tuple[Divergence, ...] | None = None
) -> tuple[Checked, ...]:
    """Each section of a record beside what the recording gives, as of the record's day.

    The divergences are those of the record, unless others are `known`. Raises RecordingError.
    """
    accepted = signed.known if known is None else known
    made = acceptance_of(
        recording,
        accepted,
        signed.judged_on,
        name=signed.recording,
        judged_by=signed.judged_by,
    )
    statement, told = _parts(signed.value)
    expected, computed = _parts(json.loads(render(made)))
    checked = {name: tuple(_differences(told.get(name), one)) for name, one in computed.items()}
    checked |= dict.fromkeys(sorted(told.keys() - computed.keys()), ("nothing is known of it",))
    if signed.judged_on < made.report.started.astimezone(UTC).date():
        checked["judged"] += ("the record was judged before the recording was begun",)
    if checked["clause_set"]:
        checked["clause_set"] = (_other_clauses(signed), *checked["clause_set"])
    return (
        Checked("in-toto", tuple(_differences(statement, expected))),
        *(Checked(name.replace("_", " "), found) for name, found in checked.items()),
    )


def _other_clauses(signed: Signed) -> str:
    return (
        f"this suite ({suite_version()}) has another clause set than the record (suite "
        f"{signed.judged_by}): its verdicts are of other clauses; verify it with that suite"
    )


def _parts(value: _Json) -> tuple[_Json, _Json]:
    """What any tool reads of a record, each field where it is, and the sections of our own."""
    predicate = dict(value["predicate"])
    own: _Json = predicate.pop(OWN)
    return {**value, "predicate": predicate}, own


def _differences(told: Any, computed: Any) -> Iterator[str]:
    """In what two JSON values differ, a line for each place."""
    here, there = dict(_leaves(told)), dict(_leaves(computed))
    places = [
        place
        for place in here | there
        if not _same(here.get(place, _NOTHING), there.get(place, _NOTHING))
    ]
    for place in places:
        says, gives = (_shown(one.get(place, _NOTHING)) for one in (here, there))
        yield f"{place or 'it'}: the record has {says}, the recording gives {gives}"
    if not places and told != computed:
        yield "it says the same in another order, or twice"


_NOTHING = object()


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _shown(value: Any) -> str:
    return "nothing" if value is _NOTHING else shortened(json.dumps(value))


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """All texts and numbers of a JSON value, and what is empty, by their place."""
    items: Mapping[str, Any] = {}
    if isinstance(value, dict):
        items = {f"{place}.{name}" if place else name: one for name, one in value.items()}
    elif isinstance(value, list):
        items = {f"{place}[{name}]": one for name, one in _named(value)}
    if not items:
        yield place, value
    for name, one in items.items():
        yield from _leaves(one, name)


def _named(values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Items of an array by their name, else by their number; no two are called the same."""
    taken: set[str] = set()
    for number, one in enumerate(values):
        name = str(one["name"]) if isinstance(one, dict) and "name" in one else str(number)
        yield (name if name not in taken else f"{name}, {number}"), one
        taken.add(name)
