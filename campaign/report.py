"""From a run to what its reports say."""

from __future__ import annotations

import platform
import shlex
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from campaign.session import Run
from conformance.verdicts import ClauseResult
from fixtures.recording import Header, without_secrets
from reports.content import Example, Kept, Report, Subject


def subject_of(header: Header) -> Subject:
    """What a recording's header says was under test, as reports have it.

    The switches of a pool are alike: they are one subject with several URLs.
    """
    switch = header.switch
    return Subject(
        url=", ".join(without_secrets(one.url) for one in header.switches),
        version=switch.version,
        modules=switch.modules,
        image_digest=switch.image_digest or "",
        loopback_sha256=switch.loopback_sha256 or "",
    )


def report_of(done: Run, bundles: Mapping[str, Path] = MappingProxyType({})) -> Report:
    """What every report says of a run; `bundles` are by the name of the clause."""
    header = done.header
    examples = {
        name: example
        for name, one in done.result.clauses.items()
        if (example := _example(done, one, bundles.get(name)))
    }
    return Report(
        subject=subject_of(header),
        suite_version=header.suite_version,
        host=f"{platform.system()} {platform.release()} {platform.machine()}",
        seed=header.seed,
        started=header.started,
        seconds=done.seconds,
        result=done.result,
        examples=MappingProxyType(examples),
        corpus=_corpus(done),
    )


def replay_command(bundle: Path, url: str) -> str:
    """The command that places a bundle's call again, to be pasted into a shell."""
    return shlex.join(("loopback-conformance", "replay", str(bundle), "--switch", url))


def _example(done: Run, one: ClauseResult, bundle: Path | None) -> Example | None:
    case = one.shown
    if case is None:
        return None
    placement = done.shown.get(case.scenario.id)
    switches = done.header.switches
    url = without_secrets(switches[placement.switch if placement else 0].url)
    return Example(
        scenario=case.scenario,
        findings=case.findings,
        placement=placement,
        minimised=case is one.minimised,
        bundle=str(bundle) if bundle else "",
        replay=replay_command(bundle, url) if bundle else "",
        switch=url if len(switches) > 1 else "",
    )


def _corpus(done: Run) -> tuple[Kept, ...]:
    """The examples by name, each with the clauses that its call speaks against."""
    against: defaultdict[str, list[str]] = defaultdict(list)
    for name, one in done.result.clauses.items():
        for case in (*one.failing, *one.flaky):
            against[case.scenario.id].append(name)
    return tuple(
        Kept(name, tuple(against[identity]))
        for identity, name in sorted(done.corpus.items(), key=lambda item: item[1])
    )
