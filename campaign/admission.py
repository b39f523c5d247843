"""Admission: how many calls are let onto a switch, by how well it keeps time.

It begins gently, lets in more while the control calls keep time, and fewer when they do not. What a
guest keeps to holds whatever the control calls say.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from conformance.scenario import Scenario
from fixtures.clock import Clock
from fixtures.switches.interface import Manners

LATE = 0.1
"""Lateness of a control call (seconds) from which on fewer calls are let in."""

RISE = 0.1
"""Part of the window by which a control call in time widens what is let in."""

STEEP = 0.2
"""The same on a switch of its own, until a first control call was late."""

FALL = 0.7
"""What is left of it after a late one, at most once in `SETTLING` seconds."""

LEAST = 0.05
SETTLING = 2.0

ARREARS = 0.25
"""Seconds of its own lateness that the suite makes up for by calls begun closer together."""

GENTLE = 0.4
"""Part of the window with which a run begins on a switch of its own."""

GUEST = 0.1
"""Part of the window with which a run begins on a switch that is not ours."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast scenarios are placed at most: calls at once, and calls begun a second."""

    window: int = 100
    rate: float = 60.0


class Admission:
    """Lets calls in; `level` is the part of the window that is open now."""

    def __init__(self, clock: Clock, manners: Manners | None, *, by_time: bool) -> None:
        """Open wholly unless `by_time`: the control calls then decide."""
        self.level = (GUEST if manners else GENTLE) if by_time else 1.0
        self._rise = RISE if manners else STEEP
        self._clock = clock
        self._manners = manners
        self._by_time = by_time
        self._calls = 0
        self._legs = 0
        self._untold = 0
        self._refused = False
        self._fell_at = float("-inf")
        self._due = float("-inf")
        self._changed = asyncio.Event()

    async def enter(self, scenario: Scenario, pace: Pace) -> None:
        """Wait until a scenario may begin, and count it as begun."""
        legs = legs_of(scenario)
        while not self._fits(legs, pace):
            self._changed.clear()
            await self._changed.wait()
            self._due = self._clock.now()  # this was no lateness of the suite
        self._calls += 1
        self._legs += legs

    async def pause(self, scenario: Scenario, pace: Pace) -> None:
        """Wait as long as is due between the beginning of this scenario and of the next."""
        seconds = 1 / (pace.rate * max(self.level, LEAST))
        arrears = ARREARS
        if self._manners is not None:
            arrears = 0.0
            if self._manners.legs_a_second:
                seconds = max(seconds, legs_of(scenario) / self._manners.legs_a_second)
        now = self._clock.now()
        self._due = max(self._due, now - arrears) + seconds
        await self._clock.sleep(max(0.0, self._due - now))

    def leave(self, scenario: Scenario) -> None:
        """Count a scenario as over; what the switch told of it is held until `settle`."""
        self._calls -= 1
        self._legs -= legs_of(scenario)
        self._untold += 1
        self._changed.set()

    def settle(self) -> None:
        """Count one of those that are over as judged and recorded."""
        self._untold -= 1
        self._changed.set()

    def forget(self) -> None:
        """Count no scenario as begun: those that were are given up."""
        self._calls = self._legs = self._untold = 0
        self._changed.set()

    def controlled(self, lateness: float) -> None:
        """Take notice of a control call; as long as the switch takes none nobody is let in.

        `lateness` is infinite where the switch did not take it.
        """
        self._refused = self._by_time and math.isinf(lateness)
        self._changed.set()
        self.told(lateness)

    def told(self, lateness: float) -> None:
        """Take notice of how late the switch was, in seconds."""
        if not self._by_time:
            return
        now = self._clock.now()
        if lateness > LATE:
            if now - self._fell_at > SETTLING:
                self._fell_at = now
                self._rise = RISE
                self.level = max(LEAST, self.level * FALL)
        else:
            self.level = min(1.0, self.level + self._rise * min(1.0, self.level * 4))
            self._changed.set()

    def _fits(self, legs: int, pace: Pace) -> bool:
        if self._untold >= pace.window:
            return False  # no more is held in memory
        if self._refused:
            return False
        if not self._calls:
            return True  # one call is always let in
        if self._manners is not None and self._legs + legs > self._manners.legs:
            return False
        return self._calls < max(1, round(pace.window * self.level))


def legs_of(scenario: Scenario) -> int:
    """How many legs a scenario has at most."""
    alone = 1  # the a-leg, or the leg to which a pair without one is bridged
    return alone + 2 * len(scenario.pairs) + len(scenario.null_bridges)
