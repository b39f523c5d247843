"""Metamorphic checks: a switch does the same with a scenario and with a variant of it.

No expectation is needed for that, so what no clause speaks of is compared too. The model only says
of which legs it knows a single course: what a race may decide is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from conformance.expectation import (
    CdrCount,
    CdrField,
    Count,
    Destroyed,
    EventRef,
    Executed,
    Exists,
    Fact,
    Header,
    LegCount,
    LegNamed,
    OneOf,
    Outcome,
)
from conformance.facts import BOWOUT_APPLICATION, Unobservable, describe, outcome
from conformance.judge import TOO_LATE, Judgement, applied_in, spell
from conformance.model.predict import Alternative, predict
from conformance.observation import Placement, observe
from conformance.scenario import ExtensionTarget, Scenario, null_bridges, pairs
from conformance.variants import Variant, names_of

Outline: TypeAlias = Mapping[str, Outcome]
"""What came of a scenario as far as no race decides it, by what a sentence calls it."""

_WHOLE_CALL = ""
"""The leg of a claim that speaks of none."""

_COUNTED = ("CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "loopback::bowout")
_OWN = ("loopback_leg", "is_loopback", "loopback_app")
_DIALLED = "callflow.0.caller_profile.destination_number"
_FIELDS = ("variables.hangup_cause", "variables.direction", "callflow.0.caller_profile.context")
_DECISIVE = (LegCount, Exists, Executed, Count, CdrCount)
"""Facts that tell one course of a leg from another; its cause is one as well."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What was one thing with a scenario, and another with its variant."""

    subject: str
    one: Outcome
    other: Outcome

    def __str__(self) -> str:
        """The difference as a sentence, without a full stop."""
        return f"{self.subject} was {spell(self.one)}, and {spell(self.other)} with the variant"


@dataclass(frozen=True, slots=True)
class Contrast:
    """A variant with which the switch did otherwise than with its original, and in what."""

    variant: Variant
    differences: tuple[Difference, ...]


def outline(variant: Variant, placement: Placement, judgement: Judgement) -> Outline:
    """What came of a variant, in the words of the scenario that it was made from.

    Empty where the suite or the host is at fault, for then there is nothing to compare.
    """
    if placement.problem or judgement.undecided or placement.lateness > TOO_LATE:
        return {}
    seen = observe(variant.scenario, placement)
    alternatives = list(predict(variant.scenario, applied_in(seen)))
    legs = [_WHOLE_CALL, *_roles(variant.scenario)]
    certain = [leg for leg in legs if _has_one_course(leg, alternatives)]
    old = {new: extension for extension, new in variant.extensions.items()}
    found: dict[str, Outcome] = {}
    for leg in certain:
        for original, fact in _facts_of(leg, variant, placement.modules_with_cdrs):
            got = outcome(fact, seen)
            if not isinstance(got, Unobservable):
                dialled = isinstance(fact, CdrField) and fact.path == _DIALLED
                found[describe(original)] = old.get(str(got), got) if dialled else got
    if certain == legs:
        against = {finding.clause for finding in judgement.findings}
        found["what speaks against the switch"] = tuple(sorted(against))
    return found


def differences(ones: Sequence[Outline], others: Sequence[Outline]) -> tuple[Difference, ...]:
    """In what a scenario and its variant differ, as far as attempts at the same one agree.

    Only what every attempt tells is compared.
    """
    if not ones or not others:
        return ()
    told = [*ones, *others]
    subjects = [subject for subject in told[0] if all(subject in one for one in told)]
    return tuple(
        Difference(subject, ones[0][subject], others[0][subject])
        for subject in subjects
        if ones[0][subject] != others[0][subject]
        and all(one[subject] == ones[0][subject] for one in ones)
        and all(other[subject] == others[0][subject] for other in others)
    )


def _roles(scenario: Scenario) -> Iterator[str]:
    if scenario.has_audio:
        yield "a-leg"
    for pair in pairs(scenario):
        yield from (pair.leg_a, pair.leg_b)
    yield from null_bridges(scenario)


def _dialled_by_extension(scenario: Scenario) -> set[str]:
    """The loopback legs of targets that name an extension; others have the token, or a plan."""
    return {
        leg
        for pair in pairs(scenario)
        if isinstance(pair.target, ExtensionTarget) and pair.target.text
        for leg in (pair.leg_a, pair.leg_b)
    }


def _has_one_course(leg: str, alternatives: Sequence[Alternative]) -> bool:
    """Whether the model allows this leg's decisive facts one value each, whoever wins a race."""
    courses = {
        frozenset(
            (claim.fact, claim.allowed)
            for claim in alternative.claims
            if claim.leg == leg and _is_decisive(claim.fact)
        )
        for alternative in alternatives
    }
    return len(courses) == 1 and all(
        isinstance(allowed, OneOf) and len(allowed.values) == 1
        for course in courses
        for _, allowed in course
    )


def _is_decisive(fact: Fact) -> bool:
    if isinstance(fact, CdrField):
        return fact.path == "variables.hangup_cause"
    if isinstance(fact, Header):
        return fact.name == "Hangup-Cause"
    return isinstance(fact, _DECISIVE)


def _facts_of(leg: str, variant: Variant, modules: Sequence[str]) -> Iterator[tuple[Fact, Fact]]:
    """Facts that no variant changes: the original's, each with the variant's own."""
    if leg == _WHOLE_CALL:
        yield LegCount(), LegCount()
        return
    names = names_of(variant.original)
    renamed = [variant.names.get(name, name) for name in names]
    yield from zip(_facts(leg, names, modules), _facts(leg, renamed, modules), strict=True)
    if leg in _dialled_by_extension(variant.original):
        dialled = (CdrField(leg, module, _DIALLED) for module in modules)
        yield from ((fact, fact) for fact in dialled)


def _facts(leg: str, names: Sequence[str], modules: Sequence[str]) -> Iterator[Fact]:
    yield from (Exists(leg), Destroyed(leg), Executed(leg))
    yield from (Count(leg, event) for event in _COUNTED)
    yield Count(leg, "CHANNEL_EXECUTE", BOWOUT_APPLICATION)
    yield LegNamed(EventRef(leg, "CHANNEL_BRIDGE", -1), "Bridge-B-Unique-ID")
    yield Header(EventRef(leg, "CHANNEL_HANGUP"), "Hangup-Cause")
    variables = (*_OWN, *names)
    for event in ("CHANNEL_CREATE", "CHANNEL_HANGUP_COMPLETE"):
        yield from (Header(EventRef(leg, event), f"variable_{name}") for name in variables)
    for module in modules:
        yield CdrCount(leg, module)
        paths = (*_FIELDS, *(f"variables.{name}" for name in variables))
        yield from (CdrField(leg, module, path) for path in paths)
