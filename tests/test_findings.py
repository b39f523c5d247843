"""A run with findings, as a person meets it: what is written, what is said, and what goes wrong."""

from __future__ import annotations

import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaign.command_line import main
from campaign.placing import placed
from campaign.session import Run
from conformance.verdicts import FINDINGS, USAGE
from fixtures.corpus import read_corpus
from fixtures.embedded.faults import WRONG_CAUSE_IN_CDR
from fixtures.recording import Recording

FAULTY = f"embedded:?fault={WRONG_CAUSE_IN_CDR}"
CLAUSE = "cdr.hangup-cause"
PASSWORD = "a-very-secret-word-of-the-event-socket"


@pytest.fixture
def red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """A function that runs some calls on a switch that differs, with more options."""
    monkeypatch.chdir(tmp_path)

    def run(*options: str) -> int:
        asked = ["run", "--switch", FAULTY, "--scenarios", "4", "--quiet", "--no-corpus"]
        return main([*asked, *options])

    return run


def commands(said: str) -> list[list[str]]:
    """The commands that a report tells to enter."""
    lines = (line.strip().partition("replay: ") for line in said.splitlines())
    return [shlex.split(command) for before, _, command in lines if command and not before]


def test_each_finding_has_a_bundle_and_the_command_that_replays_it(
    red: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert red("--record", "night.jsonl.gz") == FINDINGS
    said = capsys.readouterr().out
    (command,) = commands(said)
    bundle = Path(command[2])
    assert bundle.parent == Path("night-bundles")
    assert bundle.name.startswith(f"{CLAUSE}-")
    assert (bundle / "README.txt").exists()
    assert zipfile.is_zipfile(f"{bundle}.zip")
    assert " further calls to minimise)" in said
    assert Recording(Path("night.jsonl.gz")).header.switch.url == FAULTY
    assert main([*command[1:], "--quiet"]) == FINDINGS
    assert capsys.readouterr().out.splitlines()[-1].startswith("still differs ")


def test_where_things_go_can_be_said(red: Callable[..., int]) -> None:
    assert red("--bundles", "a/b", "--save-example", "c/d") == FINDINGS
    (folder,) = (path for path in Path("a/b").iterdir() if path.is_dir())
    (example,) = read_corpus(Path("c/d"))
    assert folder.name == example.name
    assert sorted(path.name for path in Path().iterdir()) == ["a", "c"]


def test_nothing_need_be_written_or_minimised(
    red: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert red("--no-bundles", "--no-minimise") == FINDINGS
    said = capsys.readouterr().out
    assert commands(said) == []
    assert "minimise" not in said
    assert list(Path().iterdir()) == []


def test_the_example_is_placed_by_the_next_campaign(
    red: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    red("--no-bundles", "--save-example", "mine")
    capsys.readouterr()
    (example,) = read_corpus(Path("mine"))
    options = ["--scenarios", "1", "-q", "--no-bundles", "--no-minimise", "--corpus", "mine"]
    status = main(["run", "--switch", FAULTY, *options])
    said = capsys.readouterr().out
    assert status == FINDINGS
    assert f"    {example.name}: {CLAUSE}\n" in said


def test_a_recording_has_the_same_bundles(
    red: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    red("--record", "run.jsonl")
    (command,) = commands(capsys.readouterr().out)
    assert main(["judge", "-q", "run.jsonl", "--bundles", "again"]) == FINDINGS
    first, again = Path(command[2]), Path("again")
    assert (again / f"{first.name}.zip").read_bytes() == Path(f"{first}.zip").read_bytes()


@pytest.mark.parametrize("option", ["--bundles", "--save-example"])
def test_a_place_where_nothing_can_be_written_is_refused_before_a_call(
    option: str, red: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_text("precious")
    assert red(option, "file/below", "--record", "run.jsonl") == USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "loopback-conformance: cannot write in file/below: file is not a folder; "
        "name another folder\n"
    )
    assert not Path("run.jsonl").exists()


def test_what_cannot_be_written_afterwards_is_said_and_loses_nothing(
    red: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundles have no place any more; the findings and the recording are whole."""

    def taking(*arguments: Any) -> Run:
        done: Run = placed(*arguments)
        Path("run-bundles").write_text("precious")
        return done

    monkeypatch.setattr("campaign.command_line.placed", taking)
    assert red("--record", "run.jsonl") == FINDINGS
    captured = capsys.readouterr()
    assert captured.err.startswith("loopback-conformance: cannot write run-bundles/")
    assert captured.err.count("\n") == 1
    assert f"failing: {CLAUSE}" in captured.out
    assert commands(captured.out) == []
    assert Path("run-bundles").read_text() == "precious"
    recording = Recording(Path("run.jsonl"))
    assert list(recording)
    assert recording.complete


def test_the_password_is_nowhere(
    red: Callable[..., int],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: PASSWORD)
    red("--record", "run.jsonl", "--save-example", "mine")
    said = capfd.readouterr()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 10
    texts = [path.read_bytes() for path in written]
    for path in written:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as bundle:
                texts += [bundle.read(name) for name in bundle.namelist()]
    assert not any(PASSWORD.encode() in text for text in texts)
    assert PASSWORD not in said.out + said.err
