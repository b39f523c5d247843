"""What a run says, in full: the one value from which every report is written.

Whatever the form, a reader is told the same: who was tested with what, the verdict of each clause,
and for each clause that does not pass the call that shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from conformance.judge import Finding
from conformance.observation import Placement
from conformance.scenario import Scenario
from conformance.verdicts import RunResult


@dataclass(frozen=True, slots=True)
class Subject:
    """The switch under test; text is "" where it could not be found out.

    `url` has those of all switches of a pool, with commas between.
    """

    url: str
    version: str
    modules: tuple[str, ...] = ()
    image_digest: str = ""
    loopback_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """The call that is shown for a clause: the simplest one that speaks against it.

    `placement` is None where it was not kept. `minimised` tells that it was made simpler on the
    switch, `bundle` is the folder to replay it from, `replay` the command that does ("" if none).
    `switch` is the URL of the one in a pool that showed it, "" where there was only one.
    """

    scenario: Scenario
    findings: tuple[Finding, ...]
    placement: Placement | None = None
    minimised: bool = False
    bundle: str = ""
    replay: str = ""
    switch: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An example of the corpus: a call that once showed something, and which clauses it does not
    keep now (in every attempt, or in some)."""

    name: str
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A run: `seconds` is how long it took, 0 where a recording without its end does not say.

    `examples` are by the name of the clause.
    """

    subject: Subject
    suite_version: str
    host: str
    seed: int | None
    started: datetime
    seconds: float
    result: RunResult
    examples: Mapping[str, Example] = field(default_factory=lambda: MappingProxyType({}))
    corpus: tuple[Kept, ...] = ()

    @property
    def took(self) -> str:
        """How long it took, and the calls a second with those to minimise; "" if unknown."""
        if not self.seconds:
            return ""
        calls = self.result.attempts + self.result.minimising
        return f"{_duration(self.seconds)}, {calls / self.seconds:.1f} calls a second"


def _duration(seconds: float) -> str:
    """A time for a reader."""
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
