"""From a run to what its reports say."""

from __future__ import annotations

import platform
from types import MappingProxyType

from campaign.session import Run
from fixtures.recording import SwitchFacts
from reports.content import Example, Report, Subject


def subject_of(switch: SwitchFacts) -> Subject:
    """What a recording's header says was under test, as reports have it."""
    return Subject(
        url=switch.url,
        version=switch.version,
        modules=switch.modules,
        image_digest=switch.image_digest or "",
        loopback_sha256=switch.loopback_sha256 or "",
    )


def report_of(done: Run) -> Report:
    """What every report says of a run."""
    header = done.header
    examples = {
        name: Example(case.scenario, case.findings, done.shown.get(case.scenario.id))
        for name, one in done.result.clauses.items()
        for case in (one.failing or one.flaky or one.known)[:1]
    }
    return Report(
        subject=subject_of(header.switch),
        suite_version=header.suite_version,
        host=f"{platform.system()} {platform.release()} {platform.machine()}",
        seed=header.seed,
        started=header.started,
        seconds=done.seconds,
        result=done.result,
        examples=MappingProxyType(examples),
    )
