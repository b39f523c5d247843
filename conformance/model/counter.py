"""The counter of a pair: its bowout is due once its conditions have held for so long in all.

The switch counts frames of audio that come to loopback-a (facts, 2.6); here it is their time.
"""

from __future__ import annotations

from msgspec import Struct

from conformance.model.chain import is_sent_audio
from conformance.model.course import NEVER
from conformance.model.live import LiveLeg
from conformance.model.variables import BOWOUT, allows


class Counter(Struct, eq=False):
    """How long a pair's conditions have held: `spent` before, and since `holding` (NEVER: not).

    Times in seconds. It has `fired` once the pair bows out, and counts no more.
    """

    leg_a: LiveLeg
    leg_b: LiveLeg
    spent: float = 0.0
    holding: float = NEVER
    fired: bool = False

    def may_change(self) -> bool:
        """Whether it runs or may begin to: only while loopback-b is bridged."""
        return self.leg_b.bridged is not None or self.holding != NEVER

    def look(self, now: float, *, counts_consulting: bool) -> None:
        """Both legs are there, bridged and answered, and a real leg's audio comes to them.

        Whether it counts while the a-leg consults is a setting (`bowout_disable_on_inner_bridge`).
        """
        holds = self.leg_a.talks and self.leg_b.talks and is_sent_audio(self.leg_a)
        if holds and not counts_consulting:
            caller = self.leg_a.bridged
            holds = caller is not None and not caller.consults
        if holds and self.holding == NEVER:
            self.holding = now
        elif not holds and self.holding != NEVER:
            self.spent += now - self.holding
            self.holding = NEVER

    def held(self, now: float) -> float:
        """For how long the conditions have held, of a counter that runs."""
        return self.spent + now - self.holding

    def left(self, now: float, limit: float) -> float:
        """How long until they have held for the limit, of a counter that runs."""
        return max(limit - self.spent - (now - self.holding), 0.0)

    def allowed(self) -> bool:
        """Whether neither leg refuses."""
        return allows(self.leg_a.get(BOWOUT)) and allows(self.leg_b.get(BOWOUT))
