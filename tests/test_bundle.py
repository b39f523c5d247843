"""Bundles: what a finding takes to be placed again, whatever a switch sent, whole or not at all."""

from __future__ import annotations

import json
import resource
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from msgspec import structs

from campaign import bundles
from campaign.bundles import (
    folder_beside,
    require_folder,
    save_examples,
    write_bundles,
    write_findings,
)
from campaign.report import report_of
from campaign.session import Run, judge_recording
from conformance.observation import Placement
from fixtures.corpus import read_example
from fixtures.recording import RecordedScenario, Recording, RecordingWriter
from fixtures.switches import UsageError
from reports.bundle import archive, bundle_files
from tests.recorded_calls import RECORDING

CLAUSE = "cdr.duration"
HOSTILE = "<script>alert(1)</script>\x1b[31m\r\nEvil: yes\n\u202eabc\x00'\"&${x}" + "y" * 10_000


Spoil = Callable[[Placement], Placement]
"""Another placement in the place of one that was recorded."""


@cache
def recorded() -> RecordedScenario:
    """A call that a released version took as it should, with CDRs."""
    return next(one for one in Recording(RECORDING) if one.scenario.has_a_leg)


def run_with(spoil: Spoil, path: Path) -> Run:
    """Give a run of the one call, as if the switch had told it so."""
    attempts = [spoil(placement) for placement in recorded().attempts]
    with RecordingWriter(path, Recording(RECORDING).header) as writer:
        writer.write_scenario(recorded().scenario, attempts)
    return judge_recording(path)


def with_cdrs(placement: Placement, duration: str) -> Placement:
    """Let every CDR tell another duration."""
    cdrs = {
        uuid: {module: {**cdr, "variables.duration": duration} for module, cdr in modules.items()}
        for uuid, modules in placement.cdrs.items()
    }
    return replace(placement, cdrs=cdrs)


@pytest.fixture
def done(tmp_path: Path) -> Run:
    """A run in which one clause fails."""
    return run_with(lambda placement: with_cdrs(placement, "99"), tmp_path / "run.jsonl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where bundles go; it is not there yet."""
    return tmp_path / "some" / "bundles"


def files_of(bundle: Path) -> dict[str, bytes]:
    """Each file of a bundle by its path in it."""
    paths = (path for path in bundle.rglob("*") if path.is_file())
    return {str(path.relative_to(bundle)): path.read_bytes() for path in paths}


# --- what is in it -------------------------------------------------------------------------------


def test_a_bundle_holds_what_a_developer_needs(done: Run, folder: Path) -> None:
    written = write_bundles(done, folder)
    assert list(written) == [CLAUSE]
    files = files_of(written[CLAUSE])
    case = done.result.clauses[CLAUSE].failing[0]
    legs = {name.split("/")[1].split(".")[0] for name in files if name.startswith("cdrs/")}
    assert {"a-leg", "loopback-a", "loopback-b"} <= legs
    assert set(files) - {name for name in files if name.startswith("cdrs/")} == {
        "README.txt",
        "dialplan.xml",
        "example.json",
        "expectation.txt",
        "fs_cli.txt",
        "loopback.conf.xml",
        "observation.txt",
        "timeline.txt",
        "transcript.txt",
    }
    readme = files["README.txt"].decode()
    assert readme.startswith(f"{CLAUSE} (")
    assert case.findings[0].sentence in readme
    assert f"loopback-conformance replay {written[CLAUSE].name} --switch process:///" in readme
    assert done.header.switch.version in readme
    assert read_example(written[CLAUSE]).scenario == case.scenario


def test_what_is_to_be_entered_is_what_was_sent(done: Run, folder: Path) -> None:
    """The originate line, the extensions and the settings: byte by byte those of the suite."""
    bundle = write_bundles(done, folder)[CLAUSE]
    case = done.result.clauses[CLAUSE].failing[0]
    token = done.shown[case.scenario.id].token
    lines = (bundle / "fs_cli.txt").read_text().splitlines()
    originate = next(line for line in lines if line.startswith("originate "))
    assert f"null/{token}" in originate
    sent = (bundle / "transcript.txt").read_text().splitlines()[0]
    assert unquote(sent) == f">>> bgapi {originate}"
    contexts = ElementTree.parse(bundle / "dialplan.xml").getroot()
    assert [one.tag for one in contexts] == ["context"] * len(contexts)
    conf = ElementTree.parse(bundle / "loopback.conf.xml").getroot()
    assert len(conf.findall("settings/param")) == len(case.scenario.profile.parameters())


def test_expectation_against_observation_is_the_finding(done: Run, folder: Path) -> None:
    bundle = write_bundles(done, folder)[CLAUSE]
    expected, observed = (
        (bundle / name).read_text().splitlines() for name in ("expectation.txt", "observation.txt")
    )
    differing = [
        (one, other) for one, other in zip(expected, observed, strict=True) if one != other
    ]
    findings = done.result.clauses[CLAUSE].failing[0].findings
    assert len(differing) == len(findings)
    assert all(one.startswith(f"! {CLAUSE}: ") for pair in differing for one in pair)
    assert sum(line.startswith("!") for line in observed) == len(findings)


def test_the_transcript_has_every_header_of_every_event(done: Run, folder: Path) -> None:
    bundle = write_bundles(done, folder)[CLAUSE]
    (placement,) = done.shown.values()
    text = (bundle / "transcript.txt").read_text()
    assert text.count("\nEvent-Name: ") == len(placement.events)
    assert text.count("\nUnique-ID: ") == sum("Unique-ID" in one for one in placement.events)
    assert text.count(">>> bgapi uuid_kill ") <= len(placement.applied)


def test_a_zip_unpacks_into_the_folder(done: Run, folder: Path, tmp_path: Path) -> None:
    bundle = write_bundles(done, folder)[CLAUSE]
    with zipfile.ZipFile(bundle.with_suffix(bundle.suffix + ".zip")) as packed:
        packed.extractall(tmp_path / "elsewhere")
    assert files_of(tmp_path / "elsewhere" / bundle.name) == files_of(bundle)


def test_the_same_finding_makes_the_same_bytes(done: Run, folder: Path, tmp_path: Path) -> None:
    """So that bundles can be compared, and an upload of one is known."""
    write_bundles(done, folder)
    write_bundles(done, tmp_path / "again")
    assert files_of(folder) == files_of(tmp_path / "again")
    files = {"b.txt": b"2", "a.txt": b"1"}
    assert archive("x", files) == archive("x", dict(reversed(files.items())))


def test_what_was_recorded_is_all_that_is_needed(done: Run, tmp_path: Path) -> None:
    """Without the placement there is nothing to tell of: no bundle rather than half of one."""
    assert write_bundles(replace(done, shown={}), tmp_path) == {}
    with pytest.raises(ValueError, match=f"no placement of {CLAUSE} was kept"):
        bundle_files(report_of(replace(done, shown={})), CLAUSE, example="", loopback_conf="")


def test_a_run_without_findings_writes_nothing(tmp_path: Path, folder: Path) -> None:
    done = run_with(lambda placement: placement, tmp_path / "run.jsonl")
    assert write_bundles(done, folder) == {}
    assert save_examples(done, folder) == []
    assert not folder.exists()


def test_a_report_names_bundle_and_command(done: Run, folder: Path) -> None:
    written = write_bundles(done, folder)
    example = report_of(done, written).examples[CLAUSE]
    assert example.bundle == str(written[CLAUSE])
    assert example.replay.startswith("loopback-conformance replay ")
    assert example.replay.endswith(f"--switch {done.header.switch.url}")
    assert report_of(done).examples[CLAUSE].replay == ""


# --- what others sent ----------------------------------------------------------------------------


def hostile(placement: Placement) -> Placement:
    """A switch that sends markup, control characters and names of files."""
    events = tuple(
        {**event, "variable_evil": HOSTILE, HOSTILE[:60]: "1", "Channel-X": "\udcff"}
        for event in placement.events
    )
    cdrs = {
        uuid: {**modules, "../../x": {HOSTILE: HOSTILE}}
        for uuid, modules in with_cdrs(placement, HOSTILE).cdrs.items()
    }
    return replace(placement, events=events, cdrs=cdrs, reply=HOSTILE)


def test_hostile_text_stays_text(tmp_path: Path, folder: Path) -> None:
    """No control character, no line that a value made, no file anywhere else."""
    done = run_with(hostile, tmp_path / "run.jsonl")
    written = write_bundles(done, folder)
    assert CLAUSE in written
    for clause, bundle in written.items():
        for name, data in files_of(bundle).items():
            text = data.decode()
            controls = {one for one in text if unicodedata.category(one) == "Cc"} - {"\n"}
            assert controls == set(), (clause, name)
            assert not any(line.startswith("Evil") for line in text.splitlines()), name
            assert "\u202e" not in text or name in ("fs_cli.txt", "dialplan.xml")
        transcript = (bundle / "transcript.txt").read_text()
        assert transcript.isascii()
    paths = {path.relative_to(folder).parts[0] for path in folder.rglob("*")}
    names = {bundle.name for bundle in written.values()}
    assert paths == names | {f"{name}.zip" for name in names}


def test_records_are_json(tmp_path: Path, folder: Path) -> None:
    bundle = write_bundles(run_with(hostile, tmp_path / "run.jsonl"), folder)[CLAUSE]
    for path in (bundle / "cdrs").iterdir():
        assert HOSTILE in json.loads(path.read_text()).values()


# --- where it cannot be written ------------------------------------------------------------------


def test_a_folder_that_is_a_file(done: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="name another folder"):
            require_folder(place)
        with pytest.raises(UsageError, match=f"cannot write {place}"):
            write_bundles(done, place)
    assert (tmp_path / "file").read_text() == "precious"


def test_variables_of_a_switch_that_is_not_ours_may_be_anything(tmp_path: Path, done: Run) -> None:
    """No file that holds them could be written, and none in a bundle does."""
    path, recording = tmp_path / "guest.jsonl", Recording(tmp_path / "run.jsonl")
    with RecordingWriter(path, recording.header) as writer:
        for one in recording:
            quoted = structs.replace(one.scenario.profile, global_variables=(("x", 'a"\n'),))
            writer.write_scenario(structs.replace(one.scenario, profile=quoted), one.attempts)
    guest = judge_recording(path)
    assert [*write_bundles(guest, tmp_path / "guest")] == [*write_bundles(done, tmp_path / "ours")]


def test_a_bundle_that_fails_takes_no_verdict_with_it(
    done: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bundles, "bundle_files", broken)
    written, kept, failures = write_findings(done, folder, None)
    assert (written, kept) == ({}, [])
    assert failures == [
        "cannot write what was found: ZeroDivisionError(); a fault of the suite, please report it"
    ]


def test_a_folder_that_may_not_be_written(done: Run) -> None:
    for place in (Path("/proc/none"), Path("/proc/1/none")):
        with pytest.raises(UsageError, match="name another folder"):
            write_bundles(done, place)


def test_folders_that_can_be_made(tmp_path: Path) -> None:
    require_folder(tmp_path)
    require_folder(tmp_path / "a" / "b")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file become larger, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_what_was_there(done: Run, folder: Path) -> None:
    """A bundle is there whole, as it was before, or not at all."""
    bundle = write_bundles(done, folder)[CLAUSE]
    before = files_of(folder)
    with largest_file(20_000), pytest.raises(UsageError, match=f"cannot write {bundle}: "):
        write_bundles(done, folder)
    assert files_of(folder) == before
    with largest_file(20_000), pytest.raises(UsageError, match="cannot write "):
        write_bundles(done, folder.with_name("other"))
    assert files_of(folder.with_name("other")) == {}


def test_a_bundle_takes_the_place_of_an_earlier_one(done: Run, folder: Path) -> None:
    bundle = write_bundles(done, folder)[CLAUSE]
    (bundle / "README.txt").write_text("old")
    (bundle / "left over").write_text("old")
    before = files_of(write_bundles(done, folder)[CLAUSE])
    assert b"old" not in before["README.txt"][:10]
    assert "left over" not in before


@pytest.mark.parametrize(
    ("record", "folder"),
    [
        (None, "loopback-bundles"),
        ("run.jsonl.gz", "run-bundles"),
        ("/a/b/run.jsonl", "/a/b/run-bundles"),
        ("night", "night-bundles"),
    ],
)
def test_where_bundles_go_if_nobody_says(record: str | None, folder: str) -> None:
    assert folder_beside(Path(record) if record else None) == Path(folder)


def test_a_zip_is_the_same_on_every_machine() -> None:
    with zipfile.ZipFile(BytesIO(archive("x", {"a.txt": b"1"}))) as packed:
        (member,) = packed.infolist()
    assert member.filename == "x/a.txt"
    assert member.date_time == (1980, 1, 1, 0, 0, 0)
    assert member.external_attr >> 16 == 0o100644
    assert member.create_system == 3
