"""The legs of a call as they are at a moment of it, and what they dial.

Time is in seconds from the moment at which the target is dialled, NEVER where a thing did not come
yet. What `Leg` in `course.py` has by the same name is what this becomes at the end of the call.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from conformance.model.course import NEVER, Leg
from conformance.model.variables import is_true
from conformance.scenario import Action, Dialled, Step


class LiveLeg(Struct, eq=False):
    """One leg: what it was given, what it runs, whom it is with.

    `variables` are its own; of the global ones of the `switch` it has those that it has none of.
    `other` is the other leg of its pair (number `pair`, 0 for a real leg). It is `dialled_by` one
    leg, dials others (`dialling`) and is `bridged` to one, whom it `calls` where it runs the
    bridge; `bond` is who its CDR names as the other leg, `heard` who of them ended last,
    `heard_before` who did before; with `hearsay` one did of whom it may not have been told.

    `plan` are the steps still to come; `step` tells one from the next (a park begins anew),
    `last_step` is the one after which it begins none (-1: none). One that is `deaf` reads nothing
    more, one that is `unaware` does not know of its bridge, one that is `caught` runs a bridge that
    is over, and one that `holds` another keeps it in such a bridge until it ends. Of two that want
    one leg one may be what `gets` it, and is followed by it; that leg is `wanted_by` the other,
    which waits until it ends. `intercepted` is one whom a bowout picks off, `marked` one that ends
    as its peer was. One that `answers` does so sooner once it is bridged, one that bows out on
    execution `waits_for` the leg that takes its extension over.
    """

    role: str
    created: float
    inbound: bool
    given: Mapping[str, str]
    variables: dict[str, str]
    switch: Mapping[str, str]
    ringing: float = NEVER
    early: float = NEVER
    answered: float = NEVER
    gone: float = NEVER
    there: bool = True
    causes: frozenset[str] = frozenset()
    lost: bool = False
    other: LiveLeg | None = None
    pair: int = 0
    dialled_by: LiveLeg | None = None
    dialling: Dialling | None = None
    bridged: LiveLeg | None = None
    intercepted: bool = False
    deaf: bool = False
    last_step: int = -1
    caught: bool = False
    holds: LiveLeg | None = None
    wanted_by: LiveLeg | None = None
    gets: LiveLeg | None = None
    marked: bool = False
    calls: bool = False
    consults: bool = False
    answers: bool = False
    plan: list[Step] = field(default_factory=list)
    step: int = 0
    applications: tuple[str, ...] = ()
    began: tuple[float, ...] = ()
    parks: int = 0
    told: tuple[str, ...] = ()
    deflected: int = 0
    confirmation: Action | None = None
    confirmed: Action | None = None
    shown: tuple[str, str] | None = None
    displays: tuple[str, str] | None = None
    bond: LiveLeg | None = None
    heard: LiveLeg | None = None
    heard_before: LiveLeg | None = None
    hearsay: bool = False
    digits: str = ""
    unborn: bool = False
    unlinked: bool = False
    unaware: bool = False
    waits_for: LiveLeg | None = None

    @property
    def talks(self) -> bool:
        """Whether it is bridged, knows of it, and is answered."""
        bridged = self.bridged is not None and not self.unaware
        return bridged and self.answered != NEVER and self.there

    def forget(self) -> None:
        """Let go of the other legs, or all wait for the interpreter to look for cycles."""
        self.other = self.bond = self.heard = self.heard_before = self.bridged = None
        self.dialled_by = self.dialling = self.holds = self.wanted_by = self.gets = None
        self.waits_for = None

    @property
    def hangs_up(self) -> bool:
        """Whether it is told to hang up after its bridge."""
        return self.is_told("hangup_after_bridge") and not self.consults

    def get(self, name: str) -> str | None:
        """A variable as the leg finds it: its own, or else the switch's."""
        return self.variables.get(name, self.switch.get(name))

    def is_told(self, name: str) -> bool:
        """Whether a variable says true."""
        return is_true(self.get(name) or "")

    def sees(self) -> dict[str, str]:
        """All variables as it finds them."""
        return {**self.switch, **self.variables}

    def set(self, name: str, value: str) -> None:
        """A variable is set, by an application or from outside; an empty value deletes it."""
        if value:
            self.variables[name] = value
        else:
            self.variables.pop(name, None)

    def end(self, at: float, causes: frozenset[str]) -> None:
        """It is hung up, for one of these causes."""
        self.gone, self.there = at, False
        self.causes |= causes  # others may race for it already

    def as_it_was(self) -> Leg:
        """What came of it."""
        return Leg(
            self.role,
            self.created,
            self.ringing,
            self.early,
            self.answered,
            self.gone,
            self.causes,
            self.applications,
            self.began,
            self.given,
            self.variables,
            self.lost or self.there,  # a stimulus that comes too late for its leg ends nothing
            self.told,
            self.parks,
            self.confirmed,
            self.shown,
            self.displays,
            self.heard.role if self.heard is not None else "",
            self.digits,
            self.unborn,
            self.unlinked,
            self.deflected,
            self.heard_before.role if self.heard_before is not None else "",
            self.hearsay,
        )


class Dialling(Struct, eq=False):
    """What a leg dials: `legs` at once, in the order in which they are named.

    `alternatives` are those still to come, `unmade` the rest of this one, which names `named`.
    `causes` are of the legs that are gone, by role; `refusal` is that of the last that refused to
    be one.
    """

    alternatives: list[tuple[Dialled, ...]]
    waits_for_answer: bool
    alone: bool
    named: int = 0
    unmade: list[Dialled] = field(default_factory=list)
    legs: list[LiveLeg] = field(default_factory=list)
    causes: dict[str, str] = field(default_factory=dict)
    refusal: str = ""

    def reached(self, leg: LiveLeg) -> bool:
        """Whether a leg can be taken: it is answered, or early where that is enough."""
        early = leg.early != NEVER and not self.waits_for_answer
        return leg.there and (leg.answered != NEVER or early)
