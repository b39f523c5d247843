"""Known divergences: findings that somebody accepted, with a reason and until a day.

They are written as TOML, one table `[[divergence]]` each:

    [[divergence]]
    clause = "bowout.direct-names-ends"
    leg = "loopback-b"                    # may be left out
    versions = ">=1.8.0, <1.8.6"          # of the switch; may be left out
    scenario = { "origin.kind" = "direct", "plan.*.kind" = "park" }     # may be left out
    reason = "the vendor backports it with the next build"
    owner = "voice platform"
    link = "https://tracker.example/1234"
    expires = 2027-03-31
    witness = '{"kind": "scenario", ...}'

`scenario` maps places in a scenario's JSON (`*` for any item of a list) to what stands there. The
witness is a scenario that shows the divergence: it is placed along, and must still differ.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from conformance.clauses import CLAUSES
from conformance.judge import Finding
from conformance.profile import numbers
from conformance.scenario import Scenario

Value: TypeAlias = str | int | bool
"""What may stand at a place in a scenario."""

_TEXTS = ("clause", "reason", "owner", "link", "witness")
_MAY = ("leg", "versions", "scenario")
_BOUND = re.compile(r"\s*(<=|>=|==|<|>)\s*([0-9]+(?:\.[0-9]+)+)\s*")


class DivergenceError(ValueError):
    """Known divergences cannot be read; `str()` is one line that says where and why."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """An accepted finding: which findings it covers, why, who answers for it, and until when.

    `scenario` maps places in a scenario's JSON to what stands there, `versions` are bounds such as
    ">=1.8.0, <1.8.6"; "" and nothing cover all.
    """

    clause: str
    reason: str
    owner: str
    link: str
    expires: date
    witness: Scenario
    leg: str = ""
    versions: str = ""
    scenario: tuple[tuple[str, Value], ...] = ()

    @property
    def name(self) -> str:
        """How it is spoken of: the clause and its witness."""
        return f"{self.clause} ({self.witness.id})"

    def covers(self, scenario: Scenario, finding: Finding, version: str) -> bool:
        """Whether a finding is the one that was accepted."""
        return (
            finding.clause == self.clause
            and self.leg in ("", finding.leg)
            and _in_range(version, self.versions)
            and self._fits(scenario)
        )

    def _fits(self, scenario: Scenario) -> bool:
        if not self.scenario:
            return True
        whole = scenario.to_json()
        return all(
            any(found == value and type(found) is type(value) for found in _at(whole, place))
            for place, value in self.scenario
        )


@dataclass(frozen=True, slots=True)
class Known:
    """The divergences that are known of a switch of a version ("" if unknown), on a day."""

    divergences: tuple[Divergence, ...] = ()
    version: str = ""
    today: date = date.min

    def accepts(self, scenario: Scenario, findings: Sequence[Finding]) -> bool:
        """Whether every one of these findings, and there are some, was accepted.

        One that has expired still does: that it has is the gate's to say.
        """
        return bool(findings) and all(
            any(one.covers(scenario, finding, self.version) for one in self.divergences)
            for finding in findings
        )

    def covering(self, scenario: Scenario, finding: Finding) -> Iterator[Divergence]:
        """Those that cover a finding."""
        return (one for one in self.divergences if one.covers(scenario, finding, self.version))

    def expired(self) -> Iterator[Divergence]:
        """Those whose day has passed."""
        return (one for one in self.divergences if one.expires < self.today)

    def review(
        self, matched: Collection[Divergence], fixed: Collection[Divergence]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Why entries fail the gate, and which matched nothing, a sentence each.

        `matched` are those that covered a finding, `fixed` those whose witness was placed and does
        not differ any more.
        """
        stale = [
            f"{one.name} expired on {one.expires}; its owner is {one.owner}"
            for one in self.expired()
        ]
        stale += [
            f"{one.name} no longer differs on its witness; take the entry out"
            for one in self.divergences
            if one in fixed
        ]
        idle = [
            f"{one.name} matched nothing"
            for one in self.divergences
            if one not in matched and one not in fixed
        ]
        return tuple(stale), tuple(idle)


NONE_KNOWN = Known()
"""No divergence is known."""


def witnesses(divergences: Iterable[Divergence], release: str) -> tuple[Scenario, ...]:
    """The scenario that shows each, once, as it is placed on an endpoint of a release."""
    found = (one.witness.at_release(release) for one in divergences)
    return tuple({scenario.id: scenario for scenario in found}.values())


# --- TOML ----------------------------------------------------------------------------------------


def parse(text: str) -> tuple[Divergence, ...]:
    """The divergences of a TOML document; raises DivergenceError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DivergenceError(f"it is not TOML: {error}") from error
    entries = document.pop("divergence", [])
    if document or not isinstance(entries, list):
        other = next(iter(document), "divergence")
        raise DivergenceError(f"{other!a} is not known; entries are tables [[divergence]]")
    return tuple(_entry(number, entry) for number, entry in enumerate(entries, 1))


def render(one: Divergence) -> str:
    """An entry as TOML, to be put behind those of a file."""
    lines = ["[[divergence]]", f"clause = {_quoted(one.clause)}"]
    lines += [f"leg = {_quoted(one.leg)}"] if one.leg else []
    lines += [f"versions = {_quoted(one.versions)}"] if one.versions else []
    if one.scenario:
        places = (f"{_quoted(place)} = {_written(value)}" for place, value in one.scenario)
        lines.append(f"scenario = {{ {', '.join(places)} }}")
    lines += [f"{name} = {_quoted(getattr(one, name))}" for name in ("reason", "owner", "link")]
    lines += [f"expires = {one.expires.isoformat()}", f"witness = {_quoted(one.witness.text)}"]
    return "\n".join(lines) + "\n"


def _written(value: Value) -> str:
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """A basic string of TOML: what JSON escapes in ASCII, TOML reads the same way.

    But for surrogates, which no TOML holds, and the one control character that JSON leaves.
    """
    whole = text.encode("utf-8", "backslashreplace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


# --- JSON ----------------------------------------------------------------------------------------


def as_json(one: Divergence) -> dict[str, Any]:
    """An entry as a JSON value, with every field."""
    return {
        **{name: getattr(one, name) for name in ("clause", "leg", "versions")},
        "scenario": dict(one.scenario),
        **{name: getattr(one, name) for name in ("reason", "owner", "link")},
        "expires": one.expires.isoformat(),
        "witness": one.witness.text,
    }


def from_json(entries: Any) -> tuple[Divergence, ...]:
    """The divergences of a JSON array; raises DivergenceError."""
    if not isinstance(entries, list):
        raise DivergenceError("they are no array")
    return tuple(_entry(number, _with_a_day(entry)) for number, entry in enumerate(entries, 1))


def _with_a_day(entry: Any) -> Any:
    """The entry as TOML would have it, where its day is one."""
    try:
        return {**entry, "expires": date.fromisoformat(entry["expires"])}
    except (TypeError, LookupError, ValueError):
        return entry


# --- what both have in common --------------------------------------------------------------------


def _entry(number: int, entry: Any) -> Divergence:
    try:
        if not isinstance(entry, dict):
            raise ValueError("it is no table")
        unknown = sorted(set(entry) - {*_TEXTS, *_MAY, "expires"})
        missing = [name for name in (*_TEXTS, "expires") if name not in entry]
        if unknown or missing:
            raise ValueError(f"{unknown[0]!a} is not known" if unknown else f"no {missing[0]}")
        for name in (*_TEXTS, "leg", "versions"):
            if not isinstance(entry.get(name, ""), str):
                raise ValueError(f"{name} is no text")
        for name in ("clause", "reason", "owner"):
            if not entry[name].strip():
                raise ValueError(f"{name} is empty")
        if entry["clause"] not in CLAUSES:
            raise ValueError(f"there is no clause {entry['clause']!a}")
        if type(entry["expires"]) is not date:
            raise ValueError("expires is no date such as 2027-03-31")
        _bounds(entry.get("versions", ""))
        places = _places(entry.get("scenario", {}))
        witness = Scenario.from_json(json.loads(entry["witness"]))
    except (ValueError, RecursionError) as error:
        raise DivergenceError(f"divergence {number}: {error}") from error
    return Divergence(**{**entry, "scenario": places, "witness": witness})


def _places(value: Any) -> tuple[tuple[str, Value], ...]:
    if not isinstance(value, dict):
        raise ValueError("scenario is no table")
    for place, expected in value.items():
        if not isinstance(expected, str | int | bool):
            raise ValueError(f"what is asked of {place!a} is neither a text nor a number")
    return tuple(value.items())


def _at(value: Any, place: str) -> Iterator[Any]:
    """What stands at a place of a scenario's `to_json`: names and numbers between dots.

    `*` is each item of an array.
    """
    step, _, rest = place.partition(".")
    found: tuple[Any, ...] = ()
    if step == "*" and isinstance(value, tuple):
        found = value
    elif isinstance(value, tuple) and step.isdecimal() and int(step) < len(value):
        found = (value[int(step)],)
    elif isinstance(value, dict) and step in value:
        found = (value[step],)
    for one in found:
        if rest:
            yield from _at(one, rest)
        else:
            yield one


def _bounds(versions: str) -> list[tuple[str, tuple[int, ...]]]:
    found = []
    for part in versions.split(",") if versions.strip() else ():
        match = _BOUND.fullmatch(part)
        if match is None:
            raise ValueError(f"{part.strip()!a} is no bound such as >=1.10.3")
        found.append((match[1], numbers(match[2])))
    return found


def _in_range(version: str, versions: str) -> bool:
    """Whether a version, or what the switch says of it, is within the bounds; unknown ones are."""
    bounds = _bounds(versions)
    told = re.search(r"[0-9]+\.[0-9]+(\.[0-9]+)?", version)
    if not bounds or told is None:
        return True
    here = numbers(told.group())
    holds = {
        "<": lambda bound: here < bound,
        "<=": lambda bound: here <= bound,
        "==": lambda bound: here == bound,
        ">=": lambda bound: here >= bound,
        ">": lambda bound: here > bound,
    }
    return all(holds[sign](bound) for sign, bound in bounds)
