"""What a release of the endpoint can be asked for."""

from __future__ import annotations

from dataclasses import replace

from conformance.profile import Profile, numbers
from conformance.scenario import Scenario, null_bridges


def takes_settings(release: str) -> bool:
    """Whether a release has `loopback.conf`: before 1.8.6 there is none."""
    return numbers(release) >= numbers("1.8.6")


def at_release(profile: Profile, release: str) -> Profile:
    """The same as a release takes it."""
    if takes_settings(release):
        return replace(profile, release=release)
    return Profile(release=release, global_variables=profile.global_variables)


def can_be_asked(scenario: Scenario, release: str) -> bool:
    """Before 1.10.3 a `null/` leg answers at once, whatever it is told."""
    if numbers(release) >= numbers("1.10.3"):
        return True
    plain = all(
        bridge.answer_delay_ms == 0 and not bridge.early_media and bridge.refusal is None
        for bridge in null_bridges(scenario).values()
    )
    return plain and scenario.origin_answers
