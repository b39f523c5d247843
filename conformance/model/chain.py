"""Who is behind whom in a chain of pairs at a moment (seconds), and whose audio gets through it."""

from __future__ import annotations

from conformance.model.durations import KNOWN_AFTER
from conformance.model.live import LiveLeg
from conformance.model.variables import BOWOUT, refuses


def partner_of(leg: LiveLeg, now: float) -> LiveLeg | None:
    """Whom the leg is bridged to, or dials (of several the last), or is dialled by."""
    dialled = leg.dialling.legs[-1] if leg.dialling and leg.dialling.legs else None
    if dialled is not None and now - dialled.created < KNOWN_AFTER:
        dialled = None
    return leg.bridged or dialled or leg.dialled_by


def real_end(leg: LiveLeg, now: float) -> LiveLeg | None:
    """The first partner outwards that is no loopback, or whose `loopback_bowout` is false."""
    end = partner_of(leg, now)
    while end is not None and end.other is not None:
        if refuses(end.get(BOWOUT)):
            return end
        end = partner_of(end.other, now)
    return end


def between(leg: LiveLeg, real: LiveLeg, now: float) -> list[LiveLeg]:
    """The leg and all loopback legs between it and its real end, in their order."""
    legs = [leg]
    behind = partner_of(leg, now)
    while behind is not None and behind is not real and behind.other is not None:
        legs += [behind, behind.other]
        behind = partner_of(behind.other, now)
    return legs


def is_sent_audio(leg_a: LiveLeg) -> bool:
    """Whether a real leg's audio comes to loopback-a; an application like `sleep` sends none."""
    source = leg_a.bridged
    while source is not None and source.other is not None:
        source = source.other.bridged
    return source is not None
