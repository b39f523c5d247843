"""Variables and CDR fields of a call: expected beside observed, as far as claims speak of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

from conformance.comparison import Compared
from conformance.expectation import (
    CdrCount,
    CdrField,
    CdrLeg,
    CdrMicroseconds,
    CdrReadable,
    CdrSeconds,
    Claim,
    Header,
    LegNamed,
    OneOf,
    Outcome,
)
from conformance.judge import spell
from reports.visible import LIMIT, shortened

_ABOUT = 40
"""How many characters are shown of what two texts have in common before and behind a difference."""


@dataclass(frozen=True, slots=True)
class Value:
    """An outcome as it is shown: text of the switch, or a `word` of the report's own.

    Where it is set beside another, `differs` is the part in which it is otherwise; `before` and
    `after` are what surrounds that. All of it is cut where it is long; `whole` is then the text.
    """

    before: str = ""
    differs: str = ""
    after: str = ""
    word: bool = False
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A variable or a field of a leg: where it was read, what was expected (any of), what was seen.

    `own` tells that the clause in question speaks of it.
    """

    leg: str
    name: str
    where: str
    expected: tuple[Value, ...]
    observed: Value
    holds: bool
    own: bool


def fields(compared: Iterable[Compared], clause: str) -> list[Field]:
    """The fields that claims speak of: differing ones first, and those of the clause."""
    found: dict[Field, list[str]] = {}
    for one in compared:
        place = _place(one.claim)
        if place is not None:
            name, where = place
            field = Field(
                leg=one.claim.leg,
                name=name,
                where="",
                expected=_expected(one),
                observed=_observed(one),
                holds=one.holds,
                own=one.claim.clause == clause,
            )
            places = found.setdefault(field, [])
            if where not in places:
                places.append(where)
    listed = [replace(field, where=", ".join(places)) for field, places in found.items()]
    return sorted(listed, key=lambda field: (field.holds, not field.own))


def _place(claim: Claim) -> tuple[str, str] | None:
    """What a claim's field is called and where it is read; None where it speaks of none."""
    match claim.fact:
        case Header(at, name) | LegNamed(at, name):
            number = f" {at.number}" if at.number > 1 else ""
            other = f" of {at.leg}" if at.leg != claim.leg else ""
            return name.removeprefix("variable_"), f"{at.event}{number}{other}"
        case CdrField(_, module, path) | CdrLeg(_, module, path):
            return path.removeprefix("variables."), module
        case CdrSeconds(_, module, path) | CdrMicroseconds(_, module, path):
            return path.removeprefix("variables."), module
        case CdrCount(_, module):
            return "number of records", module
        case CdrReadable(_, module):
            return "can be read", module
    return None


_AS_MADE = Value("as the leg's events make it", word=True)


def _expected(one: Compared) -> tuple[Value, ...]:
    allowed = one.claim.allowed
    if not isinstance(allowed, OneOf):
        return (_AS_MADE,)
    values = sorted(allowed.values, key=spell)
    if one.holds or len(values) > 1:
        return tuple(_value(value) for value in values)
    return (_value(values[0], one.got),)


def _observed(one: Compared) -> Value:
    allowed, got = one.claim.allowed, one.got
    if isinstance(allowed, OneOf):
        first, *others = allowed.values
        return _value(got) if one.holds or others else _value(got, first)
    if isinstance(got, float):
        return _AS_MADE if one.holds else Value(f"{got:+.3f} s off", word=True)
    return _value(got)


def _value(value: Outcome, other: Outcome = None) -> Value:
    """An outcome, with the part marked in which it is not as another text."""
    if not isinstance(value, str):
        return Value(spell(value), word=True)
    if not value:
        return Value("empty", word=True)
    if not isinstance(other, str):
        return Value(shortened(value), whole=value if len(value) > LIMIT else "")
    start = _shared(value, other)
    end = len(value) - _shared(value[start:][::-1], other[start:][::-1])
    before, differs, after = value[:start], value[start:end], value[end:]
    if len(value) <= LIMIT:
        return Value(before, differs, after)
    return Value(
        before=before if len(before) <= _ABOUT else f"…{before[-_ABOUT:]}",
        differs=_begun(differs, LIMIT),
        after=f"{_begun(after, _ABOUT)} ({len(value):,} characters)",
        whole=value,
    )


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _begun(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
