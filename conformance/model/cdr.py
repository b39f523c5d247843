"""CDRs: how many there are, and what each leg's says (wiki, CDR Handling; facts, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.cdr_modules import CSV_MODULE, MODULES
from conformance.expectation import (
    SENT_SECONDS,
    STAMP_SECONDS,
    CdrCount,
    CdrField,
    CdrLeg,
    CdrMicroseconds,
    CdrReadable,
    CdrsDiffer,
    CdrSeconds,
    Claim,
    EventRef,
    Precedes,
    Within,
    kept,
    one_of,
    only,
)
from conformance.model.after_bridge import TOO_LATE, TRANSFER
from conformance.model.course import NEVER, Course, Leg
from conformance.model.deflect import DEFLECT
from conformance.model.wanted import WANTED, Wanted, either, wanted
from conformance.scenario import Direct, ExtensionTarget, Scenario, numbered, pairs

_FORCED = "force_process_cdr"

_TRANSFERS = frozenset({TRANSFER, TOO_LATE, DEFLECT})

_EXACT = Within(0.0, 0.0, 0.0)
_EXACT_ENOUGH = Within(-STAMP_SECONDS, STAMP_SECONDS, 0.0)


def claims(
    scenario: Scenario, course: Course, every: tuple[str, ...] = MODULES, *, alike: bool = False
) -> list[Claim]:
    """The claims about CDRs, of every module, or only of the first where all CDRs are alike."""
    found: list[Claim] = []
    modules = every[:1] if alike else every
    taken_over = [one for one in course.leavings if one.how in ("execute", "cancelled")]
    executed = {role for one in taken_over for role in one.acquired}
    caught = {role for one in taken_over if one.how == "cancelled" for role in one.acquired}
    spoilt = _spoilt(scenario)
    tells_dialling = _tells_dialling(course)
    for role, leg in course.legs.items():
        if leg.lost:
            continue
        asked, answered = _wanted(scenario, course, leg), leg.answered != NEVER
        file, row = asked
        found += _written(modules if file == row else every, role, spoilt, asked)
        found += _own(modules, role, leg.causes, answered, role in executed)
        if role not in caught:
            shown = _SHOWN if _is_brief(scenario, leg) else ()
            bridged = _BRIDGED if _is_just_bridged(course, leg) else ()
            found += _agreeing(role, (*shown, *bridged))
        if partners := _last_partners(course, role):
            found += _bridged(modules, role, partners)
        if tells_dialling:
            found += _dialled(modules, role, *_dialling(scenario, course, leg))
        found += _bowed_out(modules, course, leg)
    for pair in pairs(scenario):
        dialled = isinstance(pair.target, ExtensionTarget) and bool(pair.target.text)
        extension = pair.target.extension if isinstance(pair.target, ExtensionTarget) else ""
        for role, other in ((pair.leg_a, pair.leg_b), (pair.leg_b, pair.leg_a)):
            if role in course.legs:
                found += _other(modules, role, other)
                if dialled and not _transferred(course.legs[role]):
                    found += _destination(modules, role, extension)
    return found


@kept
def _other(modules: tuple[str, ...], role: str, other: str) -> Iterator[Claim]:
    """A leg of a pair names the other one."""
    for module in modules:
        named = CdrLeg(role, module, "variables.other_loopback_leg_uuid")
        yield Claim("cdr.other-loopback-leg", role, named, only(other))


@kept
def _destination(modules: tuple[str, ...], role: str, extension: str) -> Iterator[Claim]:
    """A leg of a pair names the extension that was dialled."""
    for module in modules:
        dialled = CdrField(role, module, "callflow.0.caller_profile.destination_number")
        yield Claim("cdr.destination", role, dialled, only(extension))


_ASKING = frozenset({"process_cdr", "skip_cdr_causes", _FORCED})


def _wanted(scenario: Scenario, course: Course, leg: Leg) -> tuple[Wanted, Wanted]:
    """Whether a leg has CDRs that are files, and a row, which nothing forces."""
    asked = _wanted_by(leg.variables, scenario, course, leg)
    for one in course.leavings:
        if one.how == "cancelled" and leg.role in one.acquired:
            # it ends with the variables of loopback-b or without
            given = {**leg.variables, **course.legs[one.legs[-1]].variables}
            file, row = _wanted_by(given, scenario, course, leg)
            asked = either(asked[0], file), either(asked[1], row)
    return asked


def _wanted_by(
    seen: Mapping[str, str], scenario: Scenario, course: Course, leg: Leg
) -> tuple[Wanted, Wanted]:
    """The same of a leg that has these variables at its end."""
    profile = scenario.profile
    if profile.global_variables:
        seen = {**dict(profile.global_variables), **seen}
    if profile.log_b_leg and _ASKING.isdisjoint(seen):
        return WANTED, WANTED
    dialled = not _transferred(leg) and any(one.caller == leg.role for one in course.bridges)
    was_dialled = _was_dialled(scenario, course, leg)
    unforced = {name: value for name, value in seen.items() if name != _FORCED}
    file, row = (
        wanted(
            variables,
            leg.causes,
            log_b_leg=profile.log_b_leg,
            was_dialled=was_dialled,
            dialled=dialled,
        )
        for variables in (seen, unforced)
    )
    return file, row


def _was_dialled(scenario: Scenario, course: Course, leg: Leg) -> bool:
    """Whether the leg's newest caller profile tells of a channel that dialled it."""
    if _transferred(leg):
        return False
    if leg.role == "a-leg":
        bowed_out = any(leg.role in leaving.acquired for leaving in course.leavings)
        return not scenario.has_a_leg and not bowed_out
    if any(leg.role in one.acquired for one in course.leavings if one.how == "execute"):
        return False
    dialled = leg.role.startswith(("loopback-a", "b-leg"))
    return dialled and (scenario.has_a_leg or leg.role != "loopback-a")


def _transferred(leg: Leg) -> bool:
    """Whether its newest caller profile is that of a transfer, which knows no other channel."""
    return not _TRANSFERS.isdisjoint(leg.told)


def _tells_dialling(course: Course) -> bool:
    """Whether profiles can be told: in a chain two pairs may both bring about a bowout in turn."""
    return all(leaving.how == "bridge" and len(leaving.legs) == 2 for leaving in course.leavings)


def _dialling(
    scenario: Scenario, course: Course, leg: Leg
) -> tuple[str | None, frozenset[str | None]]:
    """Who dialled the leg and whom it dialled, by the newest segment of its CDR.

    A bowout by bridge makes the caller of the new bridge dial its peer.
    """
    if _transferred(leg):
        return None, frozenset({None})
    for leaving in reversed(course.leavings):
        near, far = leaving.acquired
        if leg.role == near:
            return None, frozenset({far})
        if leg.role == far:
            return near, frozenset({None})
    return dialler_of(scenario, leg.role), _reached(scenario, course, leg.role)


@kept
def _dialled(
    modules: tuple[str, ...], role: str, dialler: str | None, dialled: frozenset[str | None]
) -> Iterator[Claim]:
    """The newest segment of a leg's CDR names who dialled it and whom it dialled."""
    for module in modules:
        for clause, relation, roles in (
            ("cdr.dialled-by", "originator", {dialler}),
            ("cdr.dialled-whom", "originatee", dialled),
        ):
            path = f"callflow.0.caller_profile.{relation}.{relation}_caller_profiles.0.uuid"
            yield Claim(clause, role, CdrLeg(role, module, path), one_of(*roles))


def dialler_of(scenario: Scenario, role: str) -> str | None:
    """The leg that dials the leg of this role, None where none does."""
    if role == "a-leg":
        return None if scenario.has_a_leg else "loopback-a"
    return scenario.diallers.get(role)


def _reached(scenario: Scenario, course: Course, role: str) -> frozenset[str | None]:
    """The last leg that it dialled and was bridged to, or one that went as it was reached."""
    lasting: list[str | None] = [
        bridge.peer
        for bridge in course.bridges
        if bridge.caller == role and bridge.until > bridge.since
    ]
    missed = {leg for fork in course.forks for leg in fork.legs if leg != fork.taken}
    brief = {
        other.role
        for other in course.legs.values()
        if dialler_of(scenario, other.role) == role
        and min(other.early, other.answered) < NEVER
        and other.role not in lasting
        and other.role not in missed
    }
    return frozenset({*brief, *(lasting[-1:] or [None])})


_MARKS = {"xml_cdr": ("<", "&"), CSV_MODULE: (r"\",\"", r"\n")}
"""What a module does not always escape, as it stands in a scenario's text."""


def _spoilt(scenario: Scenario) -> frozenset[str]:
    """The modules whose CDRs a value of the scenario could spoil."""
    return frozenset(
        module for module, marks in _MARKS.items() if any(mark in scenario.text for mark in marks)
    )


_SHOWN = tuple(f"callflow.0.caller_profile.caller_id_{what}" for what in ("name", "number"))
"""What is exchanged for the callee as a leg is given what it runs (switch_channel_sort_cid)."""


def _is_brief(scenario: Scenario, leg: Leg) -> bool:
    """Whether a leg that an api originates ends as it is given what it runs, by another thread."""
    originated = "loopback-a" if isinstance(scenario.origin, Direct) else "a-leg"
    reached = min(leg.early, leg.answered)
    return leg.role == originated and reached < NEVER and leg.gone - reached < SENT_SECONDS


_BRIDGED = ("variables.bridge_uuid",)
"""What the thread of who bridges a leg sets on it."""


def _is_just_bridged(course: Course, leg: Leg) -> bool:
    """Whether a leg ends as another one's thread bridges it."""
    own = [bridge.since for bridge in course.bridges if bridge.peer == leg.role]
    return bool(own) and leg.gone - own[-1] < SENT_SECONDS


@kept
def _agreeing(role: str, unsettled: tuple[str, ...]) -> Iterator[Claim]:
    """What several modules wrote of one leg is the same."""
    yield Claim("cdr.modules-agree", role, CdrsDiffer(role, unsettled), only(()))


@kept
def _written(
    modules: tuple[str, ...], role: str, spoilt: frozenset[str], asked: tuple[Wanted, Wanted]
) -> Iterator[Claim]:
    """The CDR of a leg is there, if it is wanted, and can be read."""
    for module in modules:
        wish = asked[module == CSV_MODULE]
        written = one_of(*map(int, wish.outcomes))
        yield Claim(f"cdr.{wish.clause}", role, CdrCount(role, module), written)
        readable = one_of(True, False) if module in spoilt else only(True)
        yield Claim("cdr.well-formed", role, CdrReadable(role, module), readable)


@kept
def _own(
    modules: tuple[str, ...], role: str, causes: frozenset[str], answered: bool, executed: bool
) -> Iterator[Claim]:
    """What the CDR of a leg says of the leg alone."""
    created, begun = EventRef(role, "CHANNEL_CREATE"), EventRef(role, "CHANNEL_ANSWER")
    ended, ending = EventRef(role, "CHANNEL_HANGUP_COMPLETE"), EventRef(role, "CHANNEL_HANGUP")
    loopback = role.startswith("loopback")
    for module in modules:

        def claim(clause: str, name: str, *allowed: str | None, module: str = module) -> Claim:
            field = CdrField(role, module, f"variables.{name}")
            return Claim(f"cdr.{clause}", role, field, one_of(*allowed))

        yield claim("hangup-cause", "hangup_cause", *causes)
        duration = CdrSeconds(role, module, "variables.duration", created, ended, ending)
        yield Claim("cdr.duration", role, duration, _EXACT)
        exact = CdrMicroseconds(role, module, "variables.uduration", created, ended)
        yield Claim("cdr.exact-duration", role, exact, _EXACT_ENOUGH)
        if not answered:
            yield claim("billsec", "billsec", "0")
        else:
            billed = CdrSeconds(role, module, "variables.billsec", begun, ended, ending)
            yield Claim("cdr.billsec", role, billed, _EXACT)
            exact = CdrMicroseconds(role, module, "variables.billusec", begun, ended)
            yield Claim("cdr.exact-duration", role, exact, _EXACT_ENOUGH)
        if not executed:
            yield claim("is-loopback", "is_loopback", "1" if loopback else None)
        if loopback:
            letter = "A" if role.startswith("loopback-a") else "B"
            yield claim("loopback-leg", "loopback_leg", letter)


def _last_partners(course: Course, role: str) -> frozenset[str]:
    """To whom the leg was bridged last; a bridge that was over at once may not have been one.

    Nobody is told where a loopback leg of a chain may be bridged once more by one pair's bowout,
    and go by another's.
    """
    if any(role in one.legs and len(one.legs) > 2 for one in course.leavings):
        return frozenset()
    last, lasting = "", ""
    for bridge in course.bridges:
        if role in (bridge.caller, bridge.peer):
            last = bridge.peer if bridge.caller == role else bridge.caller
            if bridge.until > bridge.since:
                lasting = last
    return frozenset({last, lasting}) if lasting else frozenset()


@kept
def _bridged(modules: tuple[str, ...], role: str, partners: frozenset[str]) -> Iterator[Claim]:
    """The CDR names the leg's last bridge."""
    for module in modules:
        last = CdrLeg(role, module, "variables.bridge_uuid")
        yield Claim("cdr.bridge-uuid", role, last, one_of(*partners))


def _bowed_out(modules: tuple[str, ...], course: Course, leg: Leg) -> Iterator[Claim]:
    """About 2 s: counted down to 1 where the tick of the clock cuts it, 3 with the handling.

    Where loopback-b's thread is caught in its bridge its CDR waits for the end of the b-leg.
    """
    for leaving in course.leavings:
        own = leg.role == numbered("loopback-b", leaving.pair) and not leaving.staying
        if not (own and leaving.how == "bridge" and leaving.counted):
            continue
        last = max((b.since for b in course.bridges if b.caller == leg.role), default=NEVER)
        if leg.answered < last - 0.01:
            continue
        if leaving.clean:
            yield from _two_seconds(modules, leg.role)
        else:
            near, far = leaving.acquired
            # A b-leg that is told to park after its bridge stays when the a-leg is gone.
            ended = EventRef(near if course.legs[far].told else far, "CHANNEL_HANGUP")
            caught = Precedes(ended, EventRef(leg.role, "CHANNEL_HANGUP_COMPLETE"))
            yield Claim("cdr.billsec-after-bowout", leg.role, caught, only(True))


@kept
def _two_seconds(modules: tuple[str, ...], role: str) -> Iterator[Claim]:
    for module in modules:
        billsec = CdrField(role, module, "variables.billsec")
        yield Claim("cdr.billsec-after-bowout", role, billsec, one_of("1", "2", "3"))
