"""Rows of mod_cdr_csv are judged as other CDRs are, and what several modules wrote is compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from campaign.reach import NO_CDRS, ONE_MODULE, out_of_reach
from conformance.cdr_modules import CSV_COLUMNS, CSV_MODULE, MODULES
from conformance.expectation import CdrField, CdrLeg, CdrMicroseconds, CdrsDiffer, CdrSeconds
from conformance.judge import applied_in
from conformance.model.predict import Applied, predict
from conformance.observation import Cdr, Headers, observe
from conformance.profile import Profile
from conformance.raw import raw_differences, raw_outline
from conformance.scenario import (
    Action,
    ALegBridges,
    Answer,
    Direct,
    ExtensionTarget,
    HangUp,
    Scenario,
    Sleep,
    Variables,
)
from fixtures.cdrs import parse_csv_row
from tests.recorded_calls import Call, keeping

AGREE = "cdr.modules-agree"
DIALLED = "callflow.0.caller_profile.destination_number"


def with_rows() -> Call:
    """Give the simplest call with two modules' CDRs, and rows that say what mod_json_cdr said."""
    call = keeping()[AGREE][0]
    placement = call.placement
    cdrs = {
        uuid: {**written, CSV_MODULE: parse_csv_row(row_of(written["json_cdr"]))}
        for uuid, written in placement.cdrs.items()
    }
    return Call(call.scenario, replace(placement, cdrs=cdrs, modules_with_cdrs=MODULES))


def row_of(cdr: Cdr) -> bytes:
    return ",".join(f'"{cdr.get(path, "")}"' for path in CSV_COLUMNS).encode()


def spoilt(call: Call, module: str, path: str, value: str) -> set[str]:
    """Give the clauses against the call where loopback-b's CDR of a module has this value."""
    draft = call.draft()
    draft.cdrs[draft.uuids["loopback-b"]][module][path] = value
    return {finding.clause for finding in draft.call().judged().findings}


def test_rows_that_say_the_same_are_no_finding() -> None:
    assert with_rows().judged().findings == ()
    assert AGREE in with_rows().judged().exercised


@pytest.mark.parametrize(
    ("path", "value", "clause"),
    [
        ("variables.hangup_cause", "CALL_REJECTED", "cdr.hangup-cause"),
        ("variables.billsec", "77", "cdr.billsec"),
        ("variables.uduration", "77000000", "cdr.exact-duration"),
        ("variables.is_loopback", "0", "cdr.is-loopback"),
        ("variables.loopback_leg", "A", "cdr.loopback-leg"),
        (DIALLED, "another", "cdr.destination"),
    ],
)
def test_a_row_is_judged_field_by_field(path: str, value: str, clause: str) -> None:
    """By the clauses that judge the other modules' CDRs, and against those CDRs."""
    call = with_rows()
    assert {clause, AGREE} <= spoilt(call, CSV_MODULE, path, value)


@pytest.mark.parametrize("module", MODULES)
def test_any_module_that_differs_from_the_others_is_found(module: str) -> None:
    """Here in a field that no other clause reads."""
    assert spoilt(with_rows(), module, "variables.start_stamp", "1970-01-01 00:00:00") == {AGREE}


@pytest.mark.parametrize(
    ("plan", "judged"),
    [
        ((Answer(), Sleep(20)), False),
        ((Answer(), Sleep(500)), True),
        ((HangUp("USER_BUSY"),), True),
    ],
)
def test_the_caller_of_a_leg_that_ends_as_it_is_reached_is_not_compared(
    plan: tuple[Action, ...], judged: bool
) -> None:
    """Seen on both releases: who dials it made it the callee's between two records."""
    brief = Scenario(Direct("park"), ExtensionTarget("1"), plan, Variables())
    one = next(predict(brief, Applied({})))
    unsettled = {
        claim.leg: set(claim.fact.unsettled)
        for claim in one.claims
        if isinstance(claim.fact, CdrsDiffer)
    }
    caller = {f"callflow.0.caller_profile.caller_id_{what}" for what in ("name", "number")}
    assert unsettled == {"loopback-a": set() if judged else caller, "loopback-b": set()}


@pytest.mark.parametrize(("sleep", "judged"), [(20, False), (500, True)])
def test_to_whom_a_leg_is_bridged_that_ends_as_it_is_bridged_is_not_compared(
    sleep: int, judged: bool
) -> None:
    """Seen once in a soak of 1.10.12: its caller's thread set that between two records."""
    call = Scenario(ALegBridges(), ExtensionTarget("1"), (Answer(), Sleep(sleep)), Variables())
    unsettled = {
        claim.leg: claim.fact.unsettled
        for claim in next(predict(call, Applied({}))).claims
        if isinstance(claim.fact, CdrsDiffer) and claim.leg != "a-leg"
    }
    bridged = () if judged else ("variables.bridge_uuid",)
    assert unsettled == {"loopback-a": bridged, "loopback-b": ()}


def test_what_all_modules_say_wrongly_is_told_of_each() -> None:
    """Where they say the same only one is looked at, as long as that is right."""
    draft = with_rows().draft()
    for module in MODULES:
        draft.cdrs[draft.uuids["loopback-b"]][module]["variables.loopback_leg"] = "A"
    call = draft.call()
    assert observe(call.scenario, call.placement).alike
    sentences = [finding.sentence for finding in call.judged().findings]
    assert len(sentences) == len(MODULES)
    assert all(module in sentence for module, sentence in zip(MODULES, sentences, strict=True))


def test_a_row_that_none_may_write_is_found_beside_files_that_are_forced() -> None:
    """`force_process_cdr` is for files alone: what is right of these is wrong of the row."""
    call = with_rows()
    forced = structs.replace(
        call.scenario.variables,
        braces=(*call.scenario.variables.braces, ("force_process_cdr", "true")),
    )
    profile = Profile(log_b_leg=False)
    scenario = structs.replace(call.scenario, variables=forced, profile=profile)
    findings = Call(scenario, call.placement).judged().findings
    unwanted = {one.sentence for one in findings if one.clause == "cdr.b-legs-not-logged"}
    assert unwanted
    assert all(CSV_MODULE in sentence for sentence in unwanted)


def test_what_a_row_expands_is_not_compared() -> None:
    """mod_cdr_csv expands a value once more, which the other modules write as it is."""
    call = with_rows()
    draft = call.draft()
    for module, value in zip(MODULES, ("a$b", "a$b", "ab"), strict=True):
        draft.cdrs[draft.uuids["loopback-b"]][module]["variables.start_stamp"] = value
    assert draft.call().judged().findings == ()


def test_of_a_leg_that_took_over_an_extension_no_row_is_asked_for() -> None:
    """It ends with the uuid of the leg that had it: two rows are of that, none of it."""
    call = with_rows()
    a_leg, loopback_b = (call.draft().uuids[role] for role in ("a-leg", "loopback-b"))

    def taken_over(event: Headers) -> Headers:
        return {**event, "variable_uuid": loopback_b} if event["Unique-ID"] == a_leg else event

    events = tuple(taken_over(event) for event in call.placement.events if "Unique-ID" in event)
    seen = observe(call.scenario, replace(call.placement, events=events))
    without = {leg for leg in seen.uuids if (leg, CSV_MODULE) not in seen.cdrs}
    assert without == {"a-leg", "loopback-b"}
    assert all((leg, "json_cdr") in seen.cdrs for leg in seen.uuids)


def test_a_row_has_every_field_that_is_claimed() -> None:
    """Else its absence would be held against the switch."""
    claimed = {
        claim.fact.path
        for calls in keeping().values()
        for call in calls[:3]
        for one in predict(call.scenario, applied_in(observe(call.scenario, call.placement)))
        for claim in one.claims
        if isinstance(claim.fact, CdrField | CdrLeg | CdrSeconds | CdrMicroseconds)
    }
    assert "variables.billsec" in claimed
    assert claimed <= CSV_COLUMNS.keys()


@pytest.mark.parametrize(
    ("modules", "why"), [((), NO_CDRS), (("json_cdr",), ONE_MODULE), (MODULES, None)]
)
def test_why_modules_are_not_compared(modules: tuple[str, ...], why: str | None) -> None:
    """Said before a guest's run, and in its report."""
    gaps = out_of_reach(Profile(), lambda scenario: True, modules, "1.10.12")
    assert gaps.get(AGREE) == why


def test_a_leg_ends_before_a_cdr_that_is_posted() -> None:
    """Which takes a while, over the end of a second here: its whole seconds are those before."""
    call = ends_with_a_second()
    late = 0.37

    def posted(event: Headers) -> Headers:
        at = int(str(event["Event-Date-Timestamp"]))
        ended = event["Event-Name"] == "CHANNEL_HANGUP_COMPLETE"
        return {**event, "Event-Date-Timestamp": str(at + int(late * 1e6))} if ended else event

    events = tuple(map(posted, call.placement.events))
    placement = replace(call.placement, events=events, lateness=late + 0.02)
    findings = Call(call.scenario, placement).judged().findings
    assert {"cdr.duration", "cdr.billsec"}.isdisjoint(one.clause for one in findings)


def test_an_event_may_be_sent_late_by_as_much_for_every_time_in_a_cdr() -> None:
    """Whether it is told in whole seconds, which end in between here, or in microseconds."""
    draft = ends_with_a_second().draft()
    for name in ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"):
        draft.shift("loopback-b", name, 0.27)
    times = {"cdr.duration", "cdr.billsec", "cdr.exact-duration"}
    assert times.isdisjoint(one.clause for one in draft.call().judged().findings)


def ends_with_a_second() -> Call:
    """Give a call whose loopback-b is hung up at the end of a second, and made earlier in one."""
    return next(
        one
        for one in keeping()["cdr.duration"]
        if part_of_second(one, "CHANNEL_HANGUP") > 0.94
        and part_of_second(one, "CHANNEL_CREATE") < 0.65
    )


def part_of_second(call: Call, name: str) -> float:
    """Give when in a second this event of loopback-b comes."""
    event = observe(call.scenario, call.placement).first("loopback-b", name)
    return 0.0 if event is None else event.at / 1e6 % 1


def test_a_module_that_one_switch_lacks_is_no_difference() -> None:
    """A recording from before rows were gathered stays a baseline."""
    new = with_rows()
    old = keeping()[AGREE][0]
    outlines = [raw_outline(observe(one.scenario, one.placement)) for one in (old, new)]
    assert raw_differences(*outlines) == {}
