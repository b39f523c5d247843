"""What the model says of a call: its legs, bridges and bowouts, in time.

Time is in seconds from the moment at which the target is dialled, NEVER where a thing does not
come.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from conformance.scenario import Action

NEVER = math.inf


class Leg(NamedTuple):
    """The course of one leg; times are NEVER where a thing does not come.

    More than one of `causes` where threads race for it. `began` is when each of its `applications`
    did. A leg that is `lost` may never end by itself. `given` are the variables that it has as it
    is created, on the a-leg those that its dialplan sets too, `variables` those that it has at its
    end.

    `told` are the ways in which it went on as it was told to (`park`, `transfer` and `execute`
    after a bridge, `deflect`), `parks` is how often it parks. `confirmed` is what it executed to be
    confirmed. `shown` is whom (name, number) it was last shown from outside as its other end,
    `displays` whom a loopback leg was so given as its caller or callee. `heard` is the last leg
    that ended while it was this one's partner, "" where none did or it may have been too late, and
    `heard_before` the last but one; `hearsay` tells that it may not have been told of one before,
    or of any of several. `digits` are those that it was told to send while it was there. One that
    is `unborn` was hung up before its thread began: it has no CHANNEL_CREATE. One that is
    `unlinked` is a loopback-b whose thread found its loopback-a gone: nothing but its end is known.
    `deflected` is how many applications it had begun as it was sent off last.
    """

    role: str
    created: float
    ringing: float
    early: float
    answered: float
    gone: float
    causes: frozenset[str]
    applications: tuple[str, ...]
    began: tuple[float, ...]
    given: Mapping[str, str]
    variables: Mapping[str, str]
    lost: bool = False
    told: tuple[str, ...] = ()
    parks: int = 0
    confirmed: Action | None = None
    shown: tuple[str, str] | None = None
    displays: tuple[str, str] | None = None
    heard: str = ""
    digits: str = ""
    unborn: bool = False
    unlinked: bool = False
    deflected: int = 0
    heard_before: str = ""
    hearsay: bool = False


class Bridge(Struct, frozen=True, gc=False):
    """Two legs bridged from `since` to `until`; `caller` is the one that runs the bridge."""

    caller: str
    peer: str
    since: float
    until: float


class Leaving(Struct, frozen=True, gc=False):
    """A bowout: how, when, and whose.

    `how` is `bridge`, `execute`, `cancelled` (an execution whose acquired leg was hung up while it
    was waited for), `collided` (which leaves the real legs apart: two pairs of a chain at once,
    or a real leg that is hung up while it is being bridged), or `disputed` (two pairs of a chain at
    once, which bridge one leg to two others: who gets it, if anybody, is open).

    `pair` is the number of the pair whose counter or extension brought it about, `legs` all that
    leave. `acquired` are the real legs that stay: for a bridge the caller and the peer of the new
    bridge, for an execution the leg that goes on with the extension, and where that is disputed all
    callers that want the peer, and the peer. `counted` is whether the counter fired as it fell due,
    with no veto in its way. It is `clean` unless the threads that run the bridges get in each
    other's way. `plan` names the applications of the extension that an execution hands over. Those
    of `legs` that are `staying` were told to after a bridge.
    """

    how: str
    at: float
    counted: bool
    pair: int
    legs: tuple[str, ...]
    acquired: tuple[str, ...]
    clean: bool = True
    plan: tuple[str, ...] = ()
    staying: tuple[str, ...] = ()


class Attempt(Struct, frozen=True, gc=False):
    """What a leg dialled at once, and what came of it.

    `legs` are those that were made, in the order in which they are named. One of them is `taken`,
    or "" none: then it failed with a `cause`, or was given up by the caller (""). `alone` is
    whether the dial string names nobody else.
    """

    caller: str
    legs: tuple[str, ...]
    taken: str
    cause: str
    alone: bool


class Course(Struct, frozen=True, gc=False):
    """The whole course of a call; `forks` are the attempts not alone in their dial string."""

    legs: Mapping[str, Leg]
    bridges: tuple[Bridge, ...]
    leavings: tuple[Leaving, ...]
    attempts: tuple[Attempt, ...]
    forks: tuple[Attempt, ...]

    def there(self, at: float) -> tuple[str, ...]:
        """The legs that are created and not hung up at a time, sorted."""
        legs = self.legs.items()
        return tuple(sorted([role for role, leg in legs if leg.created <= at < leg.gone]))


class Pace(NamedTuple):
    """What the host decides; times in seconds.

    - `bowout`: how long a pair stays once both of its legs are bridged and answered
    - `notice`: how long it takes who dials a leg to notice that it is early or answered (it looks
      every 20 ms), by the number of the pair whose loopback-b dials, 0 for the a-leg or the api
    - `blind`: number of the pair whose loopback-b sees late (it looks every 20 ms) that the pair
      which it is bridged to was answered; 0 none
    - `drift`: by how much a sleep or a tone runs over
    - `drifts`: number of the pair whose loopback-b alone runs over, 0 for every leg
    - `shift`: by how much a stimulus takes effect later than it was told
    - `behind`: index of a stimulus that takes effect after others that are told at once, -1 none
    - `stall`: how long loopback-b waits on its execution for an a-leg that never exchanges media
      (5,000 turns of a loop)
    - `cut`: the pairs in which, when one leg is hung up, the other misses its media before the
      cause reaches it
    - `halted`: whether the cause reaches such a leg before it goes on with its plan
    - `unborn`: whether loopback-b of a pair that is given up as it is dialled has no thread by then
    - `unrouted`: number of the pair that is given up before loopback-b has a thread; 0 none
    - `threads`: how many legs of that pair ever have one: none, loopback-a alone, or both, of which
      loopback-b's then finds loopback-a gone
    - `made`: how many of those that such a leg dials at once are made before the cause reaches it,
      -1 all
    - `begun`: how many applications such a leg begins before the cause reaches it, -1 all it can
    - `first`: the number of the pair of a chain that is ahead of the others with its bowout, 0 none
    - `tick`: how far into a whole second of the clock dialling begins, which cuts its time
    - `lag`: how long a hangup takes to reach the other leg of the pair
    - `overtaken`: whether a second pair of a chain bows out a moment after the first did, to whom
      loopback-b of the innermost dialled next: whom the first let go waits in vain
    - `disputed`: whether the outermost pair of a chain bows out at once with another (0: not so);
      where that is behind a leg that refuses, both want the innermost leg, and it is open who gets
      it: the caller of the outermost (1), or the other one, or nobody (2)
    - `caught`: whether the threads of both bridges of a pair whose loopback-a dialled are caught in
      them at its bowout, until the call ends
    - `unaware`: number of the pair whose loopback-a learns late that it is bridged, or (before
      1.11.0) never if it was created just then; 0 none
    - `collide`: whether threads get in each other's way at a bowout: two pairs of a chain that are
      due at once leave the real legs apart; loopback-b's thread is caught in its bridge until the
      call ends; a leg that is acquired while it is being bridged is hung up
    - `parked`: the real legs that, if they are to park after their bridges, begin to before a
      bowout's bridge takes them
    """

    bowout: float
    notice: tuple[float, ...]
    drift: float
    shift: float
    stall: float
    cut: frozenset[int] = frozenset()
    halted: bool = False
    first: int = 0
    tick: float = 0.0
    lag: float = 0.0
    overtaken: bool = False
    disputed: int = 0
    blind: int = 0
    behind: int = -1
    drifts: int = 0
    collide: bool = False
    parked: frozenset[str] = frozenset()
    caught: bool = False
    begun: int = -1
    made: int = -1
    unborn: bool = False
    unrouted: int = 0
    threads: int = 0
    unaware: int = 0
