"""What all tests share: how Hypothesis searches, and the recordings to judge."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings

from conformance.observation import Placement
from conformance.scenario import Scenario
from fixtures.recording import Recording, RecordingWriter
from tests.recorded_calls import RECORDING

pytest_plugins = ["pytester"]

# A deadline says more of the host than of the code; and a change is not to blame for a new example.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# A shell has what it runs in the background ignore Ctrl-C, and so would every command tested here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

Change = Callable[[Scenario, Placement], Placement]
"""Another placement in the place of one that was recorded."""


@pytest.fixture(scope="session")
def shipped() -> Path:
    """A recording of a switch that conforms."""
    return RECORDING


@pytest.fixture
def changed(shipped: Path, tmp_path: Path) -> Callable[[Change | None], Path]:
    """A function that writes the recording anew, with its placements changed; None drops them."""

    def write(change: Change | None) -> Path:
        recording, path = Recording(shipped), tmp_path / "changed.jsonl.gz"
        with RecordingWriter(path, recording.header) as writer:
            for one in recording if change is not None else ():
                assert change is not None
                writer.write_scenario(one.scenario, [change(one.scenario, p) for p in one.attempts])
        return path

    return write


@pytest.fixture
def with_a_finding(shipped: Path, changed: Callable[[Change | None], Path]) -> Path:
    """A recording in which the CDRs of one call tell a wrong duration."""
    spoilt = next(
        one.id
        for one in Recording(shipped)
        if one.scenario.has_a_leg and "process_cdr" not in one.scenario.text
    )

    def spoil(scenario: Scenario, placement: Placement) -> Placement:
        if scenario.id != spoilt:
            return placement
        cdrs = {
            uuid: {module: {**cdr, "variables.duration": "99"} for module, cdr in modules.items()}
            for uuid, modules in placement.cdrs.items()
        }
        return replace(placement, cdrs=cdrs)

    return changed(spoil)
