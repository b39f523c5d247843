"""What a release of the endpoint can be asked for."""

from __future__ import annotations

from conformance.profile import numbers
from conformance.scenario import Scenario, null_bridges


def can_be_asked(scenario: Scenario, release: str) -> bool:
    """Before 1.10.3 a `null/` leg answers at once, whatever it is told."""
    if numbers(release) >= numbers("1.10.3"):
        return True
    plain = all(
        bridge.answer_delay_ms == 0 and not bridge.early_media and bridge.refusal is None
        for bridge in null_bridges(scenario).values()
    )
    return plain and scenario.origin_answers
