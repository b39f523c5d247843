"""The course of a call: which legs there are, what they run, how they are answered and end.

Time is in seconds from the moment at which the target is dialled. Nothing here counts frames: a
state holds from one event to the next, and the bowout falls due when its conditions have held for
`Pace.bowout` seconds in all.

The rules, and the methods that hold them:
- `_dial_early`: dialling pre-answers an inbound caller (facts, 2.9 and 2.10);
- `_take`, `_fail`: of what is named at once the first that is early or answered is bridged, and the
  others lose the race; what is named behind them is dialled where they all fail;
- `_early`, `_answer`: what loopback-b signals marks loopback-a;
- `_hang_up`: a cause goes to the other leg of the pair; a caller takes the cause of an unanswered
  peer and goes on behind an answered one, or does what it is told to (`_goes_elsewhere`);
- `_is_confirmed`: a dialled leg may have to be confirmed before it is taken;
- `_display`, `_deflect`: what comes from outside crosses the pair (facts, 2.9);
- `_fire`: the bowout of a bridged pair; `_acquire`: the bowout on execution.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from types import MappingProxyType

from msgspec.structs import replace

from conformance.dialstring import a_leg_application
from conformance.model import after_bridge
from conformance.model.applications import INSTANT, application_name
from conformance.model.chain import between, partner_of, real_end
from conformance.model.confirm import confirmation
from conformance.model.counter import Counter
from conformance.model.course import NEVER, Attempt, Bridge, Course, Leaving, Pace
from conformance.model.durations import (
    AHEAD,
    ALONE_AFTER,
    BEHIND,
    BORN_AFTER,
    CREATED_AFTER,
    JUST_NOW,
    NOTICED,
    ORPHANED,
    OVERTAKEN,
    READ_AFTER,
    REBRIDGED,
    UNNOTICED,
)
from conformance.model.live import Dialling, LiveLeg
from conformance.model.variables import (
    ON_EXECUTE,
    forwards,
    of_a_leg,
    of_b_leg,
    of_dialling,
    of_pair,
    waits_for_answer,
)
from conformance.scenario import (
    Action,
    ALegBridges,
    ALegConsults,
    Answer,
    ApplicationTarget,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    Dialled,
    Direct,
    ExtensionTarget,
    HangUp,
    Pair,
    Park,
    PlayTone,
    PreAnswer,
    RingReady,
    Scenario,
    SetVariable,
    Sleep,
    Step,
    Stimulus,
    Unloop,
    UuidDeflect,
    UuidDisplay,
    UuidKill,
    UuidSendDtmf,
    UuidSetvar,
    pairs,
)

CAUSES_TO_GO_ON = frozenset({"NO_ANSWER", "NO_USER_RESPONSE", "ORIGINATOR_CANCEL"})
"""Causes of a failed bridge after which a dialplan goes on by default."""

KNOWN_CONTEXTS = ("default", "public", "conformance")
"""Contexts in which the switch may have extensions; elsewhere nothing is routed."""


def course(scenario: Scenario, applied: Mapping[int, float], pace: Pace) -> Course:
    """The course of a scenario's call.

    `applied` holds, by index, the seconds from a stimulus's named event to its effect; a stimulus
    that is not in it counts from its own delay.
    """
    return _Call(scenario, applied, pace).run()


class _Call:
    def __init__(
        self,
        scenario: Scenario,
        applied: Mapping[int, float],
        pace: Pace,
    ) -> None:
        self._scenario = scenario
        self._globals = dict(scenario.profile.global_variables)
        self._applied = applied
        self._pace = pace
        self._now = 0.0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._legs: dict[str, LiveLeg] = {}
        self._bridges: list[Bridge] = []
        self._leavings: list[Leaving] = []
        self._attempts: list[Attempt] = []
        self._counters: dict[int, Counter] = {}
        self._waiting: list[LiveLeg] = []
        self._kills: list[tuple[float, str]] = []
        self._displayed = False
        self._overtaken = pace.overtaken
        self._stimuli = scenario.all_stimuli()
        self._begun: set[int] = set()
        self._by_event: dict[str, list[int]] = {}  # stimuli, by the event that they count from
        for index, stimulus in enumerate(self._stimuli):
            self._by_event.setdefault(stimulus.at.event.value, []).append(index)
        self._pairs = {pair.number: pair for pair in pairs(scenario)}

    def run(self) -> Course:
        scenario = self._scenario
        if isinstance(scenario.origin, Direct):
            self._create_pair(self._pairs[1], None, scenario.origin)
        else:
            a_leg = self._create("a-leg", of_a_leg(scenario), inbound=False)
            self._early(a_leg)
            if scenario.origin_answers:
                self._answer(a_leg)
            a_leg.consults = isinstance(scenario.origin, ALegConsults)
            a_leg.applications += self._a_leg_applications()
            a_leg.began += (self._now,) * len(a_leg.applications)
            a_leg.plan = [Step(action) for action in getattr(scenario.origin, "afterwards", ())]
            self._dial(a_leg, scenario.dials)
        while self._agenda:
            self._now, _, action = heapq.heappop(self._agenda)
            action()
        legs = MappingProxyType({role: leg.as_it_was() for role, leg in self._legs.items()})
        for leg in self._legs.values():
            leg.forget()
        return Course(
            legs=legs,
            bridges=tuple(self._bridges),
            leavings=tuple(self._leavings),
            attempts=tuple(self._attempts),
            forks=tuple([attempt for attempt in self._attempts if not attempt.alone]),
        )

    def _a_leg_applications(self) -> tuple[str, ...]:
        origin = self._scenario.origin
        if isinstance(origin, ALegBridges):
            return (a_leg_application(origin),)
        variables = self._scenario.variables
        set_, exported = ("set",) * len(variables.set), ("export",) * len(variables.export)
        return (*set_, *exported, "bridge")

    # --- time and stimuli ---

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self._now + seconds, next(self._order), action))

    def _happened(self, event: str, *roles: str) -> None:
        """Start the clocks of the stimuli that count from this event of one of these legs."""
        for index in self._by_event.get(event, ()):
            stimulus = self._stimuli[index]
            if stimulus.at.leg in roles and index not in self._begun:
                self._begun.add(index)
                delay = self._applied.get(index, stimulus.at.delay_ms / 1000)
                delay = max(0.0, delay + self._pace.shift)
                if index == self._pace.behind:
                    delay += BEHIND
                if isinstance(stimulus.deed, UuidKill):
                    self._kills.append((self._now + delay, stimulus.deed.leg))
                self._later(delay, lambda stimulus=stimulus: self._stimulate(stimulus))  # type: ignore[misc]

    def _stimulate(self, stimulus: Stimulus) -> None:
        deed = stimulus.deed
        leg = self._legs.get(deed.leg)
        if leg is None:
            return
        if not leg.there:
            if isinstance(deed, UuidKill) and leg.other is None:
                unnoticed = ALONE_AFTER if leg.consults else UNNOTICED
                if self._now - leg.gone < unnoticed:
                    leg.causes |= {deed.cause}
            return
        if isinstance(deed, UuidKill):
            self._hang_up(leg, deed.cause)
        elif isinstance(deed, UuidSetvar):
            leg.set(deed.name, deed.value)
            self._count_all()
        elif isinstance(deed, UuidDisplay):
            self._display(leg, (deed.name, deed.number))
        elif isinstance(deed, UuidDeflect):
            self._deflect(leg, deed)
        elif isinstance(deed, UuidSendDtmf):
            leg.digits += deed.digits

    def _display(self, leg: LiveLeg, who: tuple[str, str]) -> None:
        """Who is at a leg's other end: loopback-b tells loopback-a of its caller, and so on out.

        loopback-a tells loopback-b of its callee.
        """
        self._displayed = True
        leg.shown = who
        ignored = leg.is_told("ignore_display_updates")
        if leg.other is not None and leg.other.there and not ignored:
            leg.other.displays = who
            partner = partner_of(leg.other, self._now)
            if partner is not None:
                self._display(partner, who)

    def _forget_displays(self) -> None:
        """Legs that are bridged, or answered then, are shown each other."""
        if self._displayed:
            self._displayed = False
            for leg in self._legs.values():
                if leg.there:
                    leg.shown = leg.displays = None

    def _deflect(self, leg: LiveLeg, deed: UuidDeflect) -> None:
        """Whom the other leg of the pair is bridged to is transferred; its bridge ends."""
        real = None if leg.other is None else leg.other.bridged
        if real is None:
            return
        peer = real.bridged
        assert peer is not None
        self._unbridge(real)
        real.told += ("deflect",)
        real.deflected = len(real.applications)
        real.bond = peer.bond = None
        real.displays = None
        if real.calls:
            self._leave(peer)
        else:
            self._after_bridge(peer, "NORMAL_CLEARING")
        real.plan = [Step(action) for action in deed.plan]
        self._next(real)

    # --- legs ---

    def _create(self, role: str, given: dict[str, str], *, inbound: bool) -> LiveLeg:
        leg = self._legs[role] = LiveLeg(
            role, self._now, inbound, given, dict(given), self._globals
        )
        self._happened("CHANNEL_CREATE", role)
        return leg

    def _create_pair(
        self, pair: Pair, caller: LiveLeg | None, origin: Direct | None = None
    ) -> LiveLeg:
        callers = caller.sees() if caller is not None else {}
        once = self._scenario.profile.since("1.10.3")
        shared = of_dialling(callers, pair.braces)
        on_a, on_b = of_pair(
            callers, shared, pair.brackets, switch=self._globals, confirms_once=once
        )
        leg_a = self._create(pair.leg_a, on_a, inbound=False)
        # What is in [] is gone by then, and before 1.10.3 nobody looked for it (fcda4c6a06).
        leg_a.confirmation = confirmation(shared)
        leg_b = self._create(pair.leg_b, on_b, inbound=True)
        leg_a.other, leg_b.other = leg_b, leg_a
        leg_a.pair = leg_b.pair = pair.number
        self._counters[pair.number] = Counter(leg_a, leg_b)
        leg_a.dialled_by = caller
        if origin is not None:
            leg_a.plan = [_ORIGIN_STEPS[origin.application](origin.argument)]
        late = BORN_AFTER if pair.number == self._pace.unrouted else 0
        self._later(late, lambda: self._route(pair, leg_b))
        return leg_a

    def _route(self, pair: Pair, leg_b: LiveLeg) -> None:
        if not leg_b.there:
            return
        if not pair.steps or not _routable(pair):
            self._hang_up(leg_b, "NO_ROUTE_DESTINATION")
            return
        early = isinstance(pair.target, ApplicationTarget)
        leg_b.plan = [Step(PreAnswer()), *pair.steps] if early else list(pair.steps)
        self._execute(leg_b)

    # --- running a plan ---

    def _execute(self, leg: LiveLeg) -> None:
        """A leg enters its extension: `unloop` anywhere in it brings the bowout on execution."""
        asked = leg.is_told(ON_EXECUTE)
        asked = asked or any(isinstance(step.action, Unloop) for step in leg.plan)
        if leg.other is not None and asked:
            if not leg.inbound:
                self._counters[leg.pair].fired = True  # only the flag of loopback-a counts
            real = real_end(leg.other, self._now)
            if real is not None:
                media = real.bridged is not None
                wait = 0.0 if media else self._pace.stall
                leg.waits_for = real
                self._waiting.append(leg)
                self._later(wait, lambda: self._acquire(leg, real))
                return
        self._next(leg)

    def _next(self, leg: LiveLeg) -> None:
        if not leg.there or leg.step == leg.last_step:
            return
        leg.step += 1
        if not leg.plan:
            self._hang_up(leg, "NORMAL_CLEARING")
            return
        step = leg.plan.pop(0)
        action = step.action
        self._begin(leg, action)
        match action:
            case Sleep(milliseconds):
                self._resume(leg, milliseconds)
            case PlayTone(milliseconds):
                self._early(leg)
                self._resume(leg, milliseconds)
            case BridgeToNull() | BridgeToLoopback() | BridgeToSeveral() | BridgeAgain():
                self._dial(leg, step.dials)
            case Park():
                self._park(leg)
                if leg.deaf and not self._pace.halted:
                    self._next(leg)
            case HangUp(cause):
                self._hang_up(leg, cause)
            case _:
                self._signal(leg, action)
                self._next(leg)

    def _begin(self, leg: LiveLeg, action: Action) -> None:
        leg.applications += (application_name(action),)
        leg.began += (self._now,)

    def _park(self, leg: LiveLeg) -> None:
        leg.parks += 1
        self._happened("CHANNEL_PARK", leg.role)

    def _signal(self, leg: LiveLeg, action: Action) -> None:
        match action:
            case Answer() if leg.inbound:
                self._answer(leg)
            case PreAnswer() | Unloop() if leg.inbound:
                self._early(leg)  # `unloop` needs media, as most applications do
            case RingReady() if leg.inbound:
                self._ring(leg)
            case SetVariable(name, value):
                leg.set(name, value)

    def _resume(self, leg: LiveLeg, milliseconds: int) -> None:
        if leg.deaf:
            self._next(leg)
            return
        step = leg.step
        drift = self._pace.drift if self._pace.drifts in (0, leg.pair) else 0.0
        seconds = milliseconds / 1000 + drift
        self._later(seconds, lambda: self._next(leg) if leg.step == step else None)

    # --- dialling, early media, answer ---

    def _dial(self, caller: LiveLeg, alternatives: Sequence[tuple[Dialled, ...]]) -> None:
        """A leg dials what is named at once, and where that fails what is named behind it."""
        (first, *others) = alternatives
        waits = waits_for_answer(caller.variables, first[0].braces)
        alone = len(first) == 1 and not others
        caller.dialling = Dialling([first, *others], waits, alone)
        self._dial_next(caller, caller.dialling)

    def _dial_next(self, caller: LiveLeg, dialling: Dialling) -> None:
        dialling.unmade = list(dialling.alternatives.pop(0))
        dialling.named = len(dialling.unmade)
        dialling.legs, dialling.causes = [], {}
        self._make(caller, dialling)

    def _make(self, caller: LiveLeg, dialling: Dialling) -> None:
        """The legs of an alternative are made one after the other, and then waited for."""
        while dialling.unmade and caller.dialling is dialling:
            if caller.deaf and dialling.named - len(dialling.unmade) == self._pace.made:
                return
            dialled = dialling.unmade[0]
            if forwards(caller.variables) <= 0:
                dialling.refusal = "EXCHANGE_ROUTING_ERROR"
            else:
                self._dial_early(caller, dialled)
                if caller.dialling is not dialling:
                    return
                if dialled.pair:
                    dialling.legs.append(self._create_pair(self._pairs[dialled.pair], caller))
                elif dialled.null is None or dialled.null.refusal is None:
                    self._later(CREATED_AFTER, lambda: self._create_null(caller, dialling))
                    return
                else:
                    dialling.refusal = dialled.null.refusal
            dialling.unmade.pop(0)
        if caller.dialling is dialling:
            self._settle(caller, dialling)

    def _dial_early(self, caller: LiveLeg, dialled: Dialled) -> None:
        """Dialling is early media for an inbound caller, which a pair may be told to leave out."""
        if not caller.inbound:
            return
        silent = dialled.pair and caller.is_told("loopback_no_pre_answer")
        if not (silent and self._scenario.profile.since("1.10.3")):
            self._early(caller)

    def _create_null(self, caller: LiveLeg, dialling: Dialling) -> None:
        if caller.dialling is not dialling:
            return
        dialled = dialling.unmade.pop(0)
        bridge = dialled.null
        assert bridge is not None
        given = of_b_leg(caller.sees(), dialled.braces, dialled.brackets)
        leg = self._create(dialled.b_leg, given, inbound=False)
        leg.confirmation = confirmation(given)
        leg.dialled_by = caller
        dialling.legs.append(leg)
        if bridge.early_media:
            self._later(0, lambda: self._early(leg))
        leg.answers = bridge.answer_delay_ms is not None
        if bridge.answer_delay_ms is not None:
            self._later(bridge.answer_delay_ms / 1000, lambda: self._answer(leg))
        if bridge.timeout_s is not None:
            self._later(bridge.timeout_s - self._pace.tick, lambda: self._give_up(leg))
        self._make(caller, dialling)

    def _give_up(self, leg: LiveLeg) -> None:
        """A leg that is not reached in time is hung up, and its caller told NO_ANSWER."""
        if leg.dialled_by is not None:
            self._hang_up(leg, "NO_ANSWER")

    def _settle(self, caller: LiveLeg, dialling: Dialling) -> None:
        """All legs of an alternative are made: some may have been reached by now, or be gone."""
        if caller.deaf and self._pace.lag and not self._pace.halted and dialling.legs:
            self._give_up_dialling(caller, dialling)
        elif any(map(dialling.reached, dialling.legs)):
            self._after_notice(caller.pair, lambda: self._take(caller, dialling))
        else:
            self._fail(caller, dialling)

    def _give_up_dialling(self, caller: LiveLeg, dialling: Dialling) -> None:
        """A leg whose other leg is gone finds out, as it dials, that it reads nothing.

        Sooner than a pair that it dials is reached, by another thread, but no sooner than it looks
        (every 20 ms): by then a `null/` leg that is reached at once is taken all the same, and that
        all refuse may be noticed first. Where it finds itself hung up by then, it cancels.
        """
        notice = self._pace.notice[caller.pair]

        def give_up() -> None:
            if caller.dialling is not dialling:
                return
            refusing = [leg.other for leg in dialling.legs if leg.other and not leg.other.there]
            if refusing and len(refusing) == len(dialling.legs) and notice < READ_AFTER:
                for leg, other in zip(dialling.legs, refusing, strict=True):
                    self._hang_up(leg, min(other.causes))
                return
            phones = [leg for leg in dialling.legs if leg.other is None]
            self._miss_media(caller)
            for leg in phones:
                leg.causes |= {"ORIGINATOR_CANCEL"}

        if notice or any(leg.other is None for leg in dialling.legs):
            self._later(notice, give_up)
        else:
            give_up()

    def _take(self, caller: LiveLeg, dialling: Dialling) -> None:
        """Of the legs that are dialled the first that is reached is taken; the others leave."""
        if caller.dialling is not dialling or dialling.unmade:
            return
        taken = next(filter(dialling.reached, dialling.legs), None)
        if taken is None or not self._is_confirmed(taken):
            return
        self._note(caller, dialling, taken=taken.role)
        for leg in dialling.legs:
            if leg is not taken:
                leg.dialled_by = None
                self._hang_up(leg, "LOSE_RACE")
        if caller.inbound and taken.answered != NEVER:
            self._answer(caller)
        elif caller.inbound:
            self._early(caller)
        if caller.dialling is dialling and taken.there:
            self._bridge(caller, taken)
            if caller.deaf:
                self._later(READ_AFTER, lambda: self._find_nothing(caller, taken))

    def _fail(self, caller: LiveLeg, dialling: Dialling) -> None:
        """Once all legs of an alternative are gone the next is dialled, or else the caller told.

        The cause is that of the leg which is named first.
        """
        if caller.dialling is not dialling or dialling.unmade:
            return
        if any(leg.there for leg in dialling.legs):
            return
        cause = dialling.causes[dialling.legs[0].role] if dialling.legs else dialling.refusal
        self._note(caller, dialling, cause=cause)
        if dialling.alternatives:
            self._dial_next(caller, dialling)
        else:
            caller.dialling = None
            self._failed(caller, cause)

    def _note(self, caller: LiveLeg, dialling: Dialling, taken: str = "", cause: str = "") -> None:
        legs = tuple([leg.role for leg in dialling.legs])
        self._attempts.append(Attempt(caller.role, legs, taken, cause, dialling.alone))

    def _ring(self, leg: LiveLeg) -> None:
        if NEVER == leg.ringing == leg.early == leg.answered:
            leg.ringing = self._now
            if leg.inbound and leg.other:
                self._ring(leg.other)
            caller = leg.dialled_by
            if caller is not None and caller.inbound:
                self._after_notice(caller.pair, lambda: self._ring_through(caller, leg))

    def _ring_through(self, caller: LiveLeg, leg: LiveLeg) -> None:
        if leg.dialled_by is caller and caller.there:
            self._ring(caller)

    def _early(self, leg: LiveLeg) -> None:
        if not leg.there or leg.early != NEVER or leg.answered != NEVER:
            return
        leg.early = self._now
        if leg.inbound and leg.other:
            self._early(leg.other)
        self._reached(leg)

    def _answer(self, leg: LiveLeg) -> None:
        if not leg.there or leg.answered != NEVER:
            return
        leg.answered = self._now
        self._forget_displays()
        self._happened("CHANNEL_ANSWER", leg.role)
        if leg.inbound and leg.other:
            self._answer(leg.other)
        self._reached(leg)
        caller = leg.bridged
        if caller is not None and caller.calls and caller.inbound and not leg.unaware:
            if caller.pair == self._pace.blind:
                self._later(NOTICED, lambda: self._answer_in_bridge(caller, leg))
            else:
                self._after_notice(caller.pair, lambda: self._answer(caller))
        self._count_all()

    def _answer_in_bridge(self, caller: LiveLeg, peer: LiveLeg) -> None:
        """A caller looks at whom it is bridged to, who may be gone again."""
        if caller.bridged is peer:
            self._answer(caller)

    def _reached(self, leg: LiveLeg) -> None:
        """Early media or an answer ends the dialling of whoever dialled the leg."""
        caller = leg.dialled_by
        if caller is not None and (dialling := caller.dialling) is not None:
            self._after_notice(caller.pair, lambda: self._take(caller, dialling))
        elif leg.plan and not leg.inbound and leg.other is not None:
            self._after_notice(0, lambda: self._execute_once(leg))

    def _after_notice(self, pair: int, action: Callable[[], None]) -> None:
        if self._pace.notice[pair]:
            self._later(self._pace.notice[pair], action)
        else:
            action()

    def _is_confirmed(self, leg: LiveLeg) -> bool:
        """Whether a leg that was reached may be taken: first it executes what confirms it."""
        if leg.confirmation is None:
            return True
        if leg.confirmed is None:
            leg.confirmed = action = leg.confirmation
            self._begin(leg, action)
            if isinstance(action, HangUp):
                self._hang_up(leg, action.cause)
            else:
                milliseconds = action.milliseconds if isinstance(action, Sleep) else 0
                seconds = milliseconds / 1000 + self._pace.drift
                self._later(seconds, lambda: self._confirm(leg))
        return False

    def _confirm(self, leg: LiveLeg) -> None:
        leg.confirmation = None
        if leg.there:
            self._reached(leg)

    def _execute_once(self, leg: LiveLeg) -> None:
        if leg.there and leg.step == 0 and self._is_confirmed(leg):
            leg.step = 1
            self._execute(leg)

    # --- bridges ---

    def _bridge(self, caller: LiveLeg, peer: LiveLeg) -> None:
        self._forget_displays()
        caller.dialling = peer.dialled_by = None
        caller.bridged, peer.bridged = peer, caller
        caller.bond, peer.bond = peer, caller
        caller.calls, peer.calls = True, False
        # Its own thread may take the bridge's handler away with that of its dialling (4658192547).
        created = self._now - peer.created < JUST_NOW
        loses = created and not self._scenario.profile.since("1.11.0")
        peer.unaware = loses and self._is_late(peer)
        self._bridges.append(Bridge(caller.role, peer.role, self._now, NEVER))
        self._happened("CHANNEL_BRIDGE", caller.role, peer.role)
        if peer.answers:
            # A bridge ends the delay of a null/ leg's answer (null_channel_on_consume_media).
            self._later(NOTICED, lambda: self._answer(peer))
        self._count_all()

    def _unbridge(self, leg: LiveLeg) -> None:
        peer = leg.bridged
        assert peer is not None
        for index, bridge in enumerate(self._bridges):
            if bridge.until == NEVER and {bridge.caller, bridge.peer} == {leg.role, peer.role}:
                self._bridges[index] = Bridge(bridge.caller, bridge.peer, bridge.since, self._now)
        leg.bridged = peer.bridged = None
        self._count_all()

    # --- the end of a leg ---

    def _hang_up(self, leg: LiveLeg, cause: str) -> None:
        if not leg.there:
            return
        leg.end(self._now, frozenset({cause}))
        if leg.waits_for is not None:
            return  # its thread sees that only when its wait is over
        for waiting in self._waiting_for(leg):
            self._cancel(waiting, leg)
        peer, dialled, caller = leg.bridged, leg.dialling, leg.dialled_by
        alone = dialled.legs[0] if dialled is not None and len(dialled.legs) == 1 else None
        partner = leg.bond or caller or alone
        if partner is not None:
            several = partner.dialling is not None and len(partner.dialling.legs) > 1
            # it may be told too late, or by whichever of several is the last
            told = partner.there and not several and leg.holds is None
            partner.heard_before, partner.heard = partner.heard, leg if told else None
            partner.hearsay |= not told
        if peer is not None:
            self._unbridge(leg)
            if leg.calls and peer.answered != NEVER:
                self._transfer_late(leg)
        elif leg.caught:
            self._transfer_late(leg)
        leg.dialling = leg.dialled_by = None
        if leg.other is not None and leg.other.there:
            if leg.pair in self._pace.cut and not self._has_no_thread(leg.other):
                self._miss_media(leg.other)
                if not leg.other.there:
                    leg.other.causes |= {cause}
            self._cross(leg.other, cause)
        if dialled is not None:
            self._note(leg, dialled)
            self._cancel_dialled(leg.pair, dialled, cause)
        if caller is not None and (dialling := caller.dialling) is not None:
            dialling.causes[leg.role] = cause
            self._after_notice(caller.pair, lambda: self._fail(caller, dialling))
        if leg.holds is not None:
            self._after_bridge(leg.holds, cause)
        if leg.gets is not None:
            self._hang_up(leg.gets, "NORMAL_CLEARING")
        if leg.wanted_by is not None:
            self._hang_up(leg.wanted_by, "ORIGINATOR_CANCEL")
            for one in (leg.wanted_by, leg.wanted_by.other):
                if one is not None and self._pace.disputed > 1:
                    one.causes |= {"NORMAL_CLEARING"}  # it may have got the leg after all
        if peer is not None and leg.calls and leg.intercepted:
            if not self._goes_elsewhere(peer, calls=False):
                self._hang_up(peer, "PICKED_OFF")
        elif peer is not None and leg.consults:
            self._orphan(peer)
        elif peer is not None and leg.calls:
            self._leave(peer)
        elif peer is not None and self._pace.collide and self._was_just_bridged(leg):
            self._hang_up(peer, "DESTINATION_OUT_OF_ORDER")  # by the leg's own thread
        elif peer is not None and leg.answered == NEVER:
            self._failed(peer, cause)
        elif peer is not None:
            self._after_bridge(peer, cause)

    def _cancel_dialled(self, pair: int, dialled: Dialling, cause: str) -> None:
        """Whoever dialled them is hung up for this cause, which it notices a moment later."""

        def cancel() -> None:
            for one in dialled.legs:
                reached = dialled.reached(one)
                one.dialled_by = None
                unborn = one.other is not None and self._has_no_thread(one)
                one.unborn = unborn and not self._pace.threads
                self._hang_up(one, "ORIGINATOR_CANCEL")
                if reached:
                    one.causes |= {cause}  # it was about to be bridged
                if one.answered != NEVER and one.gone == self._now:
                    # Its caller may be gone while it is told of the answer.
                    one.causes |= {"INCOMPATIBLE_DESTINATION"}

        notice = min(self._pace.notice[pair], NOTICED)
        if notice:
            self._later(notice, cancel)
        else:
            cancel()

    def _orphan(self, peer: LiveLeg) -> None:
        """Who is left by the one that consulted it is parked, and hung up some seconds later."""
        self._happened("CHANNEL_PARK", peer.role)
        self._later(ORPHANED, lambda: self._hang_up(peer, "NORMAL_CLEARING"))

    def _after_bridge(self, caller: LiveLeg, cause: str) -> None:
        """A caller goes on with its plan behind a bridge, unless told to hang up or elsewhere."""
        hangs_up = caller.hangs_up
        if self._goes_elsewhere(caller, calls=True, unless_executed=hangs_up):
            return
        if hangs_up:
            self._hang_up(caller, cause)
        else:
            self._next(caller)

    def _goes_elsewhere(self, leg: LiveLeg, *, calls: bool, unless_executed: bool = False) -> bool:
        """Whether a leg whose bridge is over was told to park, where to go, or what to execute."""
        told = after_bridge.told(leg.variables, calls=calls)
        if not leg.there or told is None or (unless_executed and told.how == after_bridge.EXECUTE):
            return False
        if told.how == after_bridge.TRANSFER and leg.deaf and self._pace.halted:
            leg.told += (after_bridge.TOO_LATE,)
            return True
        leg.told += (told.how,)
        leg.displays = None
        leg.plan = [Step(action) for action in told.plan]
        if told.how == after_bridge.PARK:
            leg.step = 0  # it executes nothing, and so nothing ends when it reads no more
            self._park(leg)
            return True
        if told.how == after_bridge.TRANSFER:
            leg.variables.pop("transfer_after_bridge")
            leg.bond = None
        if told.plan:
            self._next(leg)
        else:
            self._hang_up(leg, "NO_ROUTE_DESTINATION")
        return True

    def _transfer_late(self, caller: LiveLeg) -> None:
        """A caller that is hung up in its bridge is transferred all the same, in its CDR alone."""
        if after_bridge.is_told(caller.variables, after_bridge.TRANSFER, calls=True):
            caller.told += (after_bridge.TOO_LATE,)

    def _cross(self, leg: LiveLeg, cause: str) -> None:
        """A hangup reaches the other leg of the pair, whose partner may be ahead of it."""

        def hang_up() -> None:
            partner = leg.bond if leg.there else None
            self._hang_up(leg, cause)
            if partner is not None:
                partner.heard, partner.hearsay = None, True

        if leg.inbound and self._has_no_thread(leg):
            leg.unlinked = self._pace.threads > 1
            leg.unborn = not leg.unlinked
            # Its thread looks for loopback-a as it begins, and finds nobody.
            self._hang_up(leg, "DESTINATION_OUT_OF_ORDER" if leg.unlinked else cause)
        elif self._pace.lag:
            self._later(self._pace.lag, hang_up)
        else:
            hang_up()

    def _has_no_thread(self, leg: LiveLeg) -> bool:
        """Whether the thread of a leg, which tells of its creation, has not begun yet."""
        age = self._now - leg.created
        unborn = self._pace.unborn and leg.inbound and not age
        return unborn or (leg.pair == self._pace.unrouted and age < BORN_AFTER)

    def _leave(self, peer: LiveLeg) -> None:
        """The caller is gone: an unanswered peer is cancelled, an answered one cleared."""
        soon = self._was_just_bridged(peer)
        if peer.unaware or (soon and self._is_late(peer)):
            self._hang_up(peer, "DESTINATION_OUT_OF_ORDER")  # by the caller, who waits for it
            return
        if self._goes_elsewhere(peer, calls=False):
            return
        unanswered = peer.answered == NEVER
        self._hang_up(peer, "ORIGINATOR_CANCEL" if unanswered else "NORMAL_CLEARING")
        if soon and peer.other is None:
            peer.causes |= {"DESTINATION_OUT_OF_ORDER"}  # it finds nobody in its bridge
        if peer.marked:
            peer.causes |= {"PICKED_OFF"}

    def _is_late(self, peer: LiveLeg) -> bool:
        """Whether a leg's thread is late to learn that it is bridged."""
        return peer.other is not None and peer.pair == self._pace.unaware

    def _was_just_bridged(self, peer: LiveLeg) -> bool:
        """Whether the bridge that a leg is the peer of began only now."""
        began = next(one.since for one in reversed(self._bridges) if one.peer == peer.role)
        return self._now - began < JUST_NOW

    def _miss_media(self, leg: LiveLeg) -> None:
        """A leg whose other leg is gone reads nothing more: what it runs ends, bridges too.

        So does each sleep, tone and park that is next, until the cause reaches it. While it dials
        it gives up as if it were not answered, which lets its plan go on, or what is named behind
        be dialled, unless it is hung up before it gets there.
        """
        peer = leg.bridged
        if not leg.there:
            return
        if not leg.deaf and self._pace.begun >= 0:
            leg.last_step = leg.step + self._pace.begun
        leg.deaf = True
        if peer is not None:
            self._unbridge(leg)
        dialled = leg.dialling
        if dialled is not None:
            leg.dialling = None
            self._note(leg, dialled)
            cause = "LOSE_RACE" if dialled.named > 1 else "NO_ANSWER"
            for one in dialled.legs:
                one.dialled_by = None
                self._hang_up(one, cause)
            if dialled.alternatives and not self._pace.halted:
                leg.dialling = dialled
                self._dial_next(leg, dialled)
            elif not self._pace.halted:
                self._failed(leg, cause)
        elif peer is None:
            if leg.step:
                self._next(leg)
        elif leg.calls:
            self._leave(peer)
            hangs_up = peer.answered != NEVER and leg.hangs_up
            if self._goes_elsewhere(leg, calls=True, unless_executed=hangs_up):
                self._miss_media(leg)
            elif hangs_up:
                self._hang_up(leg, "NORMAL_CLEARING")
            elif not self._pace.halted:
                self._next(leg)
        else:
            self._leave(leg)
            if leg.answered == NEVER:
                self._failed(peer, "ORIGINATOR_CANCEL")
            else:
                self._after_bridge(peer, "NORMAL_CLEARING")
            self._miss_media(leg)  # it may have begun something else
        if peer is not None:
            leg.heard = peer.heard = None  # either may be ahead of the other
            leg.hearsay = peer.hearsay = True

    def _find_nothing(self, leg: LiveLeg, peer: LiveLeg) -> None:
        """The bridge of a leg that reads nothing more ends with its first frame."""
        if leg.bridged is peer:
            self._miss_media(leg)

    def _failed(self, caller: LiveLeg, cause: str) -> None:
        """A caller whose peer was never answered takes its cause, or goes on after some."""
        if caller.consults or cause in CAUSES_TO_GO_ON:
            self._next(caller)
        else:
            self._hang_up(caller, cause)

    # --- bowout of a bridged pair ---

    def _count_all(self) -> None:
        """Something happened that may let counters run, or stop them."""
        for number, counter in self._counters.items():
            if not counter.fired and counter.may_change():
                self._count(number, counter)

    def _count(self, number: int, counter: Counter) -> None:
        consulting = not self._scenario.profile.bowout_disable_on_inner_bridge
        counter.look(self._now, counts_consulting=consulting)
        if counter.holding != NEVER:
            left = counter.left(self._now, self._limit(number))
            self._later(left, lambda: self._due(number, counter))

    def _limit(self, number: int) -> float:
        """For how long (seconds) a pair's conditions hold before its bowout is due."""
        return self._pace.bowout - (AHEAD if number == self._pace.first else 0.0)

    def _due(self, number: int, counter: Counter) -> None:
        if counter.fired or counter.holding == NEVER:
            return
        held = counter.held(self._now)
        if held >= self._limit(number) - 1e-6 and counter.allowed():
            self._fire(number, counter)

    def _fire(self, number: int, counter: Counter) -> None:
        near, far = (
            real_end(counter.leg_a, self._now),
            real_end(counter.leg_b, self._now),
        )
        if near is None or far is None or not near.bridged or not far.bridged:
            return
        leaving = between(counter.leg_a, near, self._now) + between(counter.leg_b, far, self._now)
        counter.fired = True
        near_peer, far_peer = near.bridged, far.bridged
        racing = self._overtaken or self._pace.collide or self._pace.disputed
        due_too = [*self._due_too(leaving)] if racing else []
        if self._overtaken and far_peer.calls and due_too:
            self._let_go(far, far_peer)
            second, self._overtaken = due_too[0], False
            self._later(OVERTAKEN, lambda: self._fire(second, self._counters[second]))
            return
        controlled: tuple[LiveLeg, ...] = ()
        if self._scenario.profile.bowout_controlled_hangup:
            controlled = (counter.leg_a, counter.leg_b)
        rivals = self._rivals(due_too, near) if self._pace.disputed else {}
        if rivals and not controlled:
            rival, caller = next(iter(rivals.items()))
            self._dispute(rival, caller, near, far)
            return
        for leg in (near, far):
            self._unbridge(leg)
        how, acquired = "bridge", [near, far]
        if self._pace.collide and (len(leaving) > 2 or self._killed_soon(near, far)):
            how = "collided"
        elif rivals and self._pace.disputed > 1:
            how, acquired = "disputed", [near, *rivals.values(), far]
        self._leavings.append(
            Leaving(
                how,
                self._now,
                counter.held(self._now) < self._limit(number) + 1e-6,
                number,
                tuple(sorted(leg.role for leg in leaving)),
                tuple(leg.role for leg in acquired),
                clean=not (self._pace.collide or rivals),
            )
        )
        for leg in controlled:
            leg.intercepted = True
        # As picked off, by loopback-b's thread that is caught in its old bridge.
        far.marked = self._pace.collide and far_peer.calls and far_peer.intercepted
        for leg in controlled:
            self._hang_up(leg, self._scenario.profile.bowout_hangup_cause)
        # The hangup comes to the innermost leg through every other one: it may go on before.
        ahead = bool(self._pace.lag)
        own = {leg.role: _own_end(leg) | _own_end(leg.other) for leg in leaving}
        for leg in (near_peer, far_peer):
            if leg.calls and not leg.there:
                self._transfer_late(leg)
            catches = self._pace.collide or self._pace.caught
            if catches and leg is far_peer and leg.calls and near_peer.there:
                leg.caught = far.answered != NEVER  # its thread is, in its bridge
                continue
            if self._goes_elsewhere(leg, calls=leg.calls):
                continue
            if self._pace.caught and leg is near_peer and leg.calls and leg.there:
                leg.caught = True
                near.holds, far.holds = near_peer, far_peer
                continue
            if leg is far_peer and leg.calls and (near_peer.there or ahead):
                self._after_bridge(leg, "NORMAL_CLEARING")  # nothing makes it leave, or not yet
            else:
                self._hang_up(leg, "NORMAL_CLEARING")
        for leg in leaving:
            if leg not in controlled and not leg.there:
                leg.causes |= own[leg.role]
        if controlled and (how == "collided" or self._pace.disputed):
            for one in due_too:
                for leg in (self._counters[one].leg_a, self._counters[one].leg_b):
                    leg.causes |= {self._scenario.profile.bowout_hangup_cause}
        if far.answered == NEVER and far_peer.other is not None:
            # Its caller may notice that it is gone before it is told to leave.
            for leg in (far_peer, far_peer.other):
                leg.causes |= {"NORMAL_CLEARING"}
        if near_peer.there or not ahead:
            staying = tuple(leg.role for leg in leaving if leg.there)
            self._leavings[-1] = replace(self._leavings[-1], staying=staying)
        near.consults = False
        far.plan = [] if not far.calls else far.plan
        for leg in (near, far):
            to_park = after_bridge.is_told(leg.variables, after_bridge.PARK, calls=leg.calls)
            if leg.role in self._pace.parked and to_park:
                self._park(leg)
        if how == "bridge":
            self._bridge(near, far)
        else:
            near.lost = far.lost = True

    def _due_too(self, leaving: list[LiveLeg]) -> Iterator[int]:
        """The numbers of further pairs of those that leave whose bowout is due."""
        for number, counter in self._counters.items():
            if counter.leg_a in leaving and not counter.fired and counter.holding != NEVER:
                held = counter.held(self._now)
                if held >= self._limit(number) - AHEAD and counter.allowed():
                    yield number

    def _let_go(self, far: LiveLeg, far_peer: LiveLeg) -> None:
        """The far leg is to be bridged to one that a second bowout then gives to another."""
        far.lost = True
        self._unbridge(far)
        self._after_bridge(far_peer, "NORMAL_CLEARING")

    def _rivals(self, due_too: list[int], near: LiveLeg) -> dict[int, LiveLeg]:
        """The callers for whom other pairs want the far leg: those behind a leg that refuses."""
        callers = {one: real_end(self._counters[one].leg_a, self._now) for one in due_too}
        return {one: leg for one, leg in callers.items() if leg is not None and leg is not near}

    def _dispute(self, rival: int, caller: LiveLeg, near: LiveLeg, far: LiveLeg) -> None:
        """Two bowouts at once want the far leg, of which that of the inner pair is the `rival`.

        Neither hangs up its pair itself. The inner pair leaves. Whoever does not get the far leg
        waits until it ends; where the near leg consulted nobody else leaves till then, for whom it
        consulted is only left parked.
        """
        counter, near_peer = self._counters[rival], near.bridged
        assert near_peer is not None
        legs = (counter.leg_a, counter.leg_b)
        counted = counter.held(self._now) < self._limit(rival) + 1e-6
        for leg in (near, caller, far):
            self._unbridge(leg)
            leg.lost, leg.bond = True, None
        counter.fired = True
        self._leavings.append(
            Leaving(
                "disputed",
                self._now,
                counted,
                rival,
                tuple(sorted(leg.role for leg in legs)),
                (near.role, caller.role, far.role),
                clean=False,
            )
        )
        for leg in legs:
            self._hang_up(leg, "NORMAL_CLEARING")
        far.wanted_by = caller
        near.gets = far if self._pace.disputed == 1 else None
        if near.consults:
            near.consults = False
            self._orphan(near_peer)
        elif not self._goes_elsewhere(near_peer, calls=near_peer.calls):
            self._hang_up(near_peer, "NORMAL_CLEARING")

    def _killed_soon(self, *legs: LiveLeg) -> bool:
        """Whether one of the legs is hung up while they are being bridged to each other."""
        roles = [leg.role for leg in legs]
        return any(role in roles and 0 <= at - self._now < REBRIDGED for at, role in self._kills)

    # --- bowout on execution ---

    def _waiting_for(self, real: LiveLeg) -> list[LiveLeg]:
        return [leg for leg in self._waiting if leg.waits_for is real]

    def _cancel(self, leg: LiveLeg, real: LiveLeg) -> None:
        """The wait ends with the leg that was waited for, and the pair bows out of nothing."""
        leg.waits_for = None
        assert leg.other is not None
        legs = (leg.other.role, leg.role)
        self._leavings.append(Leaving("cancelled", self._now, False, leg.pair, legs, (real.role,)))
        for gone in (leg, leg.other):
            if gone.there:
                gone.end(self._now, self._causes(dialled=True))

    def _acquire(self, leg: LiveLeg, real: LiveLeg) -> None:
        """The real leg behind the pair takes over the extension of a leg that runs `unloop`.

        Even of one that was hung up while it waited.
        """
        if leg.waits_for is not real or not leg.other or not real.there:
            return
        for waiting in self._waiting_for(real):
            waiting.waits_for = None
        plan, leg.plan = leg.plan, []
        dialled = real.dialling is not None
        self._leavings.append(
            Leaving(
                "execute",
                self._now,
                False,
                leg.pair,
                (leg.other.role, leg.role),
                (real.role,),
                clean=dialled or not self._pace.collide,
                plan=tuple(application_name(step.action) for step in plan),
            )
        )
        if real.bridged is not None:
            self._unbridge(real)
        else:
            self._stop_dialling(real, leg.other)
        for gone in (leg, leg.other):
            if gone.there:
                gone.end(self._now, self._causes(dialled=dialled) | leg.causes)
                gone.bridged = None
        if self._pace.collide and not dialled:
            self._hang_up(real, "DESTINATION_OUT_OF_ORDER")
            return
        real.plan = plan
        real.variables |= leg.variables
        self._next(real)

    def _stop_dialling(self, real: LiveLeg, leg_a: LiveLeg) -> None:
        """A leg that is acquired dials no more; the pair leaves for another cause."""
        dialling, real.dialling = real.dialling, None
        leg_a.dialled_by = leg_a.dialling = None
        for one in dialling.legs if dialling else ():
            if one is not leg_a:
                one.dialled_by = None
                self._hang_up(one, "ORIGINATOR_CANCEL")

    def _causes(self, *, dialled: bool) -> frozenset[str]:
        """Causes that race for legs that bow out on execution, behind a leg that still dials."""
        own = {self._scenario.profile.bowout_hangup_cause, "NORMAL_CLEARING"}
        return frozenset(own | {"ORIGINATOR_CANCEL"} if dialled else own)


def _routable(pair: Pair) -> bool:
    if not isinstance(pair.target, ExtensionTarget):
        return True
    dialplan = (pair.target.dialplan or "xml").lower()
    return dialplan == "xml" and (pair.target.context or "default") in KNOWN_CONTEXTS


def _own_end(leg: LiveLeg | None) -> frozenset[str]:
    """The cause with which loopback-b's plan ends, if it gets there before the bowout does.

    Or what it executes in place of that, as it is told to after a bridge.
    """
    if leg is None or not leg.inbound:
        return frozenset()
    told = after_bridge.told(leg.variables, calls=True)
    for action in [step.action for step in leg.plan] if told is None else told.plan:
        if isinstance(action, HangUp):
            return frozenset({action.cause})
        if not isinstance(action, INSTANT):
            return frozenset()
    nowhere = told is not None and told.how == after_bridge.TRANSFER and not told.plan
    return frozenset({"NO_ROUTE_DESTINATION" if nowhere else "NORMAL_CLEARING"})


_ORIGIN_STEPS: Mapping[str, Callable[[str], Step]] = MappingProxyType(
    {
        "park": lambda _: Step(Park()),
        "sleep": lambda argument: Step(Sleep(int(argument))),
        "unloop": lambda _: Step(Unloop()),
        "bridge": lambda _: Step(BridgeToNull(), ((Dialled((), (), "a-leg", BridgeToNull()),),)),
    }
)
