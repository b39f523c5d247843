"""Tests of the tests: each clause is broken by a small change of a call that keeps it.

A call that a switch of a released version handled, or one written by hand, keeps the clause. Then
one thing in it is changed, as a defect would change it, and the clause has a finding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import pytest

from conformance.clauses import CLAUSES
from conformance.observation import UNREADABLE
from conformance.scenario import Direct, null_bridges, pairs
from tests.recorded_calls import Call, Draft, by_hand, keeping, sequence

Change: TypeAlias = Callable[[Draft], None]

WRONG = "SUBSCRIBER_ABSENT"
"""A cause with which no scenario hangs up."""


# --- changes that take what they change ----------------------------------------------------------


def header(name: str, event: str, value: str | None, *roles: str) -> Change:
    """A header of an event is another one (None: is not there) on legs of this kind."""

    def change(draft: Draft) -> None:
        for role in chosen(draft, *roles):
            draft.put(role, event, name, value)

    return change


def variable(name: str, event: str, value: str | None, *roles: str) -> Change:
    """A channel variable is another one, or absent, in an event on legs of this kind."""
    return header(f"variable_{name}", event, value, *roles)


def missing(event: str, *roles: str, application: str | None = None) -> Change:
    """An event does not come on legs of this kind."""

    def change(draft: Draft) -> None:
        for role in chosen(draft, *roles):
            draft.drop(role, event, application)

    return change


def later(seconds: float, event: str, *roles: str) -> Change:
    """An event comes later, or with negative seconds earlier, on legs of this kind."""

    def change(draft: Draft) -> None:
        for role in chosen(draft, *roles):
            draft.shift(role, event, seconds)

    return change


def twice(event: str, *roles: str, application: str | None = None) -> Change:
    """The last such event comes twice on legs of this kind."""

    def change(draft: Draft) -> None:
        for role in chosen(draft, *roles):
            for last in draft.find(role, event, application)[-1:]:
                draft.add(last)

    return change


def cdr(field: str, value: str | None, *roles: str) -> Change:
    """A field of the JSON CDR is another one, or absent, on legs of this kind."""

    def change(draft: Draft) -> None:
        for role in chosen(draft, *roles):
            draft.record(role, f"variables.{field}", value)

    return change


def cdr_longer(field: str, by: int) -> Change:
    """A time in the JSON CDR of loopback-b is longer."""

    def change(draft: Draft) -> None:
        path = f"variables.{field}"
        draft.record("loopback-b", path, str(int(draft.recorded("loopback-b", path)) + by))

    return change


def chosen(draft: Draft, *roles: str) -> list[str]:
    """The legs that are meant: roles, or one of these words for all legs of a kind."""
    kinds = {
        "loopbacks": draft.loopbacks,
        "outbound": draft.outbound,
        "inbound": draft.inbound,
        "real": draft.real,
    }
    return [leg for role in roles for leg in kinds.get(role, [role])]


# --- changes that only one clause needs ----------------------------------------------------------


def a_stranger_comes(draft: Draft) -> None:
    (created,) = draft.find("loopback-a", "CHANNEL_CREATE")
    draft.add(created, Unique_ID="a stranger's", Channel_Name="null/stranger")


def a_refusing_leg_is_created(draft: Draft) -> None:
    refusing = [role for role, bridge in null_bridges(draft.scenario).items() if bridge.refusal]
    number = refusing[0].removeprefix("b-leg") or "1"
    (created,) = draft.find("loopback-b", "CHANNEL_CREATE")
    draft.add(created, Unique_ID="a refuser's", Channel_Name=f"null/b{number}")


def loopback_a_goes_before_the_bridge(draft: Draft) -> None:
    for role in draft.inbound:
        for bridge in draft.find(role, "CHANNEL_BRIDGE")[:1]:
            draft.move("loopback-a", "CHANNEL_HANGUP", bridge)


def loopback_a_stays_beside_the_real_legs(draft: Draft) -> None:
    draft.put("loopback-a", "CHANNEL_HANGUP", "Event-Sequence", "999999999")
    draft.shift("loopback-a", "CHANNEL_HANGUP", 1.0)


def a_loopback_leg_leaves_before_the_end(draft: Draft) -> None:
    assert draft.scenario.ending is not None
    ending = draft.scenario.ending.deed.leg
    leg = "loopback-a" if ending == "loopback-b" else "loopback-b"
    draft.move(leg, "CHANNEL_HANGUP", draft.find(ending, "CHANNEL_HANGUP")[0])


def who_dials_is_early_at_once(draft: Draft) -> None:
    for role in draft.inbound:
        created = draft.find(role, "CHANNEL_CREATE")[0]
        if draft.find(role, "CHANNEL_PROGRESS_MEDIA"):
            draft.move(role, "CHANNEL_PROGRESS_MEDIA", created)
        else:
            draft.add(created, Event_Name="CHANNEL_PROGRESS_MEDIA")


def only_one_loopback_leg_is_answered(draft: Draft) -> None:
    if draft.find("loopback-a", "CHANNEL_ANSWER"):
        draft.drop("loopback-a", "CHANNEL_ANSWER")
    else:
        draft.add(draft.find("loopback-a", "CHANNEL_CREATE")[0], Event_Name="CHANNEL_ANSWER")


def a_digit_is_lost(draft: Draft) -> None:
    for role in draft.real:
        for event in draft.find(role, "CHANNEL_HANGUP_COMPLETE"):
            queued = event.get("variable_null_channel_dtmf_queued")
            if isinstance(queued, str):
                event["variable_null_channel_dtmf_queued"] = queued[:-1]


def first_application_runs_twice(draft: Draft) -> None:
    for role in draft.inbound:
        (first, *_) = draft.find(role, "CHANNEL_EXECUTE") or draft.find(role, "CHANNEL_CREATE")
        draft.add(first, Event_Name="CHANNEL_EXECUTE", Application=str(first.get("Application")))


def a_leg_is_bridged_to_loopback_b_again(draft: Draft) -> None:
    (bowout, *_) = draft.find("a-leg", "CHANNEL_EXECUTE", "uuid_bridge")
    after = int(str(bowout["Event-Sequence"]))
    for event in draft.find("a-leg", "CHANNEL_BRIDGE"):
        if int(str(event["Event-Sequence"])) > after:
            event["Bridge-B-Unique-ID"] = draft.uuids["loopback-b"]


def b_leg_is_the_caller_of_the_bowout(draft: Draft) -> None:
    last = draft.find("a-leg", "CHANNEL_BRIDGE")[-1]
    last["Unique-ID"], last["Bridge-B-Unique-ID"] = draft.uuids["b-leg"], draft.uuids["a-leg"]


def pair_leaves(draft: Draft) -> None:
    """Nothing but the trace of a bowout: uuid_bridge on who is bridged to loopback-a."""
    role = "a-leg" if "a-leg" in draft.uuids else "loopback-b"
    draft.add(draft.find(role, "CHANNEL_EXECUTE")[-1], Application="uuid_bridge")


def pair_that_refuses_leaves_as_well(draft: Draft) -> None:
    first = min(
        (e for leg in draft.uuids for e in draft.find(leg, "CHANNEL_EXECUTE", "uuid_bridge")),
        key=sequence,
    )
    for role in draft.loopbacks:
        for hung_up in draft.find(role, "CHANNEL_HANGUP"):
            if sequence(hung_up) > sequence(first):
                draft.move(role, "CHANNEL_HANGUP", first)


def module_sends_its_event(draft: Draft) -> None:
    (hung_up,) = draft.find("loopback-b", "CHANNEL_HANGUP")
    draft.add(hung_up, Event_Name="CUSTOM", Event_Subclass="loopback::bowout")


def wrong_leg_is_acquired(draft: Draft) -> None:
    for event in bowouts_on_execution(draft):
        event["Acquired-UUID"] = str(event["Resigning-UUID"])


def acquired_leg_runs_one_thing_twice(draft: Draft) -> None:
    for event in bowouts_on_execution(draft):
        acquired = role_of(draft, str(event["Acquired-UUID"]))
        draft.add(draft.find(acquired, "CHANNEL_EXECUTE")[-1])


def bowouts_on_execution(draft: Draft) -> list[dict[str, str | list[str]]]:
    return [event for role in draft.loopbacks for event in draft.find(role, "loopback::bowout")]


def role_of(draft: Draft, uuid: str) -> str:
    return next(role for role, own in draft.uuids.items() if own == uuid)


def given_at_creation(*scopes: str) -> Change:
    """What these scopes gave is something else on the loopback legs."""

    def change(draft: Draft) -> None:
        for name in (*names_in(draft, *scopes), *(["export_vars"] if "export" in scopes else [])):
            for role in draft.loopbacks:
                draft.put(role, "CHANNEL_CREATE", f"variable_{name}", "something else")

    return change


def names_in(draft: Draft, *scopes: str) -> dict[str, str]:
    """Name and value of the variables given in these scopes, to further pairs too."""
    givers = [draft.scenario.variables, *pairs(draft.scenario)]
    return {
        name: value
        for scope in scopes
        for giver in givers
        for name, value in getattr(giver, scope, ())
    }


def exports_do_not_reach_the_b_leg(draft: Draft) -> None:
    for role in draft.real:
        for name in (*names_in(draft, "export"), "export_vars"):
            if role != "a-leg":
                draft.put(role, "CHANNEL_CREATE", f"variable_{name}", None)


def dial_string_reaches_the_b_leg(draft: Draft) -> None:
    for role in draft.real:
        for name, value in names_in(draft, "braces", "brackets").items():
            if role != "a-leg":
                draft.put(role, "CHANNEL_CREATE", f"variable_{name}", value or "x")


def what_is_set_comes_to_loopback_b(draft: Draft) -> None:
    for name, value in names_in(draft, "originate", "set").items():
        draft.put("loopback-b", "CHANNEL_CREATE", f"variable_{name}", value or "x")


def nothing_is_handed_over(draft: Draft) -> None:
    for name in names_in(draft, "braces", "brackets", "export"):
        draft.put("loopback-b", "CHANNEL_CREATE", f"variable_{name}", None)


def braces_and_brackets_are_swapped(draft: Draft) -> None:
    (on_a,), (on_b,) = (draft.find(leg, "CHANNEL_CREATE") for leg in ("loopback-a", "loopback-b"))
    for name in names_in(draft, "braces", "brackets"):
        key = f"variable_{name}"
        here, there = on_a.pop(key, None), on_b.pop(key, None)
        if there is not None:
            on_a[key] = there
        if here is not None:
            on_b[key] = here


def legs_swap_a_and_b(draft: Draft) -> None:
    draft.put("loopback-a", "CHANNEL_CREATE", "variable_loopback_leg", "B")
    draft.put("loopback-b", "CHANNEL_CREATE", "variable_loopback_leg", "A")


def loopback_a_names(variable_name: str, event: str) -> Change:
    """A variable of loopback-a that names another leg names loopback-a itself."""

    def change(draft: Draft) -> None:
        draft.put("loopback-a", event, f"variable_{variable_name}", draft.uuids["loopback-a"])

    return change


def loopback_b_has_no_cdr(draft: Draft) -> None:
    del draft.cdrs[draft.uuids["loopback-b"]]["json_cdr"]


def an_unwanted_cdr_is_there_or_a_wanted_one_not(draft: Draft) -> None:
    for uuid in draft.uuids.values():
        if "json_cdr" in draft.cdrs.setdefault(uuid, {}):
            del draft.cdrs[uuid]["json_cdr"]
        else:
            draft.cdrs[uuid]["json_cdr"] = {"variables.duration": "0"}


def another_one_is_named(relation: str) -> Change:
    """A CDR names the leg itself as who dialled it, or as whom it dialled."""

    def change(draft: Draft) -> None:
        path = f"callflow.0.caller_profile.{relation}.{relation}_caller_profiles.0.uuid"
        for role, uuid in draft.uuids.items():
            draft.record(role, path, uuid)

    return change


def a_cdr_is_unreadable(draft: Draft) -> None:
    draft.cdrs[draft.uuids["loopback-b"]]["json_cdr"] = {UNREADABLE: "not well-formed"}


def cdr_has_another_caller(draft: Draft) -> None:
    draft.record("loopback-a", "callflow.0.caller_profile.caller_id_name", "another")


def another_one_is_displayed(draft: Draft) -> None:
    for role in draft.loopbacks:
        for kind in ("Caller", "Callee"):
            draft.put(role, GONE, f"Caller-{kind}-ID-Name", "another")


def cdr_has_another_destination(draft: Draft) -> None:
    draft.record("loopback-b", "callflow.0.caller_profile.destination_number", "another")


def is_not_dialled(role: str) -> Change:
    """A leg never comes to be."""

    def change(draft: Draft) -> None:
        gone = draft.uuids[role]
        draft.events = [event for event in draft.events if event.get("Unique-ID") != gone]

    return change


ENDED, GONE, MADE = "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_CREATE"


def a_leg_dials_several(call: Call) -> bool:
    return bool(call.scenario.beside)


def loopback_a_loses(call: Call) -> bool:
    ended = call.draft().find("loopback-a", ENDED)
    return bool(ended) and ended[0].get("Hangup-Cause") == "LOSE_RACE"


def a_pair_is_not_dialled(call: Call) -> bool:
    legs = call.draft().uuids
    several = a_leg_dials_several(call) or bool(call.scenario.otherwise)
    return several and any(pair.leg_a not in legs for pair in pairs(call.scenario))


def braces_and_brackets_differ(call: Call) -> bool:
    braces, brackets = (dict(getattr(call.scenario.variables, n)) for n in ("braces", "brackets"))
    return any(braces[name] and braces[name] != brackets[name] for name in braces.keys() & brackets)


BREAKS: Mapping[str, Change] = MappingProxyType(
    {
        "legs.pair-is-created": is_not_dialled("loopback-b"),
        "legs.no-other-legs": a_stranger_comes,
        "legs.bridged-to-whom-it-dials": missing("CHANNEL_BRIDGE", "real", "loopbacks"),
        "legs.bridged-call-has-all-legs": loopback_a_goes_before_the_bridge,
        "legs.real-legs-stay-after-bowout": loopback_a_stays_beside_the_real_legs,
        "legs.all-stay-without-bowout": a_loopback_leg_leaves_before_the_end,
        "legs.named-after-target": header("Channel-Name", MADE, "loopback/another-a", "loopback-a"),
        "legs.refused-target-has-no-leg": a_refusing_leg_is_created,
        "legs.all-gone-after-call": missing("CHANNEL_DESTROY", "loopback-b"),
        "legs.answer-crosses": only_one_loopback_leg_is_answered,
        "legs.early-media-crosses": missing("CHANNEL_PROGRESS_MEDIA", "outbound"),
        "legs.no-pre-answer": who_dials_is_early_at_once,
        "legs.ringing-crosses": missing("CHANNEL_PROGRESS", "outbound"),
        "legs.cause-crosses": header("Hangup-Cause", ENDED, WRONG, "outbound"),
        "legs.cause-of-real-legs": header("Hangup-Cause", ENDED, WRONG, "real"),
        "legs.dtmf-crosses": a_digit_is_lost,
        "legs.first-reached-is-taken": header(
            "Bridge-B-Unique-ID", "CHANNEL_BRIDGE", "another", "a-leg"
        ),
        "legs.others-lose-race": header("Hangup-Cause", ENDED, "NORMAL_CLEARING", "loopback-a"),
        "legs.losers-phone-is-cancelled": header("Hangup-Cause", ENDED, "LOSE_RACE", "b-leg"),
        "legs.alternatives-in-turn": is_not_dialled("loopback-a2"),
        "legs.caller-is-told-outcome": variable("originate_disposition", GONE, "failure", "a-leg"),
        "legs.caller-is-told-causes": variable("originate_causes", GONE, None, "a-leg"),
        "legs.caller-goes-on": twice("CHANNEL_EXECUTE", "a-leg"),
        "legs.parks-after-bridge": missing("CHANNEL_PARK", "real", "loopbacks"),
        "legs.transferred-after-bridge": twice("CHANNEL_EXECUTE", "real", "loopbacks"),
        "legs.executes-after-bridge": twice("CHANNEL_EXECUTE", "real", "loopbacks"),
        "legs.deflect-transfers": twice("CHANNEL_EXECUTE", "real"),
        "legs.deflect-routes": header("Caller-Dialplan", ENDED, "another", "real"),
        "legs.display-crosses": another_one_is_displayed,
        "legs.display-reaches-real-leg": variable(
            "last_sent_callee_id_name", GONE, "another", "real"
        ),
        "legs.display-ignored": another_one_is_displayed,
        "legs.confirmed-once": twice("CHANNEL_EXECUTE", "real"),
        "legs.confirmed-on-loopback-a-too": missing("CHANNEL_EXECUTE", "loopback-a"),
        "legs.bridged-once-confirmed": variable("group_dial_status", GONE, None, "real"),
        "legs.confirmation-refuses": header("Hangup-Cause", ENDED, WRONG, "real"),
        "targets.extension": header("Caller-Destination-Number", MADE, "another", "inbound"),
        "targets.empty-extension-is-service": header(
            "Caller-Destination-Number", MADE, None, "inbound"
        ),
        "targets.context-inherited": header("Caller-Context", MADE, "another", "inbound"),
        "targets.context-given": header("Caller-Context", MADE, "another", "inbound"),
        "targets.dialplan-inherited": header("Caller-Dialplan", MADE, "another", "inbound"),
        "targets.dialplan-given": header("Caller-Dialplan", MADE, "another", "inbound"),
        "targets.empty-context-inherits": header("Caller-Context", MADE, "another", "inbound"),
        "targets.no-route": header("Hangup-Cause", ENDED, WRONG, "loopback-b"),
        "targets.loop-is-not-limited": is_not_dialled("loopback-a2"),
        "targets.exported-max-forwards-ends-loop": header(
            "Hangup-Cause", ENDED, "NO_ROUTE_DESTINATION", "loopback-b"
        ),
        "targets.plan-runs-on-loopback-b": first_application_runs_twice,
        "targets.inline-runs-on-loopback-b": first_application_runs_twice,
        "targets.inline-empties-destination": header(
            "Caller-Destination-Number", "CHANNEL_EXECUTE", "sleep:200", "inbound"
        ),
        "targets.application-runs-once": first_application_runs_twice,
        "targets.application-argument": header(
            "Application-Data", "CHANNEL_EXECUTE", "another", "inbound"
        ),
        "targets.application-variables": variable("loopback_app", GONE, None, "loopback-a"),
        "bowout.after-both-legs-answered": later(1.0, ENDED, "loopbacks"),
        "bowout.sums-over-bridges": later(1.0, ENDED, "loopbacks"),
        "bowout.acts-when-refusal-is-lifted": later(1.0, ENDED, "loopbacks"),
        "bowout.legs-leave-together": later(0.5, ENDED, "loopback-b"),
        "bowout.bridges-real-legs": a_leg_is_bridged_to_loopback_b_again,
        "bowout.uuid-bridge-once": twice("CHANNEL_EXECUTE", "real", application="uuid_bridge"),
        "bowout.cause": header("Hangup-Cause", ENDED, WRONG, "outbound"),
        "bowout.controlled-cause": header("Hangup-Cause", ENDED, WRONG, "outbound"),
        "bowout.direct-names-ends": header(
            "Connecting-Leg-A-UUID", "loopback::direct", "another", "loopbacks"
        ),
        "bowout.marks-legs": variable("loopback_hangup_cause", GONE, "bowout", "outbound"),
        "bowout.names-real-legs": variable(
            "loopback_bowout_other_uuid", GONE, "another", "outbound"
        ),
        "bowout.no-event-by-default": module_sends_its_event,
        "bowout.refused": pair_leaves,
        "bowout.not-refused-by-a-leg": missing(
            "CHANNEL_EXECUTE", "a-leg", application="uuid_bridge"
        ),
        "bowout.not-while-application-runs": pair_leaves,
        "bowout.not-in-inner-bridge": pair_leaves,
        "bowout.not-before-answer": pair_leaves,
        "bowout.not-without-audio": pair_leaves,
        "bowout.not-early": pair_leaves,
        "bowout.inner-refusal-keeps-inner-pair": pair_that_refuses_leaves_as_well,
        "bowout.after-bridge-keeps-pair": missing("CHANNEL_PARK", "loopbacks"),
        "bowout.execute-sends-event": missing("loopback::bowout", "loopbacks"),
        "bowout.execute-hands-over": acquired_leg_runs_one_thing_twice,
        "bowout.execute-cause": header("Hangup-Cause", ENDED, WRONG, "loopback-b"),
        "bowout.execute-waits-for-media": later(-3.0, "loopback::bowout", "loopbacks"),
        "bowout.execute-marks-acquired": variable("loopback_hangup_cause", GONE, None, "real"),
        "exports.braces-reach-both-legs": given_at_creation("braces"),
        "exports.brackets-reach-both-legs": given_at_creation("brackets"),
        "exports.braces-against-brackets": given_at_creation("braces", "brackets"),
        "exports.confirmation-goes-to-loopback-b": variable(
            "group_confirm_key", MADE, None, "inbound"
        ),
        "exports.local-var-clobber": given_at_creation("braces", "brackets"),
        "exports.exported-reach-pair": given_at_creation("export"),
        "exports.exported-reach-b-leg": exports_do_not_reach_the_b_leg,
        "exports.set-stays-on-a-leg": what_is_set_comes_to_loopback_b,
        "exports.dial-string-stays-on-pair": dial_string_reaches_the_b_leg,
        "exports.loopback-export-hands-over": nothing_is_handed_over,
        "exports.loopback-export-needs-loopback-a": what_is_set_comes_to_loopback_b,
        "exports.max-forwards-on-loopback-a": variable("max_forwards", MADE, "7", "outbound"),
        "exports.max-forwards-not-on-loopback-b": variable("max_forwards", MADE, "1", "inbound"),
        "exports.ignore-early-media-goes-on": variable("ignore_early_media", MADE, None, "real"),
        "exports.loopback-leg": legs_swap_a_and_b,
        "exports.other-loopback-leg": loopback_a_names("other_loopback_leg_uuid", MADE),
        "exports.from-uuid": loopback_a_names("loopback_from_uuid", MADE),
        "exports.other-from-uuid": variable(
            "other_loopback_from_uuid", MADE, "another", "loopback-b"
        ),
        "exports.true-id": variable("other_leg_true_id", GONE, "another", "real", "loopbacks"),
        "exports.is-loopback-at-the-end": variable("is_loopback", GONE, None, "loopback-a"),
        "exports.is-loopback-not-before": variable("is_loopback", MADE, "1", "loopback-a"),
        "exports.is-loopback-not-on-real-legs": variable("is_loopback", GONE, "1", "real"),
        "cdr.one-for-each-leg": loopback_b_has_no_cdr,
        "cdr.none-if-unwanted": an_unwanted_cdr_is_there_or_a_wanted_one_not,
        "cdr.none-for-skipped-causes": an_unwanted_cdr_is_there_or_a_wanted_one_not,
        "cdr.b-legs-not-logged": an_unwanted_cdr_is_there_or_a_wanted_one_not,
        "cdr.dialled-by": another_one_is_named("originator"),
        "cdr.dialled-whom": another_one_is_named("originatee"),
        "cdr.well-formed": a_cdr_is_unreadable,
        "cdr.modules-agree": cdr("start_stamp", "1970-01-01 00:00:00", "real", "loopbacks"),
        "cdr.hangup-cause": cdr("hangup_cause", WRONG, "loopback-b"),
        "cdr.billsec": cdr_longer("billsec", 3),
        "cdr.duration": cdr_longer("duration", 3),
        "cdr.exact-duration": cdr_longer("uduration", 500_000),
        "cdr.billsec-after-bowout": cdr("billsec", "0", "inbound"),
        "cdr.is-loopback": cdr("is_loopback", None, "loopback-b"),
        "cdr.loopback-leg": cdr("loopback_leg", "A", "loopback-b"),
        "cdr.display-is-caller": cdr_has_another_caller,
        "cdr.other-loopback-leg": cdr("other_loopback_leg_uuid", "another", "loopback-b"),
        "cdr.bridge-uuid": cdr("bridge_uuid", "another", "real", "loopbacks"),
        "cdr.originating-leg": cdr("originating_leg_uuid", "another", "real", "loopbacks"),
        "cdr.cause-of-partner": cdr("last_bridge_hangup_cause", WRONG, "real", "loopbacks"),
        "cdr.billsec-conserved": cdr("answer_uepoch", "9999999999999999", "real"),
        "cdr.destination": cdr_has_another_destination,
    }
)
"""By clause the change that breaks it in each call that exercises it."""


# --- further defects, some of them of earlier versions -------------------------------------------


def any_call(call: Call) -> bool:
    """Any will do."""
    return True


@dataclass(frozen=True, slots=True)
class Defect:
    """A further way to break a clause, in the simplest call of a kind."""

    name: str
    clause: str
    change: Change
    kind: Callable[[Call], bool] = any_call


def chain(call: Call) -> bool:
    """All loopback legs of two pairs leave together."""
    leaving = [e for e in call.placement.events if e.get("Application") == "uuid_bridge"]
    loopbacks = [role for role in call.draft().uuids if role.startswith("loopback")]
    first = min((sequence(event) for event in leaving), default=0)
    ended = [call.draft().find(role, ENDED) for role in loopbacks]
    return len(loopbacks) == 4 and all(sequence(events[0]) < first for events in ended if events)


def direct(call: Call) -> bool:
    """There is no a-leg."""
    return isinstance(call.scenario.origin, Direct)


def with_a_leg(call: Call) -> bool:
    """There is an a-leg."""
    return not direct(call)


def answered(call: Call) -> bool:
    """Loopback-a is answered."""
    return bool(call.draft().find("loopback-a", "CHANNEL_ANSWER"))


def unanswered(call: Call) -> bool:
    """Loopback-a is not answered."""
    return not answered(call)


def bridged_once(call: Call) -> bool:
    """The a-leg is bridged to loopback-a for long, and never to the b-leg."""
    bridges = call.draft().find("a-leg", "CHANNEL_BRIDGE")
    return len(bridges) == 1 and loopback_b_is_bridged_for_long(call)


def loopback_b_is_bridged_for_long(call: Call) -> bool:
    """Loopback-b stays a second in its bridge: one that is over at once may not come about."""
    draft = call.draft()
    begun, ended = draft.find("loopback-b", "CHANNEL_BRIDGE"), draft.find("loopback-b", ENDED)
    since, until = (sum(map(stamp, events[:1])) for events in (begun, ended))
    return bool(begun) and until - since > 1_000_000


def stamp(event: dict[str, str | list[str]]) -> int:
    return int(str(event["Event-Date-Timestamp"]))


def with_markup(call: Call) -> bool:
    """A value of the scenario could spoil XML; there are CDRs."""
    return bool(call.placement.cdrs) and bool(set("<&") & set(call.scenario.text))


def without_markup(call: Call) -> bool:
    """No value of the scenario could spoil XML; there are CDRs."""
    return bool(call.placement.cdrs) and not with_markup(call)


def acquired_leg_parks(call: Call) -> bool:
    """The acquired leg is parked and goes by a hangup."""
    return "park" in [event.get("Application") for event in call.draft().find("a-leg", EXECUTE)]


def in_place_of_the_b_leg(draft: Draft) -> None:
    """The b-leg is not created, and a leg is that nobody dialled."""
    (created,) = draft.find("b-leg", MADE)
    gone = draft.uuids["b-leg"]
    draft.add(created, Unique_ID="a stranger's", Channel_Name="null/stranger")
    draft.events = [event for event in draft.events if event.get("Unique-ID") != gone]


def further_pair_is_dialled(draft: Draft) -> None:
    """The next pair of the scenario is there as well."""
    further = next(pair for pair in pairs(draft.scenario) if pair.leg_a not in draft.uuids)
    (created,) = draft.find("loopback-a", MADE)
    name = f"loopback/{getattr(further.target, 'extension', '')}-a"
    draft.add(created, Unique_ID="one more", Channel_Name=name)


def causes_are_turned_round(draft: Draft) -> None:
    for event in draft.find("a-leg", GONE):
        listed = str(event["variable_originate_causes"]).removeprefix("ARRAY::").split("|:")
        event["variable_originate_causes"] = "ARRAY::" + "|:".join(reversed(listed))


def cdr_on_a_real_leg(draft: Draft) -> None:
    draft.record(draft.real[0], "variables.is_loopback", "1")


def cdrs_are_unreadable(draft: Draft) -> None:
    for cdrs in draft.cdrs.values():
        for module in cdrs:
            cdrs[module] = {UNREADABLE: "not well-formed"}


def xml_cdrs_are_unreadable(draft: Draft) -> None:
    for cdrs in draft.cdrs.values():
        cdrs["xml_cdr"] = {UNREADABLE: "not well-formed"}


def no_bowout(draft: Draft) -> None:
    """The pair never leaves, and ends with the call."""
    last = max(int(str(event["Event-Date-Timestamp"])) for event in draft.events)
    for role in draft.loopbacks:
        for name in (ENDED, GONE, "CHANNEL_DESTROY"):
            for event in draft.find(role, name):
                event["Event-Date-Timestamp"] = str(last)
                event["Event-Sequence"] = str(10**9 + sequence(event))
    for role in draft.real:
        draft.drop(role, EXECUTE, "uuid_bridge")


EXECUTE = "CHANNEL_EXECUTE"

DEFECTS = (
    Defect(
        "answer is lost on the way",
        "legs.answer-crosses",
        missing("CHANNEL_ANSWER", "loopback-a"),
        answered,
    ),
    Defect(
        "loopback-a is answered alone (until 1.0.3)",
        "legs.answer-crosses",
        only_one_loopback_leg_is_answered,
        unanswered,
    ),
    Defect(
        "pair leaves after one second",
        "bowout.after-both-legs-answered",
        later(-1.0, ENDED, "loopbacks"),
    ),
    Defect("pair never leaves", "bowout.after-both-legs-answered", no_bowout),
    Defect(
        "bowout with the b-leg as caller (1.2.9)",
        "bowout.bridges-real-legs",
        b_leg_is_the_caller_of_the_bowout,
    ),
    Defect(
        "real legs are left apart",
        "bowout.bridges-real-legs",
        missing("CHANNEL_BRIDGE", "a-leg"),
    ),
    Defect(
        "loopback-b is not bridged",
        "legs.bridged-to-whom-it-dials",
        missing("CHANNEL_BRIDGE", "inbound"),
        loopback_b_is_bridged_for_long,
    ),
    Defect(
        "a-leg is bridged to loopback-a twice",
        "legs.bridged-to-whom-it-dials",
        twice("CHANNEL_BRIDGE", "a-leg"),
        bridged_once,
    ),
    Defect(
        "loopback-b is not answered",
        "legs.answer-crosses",
        missing("CHANNEL_ANSWER", "loopback-b"),
        answered,
    ),
    Defect(
        "loopback-a is never hung up",
        "legs.all-gone-after-call",
        missing(ENDED, "loopback-a"),
    ),
    Defect(
        "loopback-a never ends its processing",
        "legs.all-gone-after-call",
        missing(GONE, "loopback-a"),
    ),
    Defect(
        "CDRs are no JSON and no XML",
        "cdr.well-formed",
        cdrs_are_unreadable,
    ),
    Defect(
        "CDRs of a call without markup are no XML",
        "cdr.well-formed",
        xml_cdrs_are_unreadable,
        without_markup,
    ),
    Defect(
        "CDRs of a call with markup are no JSON",
        "cdr.well-formed",
        a_cdr_is_unreadable,
        with_markup,
    ),
    Defect(
        "bowout on execution names the wrong leg",
        "bowout.execute-sends-event",
        wrong_leg_is_acquired,
    ),
    Defect(
        "{} and [] change places",
        "exports.braces-against-brackets",
        braces_and_brackets_are_swapped,
        braces_and_brackets_differ,
    ),
    Defect("CDR of a real leg is marked", "cdr.is-loopback", cdr_on_a_real_leg, with_a_leg),
    Defect(
        "chain leaves late",
        "bowout.after-both-legs-answered",
        later(1.0, ENDED, "loopbacks"),
        chain,
    ),
    Defect(
        "one leg of a chain leaves late",
        "bowout.legs-leave-together",
        later(0.5, ENDED, "loopback-b"),
        chain,
    ),
    Defect(
        "legs of a chain leave with a wrong cause",
        "bowout.cause",
        header("Hangup-Cause", ENDED, WRONG, "loopbacks"),
        chain,
    ),
    Defect(
        "leg of a chain stays",
        "legs.real-legs-stay-after-bowout",
        loopback_a_stays_beside_the_real_legs,
        chain,
    ),
    Defect(
        "chain bridges the wrong legs",
        "bowout.bridges-real-legs",
        a_leg_is_bridged_to_loopback_b_again,
        chain,
    ),
    Defect(
        "chain sends an event",
        "bowout.no-event-by-default",
        module_sends_its_event,
        chain,
    ),
    Defect(
        "a-leg of a chain ends with a wrong cause",
        "legs.cause-of-real-legs",
        header("Hangup-Cause", ENDED, WRONG, "real"),
        chain,
    ),
    Defect(
        "a-leg runs a part of the extension twice",
        "bowout.execute-hands-over",
        acquired_leg_runs_one_thing_twice,
        with_a_leg,
    ),
    Defect(
        "b-leg runs a part of what loopback-a ran twice",
        "bowout.execute-hands-over",
        acquired_leg_runs_one_thing_twice,
        direct,
    ),
    Defect(
        "bowout on execution sends no event, a-leg parks",
        "bowout.execute-sends-event",
        missing("loopback::bowout", "loopbacks"),
        acquired_leg_parks,
    ),
    Defect(
        "who lost is not told",
        "legs.others-lose-race",
        variable("group_dial_status", GONE, None, "loopback-a"),
        loopback_a_loses,
    ),
    Defect(
        "what stands behind is dialled although a target before it was taken",
        "legs.alternatives-in-turn",
        further_pair_is_dialled,
        a_pair_is_not_dialled,
    ),
    Defect(
        "causes of the legs that were dialled are in another order",
        "legs.caller-is-told-causes",
        causes_are_turned_round,
        lambda call: bool(call.scenario.beside),
    ),
    Defect(
        "a loop goes on although nothing is left of max_forwards",
        "targets.exported-max-forwards-ends-loop",
        further_pair_is_dialled,
    ),
    Defect(
        "a stranger in place of the b-leg",
        "legs.no-other-legs",
        in_place_of_the_b_leg,
        lambda call: "b-leg" in call.draft().uuids,
    ),
)


KINDS: Mapping[str, Callable[[Call], bool]] = MappingProxyType(
    {
        "legs.bridged-to-whom-it-dials": loopback_b_is_bridged_for_long,
        "legs.first-reached-is-taken": a_leg_dials_several,
        "legs.others-lose-race": loopback_a_loses,
        "legs.alternatives-in-turn": lambda call: (
            bool(call.scenario.otherwise) and "loopback-a2" in call.draft().uuids
        ),
        "legs.caller-is-told-outcome": a_leg_dials_several,
        "legs.caller-is-told-causes": a_leg_dials_several,
    }
)
"""By clause the kind of call to change, where in the simplest of all the change is legal."""


# --- the tests -----------------------------------------------------------------------------------


def test_each_clause_has_its_change() -> None:
    """A new clause without a change that breaks it is not tested, and so fails here."""
    assert set(BREAKS) == set(CLAUSES)


@pytest.mark.parametrize("name", by_hand())
def test_calls_written_by_hand_conform(name: str) -> None:
    """They stand for a switch that behaves, so nothing may be found in them."""
    judgement = by_hand()[name].judged()
    assert judgement.findings == ()
    assert judgement.exercised


@pytest.mark.parametrize("clause", CLAUSES)
def test_clause_is_kept(clause: str) -> None:
    """A call that a released version handled exercises the clause and has no finding."""
    judgement = simplest(clause).judged()
    assert clause in judgement.exercised
    assert judgement.findings == ()


@pytest.mark.parametrize("clause", CLAUSES)
def test_clause_is_broken(clause: str) -> None:
    """The same call with one thing wrong has a finding of this clause."""
    assert_found(clause, simplest(clause, KINDS.get(clause, any_call)), BREAKS[clause])


@pytest.mark.parametrize(
    "defect",
    [pytest.param(defect, id=f"{defect.clause}: {defect.name}") for defect in DEFECTS],
)
def test_defect_is_found(defect: Defect) -> None:
    """Faults of earlier versions, and of kinds of calls that need a look of their own."""
    assert_found(defect.clause, simplest(defect.clause, defect.kind), defect.change)


def test_an_event_without_a_bowout_is_found() -> None:
    assert_found("bowout.no-event-by-default", simplest("bowout.refused"), module_sends_its_event)


def test_xml_cdrs_of_a_call_with_markup_may_be_unreadable() -> None:
    """A released version writes the data of applications into its XML as they are."""
    draft = simplest("cdr.well-formed", with_markup).draft()
    xml_cdrs_are_unreadable(draft)
    judgement = draft.call().judged()
    assert judgement.findings == ()
    assert "cdr.well-formed" in judgement.exercised


def test_a_call_of_a_defect_is_left_as_it_was() -> None:
    """Changes are made to copies: the order of the tests cannot matter."""
    call = simplest("legs.pair-is-created")
    before = call.judged()
    draft = call.draft()
    a_stranger_comes(draft)
    draft.put("loopback-a", MADE, "Channel-Name", "x")
    draft.record("loopback-b", "variables.hangup_cause", "x")
    assert call.judged() == before


def simplest(clause: str, kind: Callable[[Call], bool] = any_call) -> Call:
    """Give the call with the fewest parts that keeps the clause."""
    for call in keeping().get(clause, ()):
        if kind(call):
            return call
    raise LookupError(f"of the calls of {clause} that were recorded none is clean, or of this kind")


def assert_found(clause: str, call: Call, change: Change) -> None:
    """Change the call and look for a finding of the clause, which must be a sentence."""
    draft = call.draft()
    change(draft)
    findings = draft.call().judged().findings
    assert clause in {finding.clause for finding in findings}
    sentence = re.compile(".+ was .+; expected .+")
    assert all(sentence.match(finding.sentence) for finding in findings)
