"""Bundles and examples of a run, written where they are asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from campaign.report import report_of
from campaign.session import Run
from conformance.verdicts import Verdict
from fixtures.configuration import render_profile
from fixtures.corpus import CorpusError, CorpusExample, save_example
from fixtures.switches import UsageError
from reports.bundle import archive, bundle_files, bundle_name
from reports.content import Report

FOLDER = Path("loopback-bundles")
"""Where bundles go if nobody says where, and nothing is recorded."""


def folder_beside(record: Path | None) -> Path:
    """Where the bundles of a run go: beside its recording, or in the current directory."""
    if record is None:
        return FOLDER
    name = record.name.removesuffix(".gz").removesuffix(".jsonl")
    return record.with_name(f"{name}-bundles")


def require_folder(folder: Path) -> None:
    """Refuse, before a switch is started, a folder that could not be written in afterwards."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = f"nothing can be made in {there}" if there.is_dir() else f"{there} is not a folder"
        raise UsageError(f"cannot write in {folder}: {why}; name another folder")


def write_findings(
    done: Run, bundles: Path | None, examples: Path | None
) -> tuple[dict[str, Path], list[Path], list[str]]:
    """Write bundles and examples where they are asked for, whatever becomes of one.

    Gives the bundles by clause, the examples, and a line for what could not be written.
    """
    written: dict[str, Path] = {}
    kept: list[Path] = []
    failures = []
    try:
        written = write_bundles(done, bundles) if bundles else {}
        kept = save_examples(done, examples) if examples else []
    except (UsageError, CorpusError) as error:
        failures.append(str(error))
    except Exception as error:  # what was found is said none the less
        why = f"cannot write what was found: {error!a}"
        failures.append(f"{why}; a fault of the suite, please report it")
    return written, kept, failures


def write_bundles(done: Run, folder: Path) -> dict[str, Path]:
    """Write a bundle for each clause that fails: a folder, and the same as a .zip beside it.

    Gives the folders by the name of the clause; raises UsageError where they cannot be written.
    Each is there whole or not at all, in place of an earlier one of the same finding.
    """
    report = report_of(done)
    written = {}
    for clause, example in examples(report).items():
        # global variables are not in this file, and those of somebody's switch may fit in none
        profile = replace(example.scenario.profile, global_variables=())
        conf = render_profile(profile)["autoload_configs/loopback.conf.xml"]
        files = bundle_files(report, clause, example=example.text, loopback_conf=conf)
        name = bundle_name(clause, example.scenario)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write_folder(folder / name, files)
            _write_file(folder / f"{name}.zip", archive(name, files))
        except OSError as error:
            why = error.strerror or str(error)
            raise UsageError(f"cannot write {folder / name}: {why}; name another folder") from error
        written[clause] = folder / name
    return written


def save_examples(done: Run, folder: Path) -> list[Path]:
    """Keep the call of each finding for a corpus, each call once; raises CorpusError."""
    found = examples(report_of(done)).values()
    return list(dict.fromkeys(save_example(folder, example) for example in found))


def examples(report: Report) -> dict[str, CorpusExample]:
    """What is worth keeping of a run: of each clause that fails the call that is shown."""
    return {
        clause: CorpusExample(
            clause=clause,
            leg=shown.findings[0].leg,
            found=tuple(finding.sentence for finding in shown.findings),
            switch=report.subject.version,
            scenario=shown.scenario,
        )
        for clause, shown in report.examples.items()
        if shown.placement and report.result.clauses[clause].verdict is Verdict.FAIL
    }


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    beside = folder.with_name(f".{folder.name}.new")
    before = folder.with_name(f".{folder.name}.old")
    try:
        for left in (beside, before):
            shutil.rmtree(left, ignore_errors=True)
        for path, data in files.items():
            place = beside / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        if folder.exists():
            folder.rename(before)
        beside.rename(folder)
    finally:
        for left in (beside, before):
            shutil.rmtree(left, ignore_errors=True)


def _write_file(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
