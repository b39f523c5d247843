"""Report files on a disk that is full, in folders that cannot be written, cut short by a crash."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from campaign import command_line, outputs
from campaign.command_line import main
from campaign.outputs import Form
from campaign.session import Run
from conformance.clauses import CLAUSES
from fixtures.recording import Recording
from reports import files
from reports.content import Report
from reports.files import ReportError
from tests.command import COMMAND, ROOT, run
from tests.every_verdict import CONFORMING_RUN, FINDINGS_RUN, UNDECIDED_RUN
from tests.full_disk import largest_file

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
FORMS = ("html", "json", "junit", "markdown")


# --- one file ------------------------------------------------------------------------------------


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "one"
    for text in ("first\n", "second: ü\n"):
        files.write(path, text)
        assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    """A CI system that runs as someone else has to read it."""
    (tmp_path / "other").touch()
    files.write(tmp_path / "one", "text")
    assert (tmp_path / "one").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_what_utf8_cannot_hold_is_escaped(tmp_path: Path) -> None:
    files.write(tmp_path / "one", "caf\udce9")
    assert (tmp_path / "one").read_text() == "caf\\udce9"


def test_a_link_stays_one(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    files.write(link, "text")
    assert link.is_symlink()
    assert target.read_text() == "text"


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        files.write(pipe, "text")
        assert reader.communicate(timeout=30)[0] == "text"
    assert pipe.is_fifo()


def full(*_: object) -> None:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "one"
    path.write_text("precious")
    if call == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ReportError) as caught:
        files.write(path, "other")
    said = str(caught.value)
    assert said.startswith(f"cannot write {path}: No space left on device; see that its folder ")
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_takes_half_of_it_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("precious")
    with largest_file(1000), pytest.raises(ReportError, match="File too large"):
        files.write(path, "x" * 100_000)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_process_that_is_killed_while_it_writes_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("precious")
    script = """
        import os, signal, sys
        from pathlib import Path
        from reports import files
        os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        files.write(Path(sys.argv[1]), "other")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "precious"


# --- the reports of a run ------------------------------------------------------------------------


@pytest.fixture
def judging(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """A function that lets the command judge a run that is there."""
    return lambda done: monkeypatch.setattr(command_line, "judge_recording", lambda *_: done)


STATUSES = [(CONFORMING_RUN, 2), (FINDINGS_RUN, 1), (UNDECIDED_RUN, 3)]


@needs_full
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("done", "status"), STATUSES, ids=["conforms", "findings", "undecided"])
def test_a_report_on_a_full_disk_takes_nothing_with_it(
    judging: Callable[[Run], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    form: str,
    done: Run,
    status: int,
) -> None:
    """The others are written, findings stay findings, and a green run is not green without it."""
    judging(done)
    paths = {other: tmp_path / other for other in FORMS} | {form: FULL}
    arguments = [text for name, path in paths.items() for text in (f"--{name}", str(path))]
    assert main(["judge", "run.jsonl", *arguments]) == status
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("loopback-conformance: cannot write /dev/full: No space left on device;")
    assert " clauses pass" in captured.out
    (told,) = (line for line in captured.out.splitlines() if line.startswith("reports: "))
    assert set(told.removeprefix("reports: ").split(", ")) == {
        str(path) for name, path in paths.items() if name != form
    }
    assert {path.name for path in tmp_path.iterdir()} == set(FORMS) - {form}
    assert all(path.stat().st_size for path in tmp_path.iterdir())
    assert FULL.is_char_device()


def test_results_for_allure_on_a_disk_that_fills_up(
    judging: Callable[[Run], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that are there are whole, and what they name is there."""
    judging(FINDINGS_RUN)
    folder = tmp_path / "allure"
    json_path = tmp_path / "r.json"
    with largest_file(20_000):
        status = main(["judge", "r", "--allure", str(folder), "--markdown", str(json_path)])
    assert status == 1
    assert f"cannot write {folder}/" in capsys.readouterr().err
    assert json_path.exists()
    results = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    assert 0 < len(results) < len(CLAUSES)
    for one in results:
        for attachment in one.get("attachments", ()):
            assert (folder / attachment["source"]).exists()
    assert not list(folder.glob(".*"))


def test_a_fault_in_one_report_takes_nothing_with_it(
    judging: Callable[[Run], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: Report, __: Path) -> None:
        raise ZeroDivisionError("a\nb")

    judging(FINDINGS_RUN)
    form = Form("json", "FILE", "", broken)
    others = [one for one in outputs.FORMS if one.name != "json"]
    monkeypatch.setattr(outputs, "FORMS", (form, *others))
    paths = ["--json", str(tmp_path / "r.json"), "--junit", str(tmp_path / "r.xml")]
    assert main(["judge", "run.jsonl", *paths]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "the json report fails: ZeroDivisionError('a\\nb'); a fault of the suite, " in line
    ElementTree.parse(tmp_path / "r.xml")
    assert not (tmp_path / "r.json").exists()


@needs_full
@pytest.mark.parametrize(("done", "status"), STATUSES, ids=["conforms", "findings", "undecided"])
def test_a_standard_output_that_is_full(done: Run, status: int, tmp_path: Path) -> None:
    """The status is not Python's 120 or 1, "findings", whatever becomes of the text."""
    path, report = tmp_path / "run.py", tmp_path / "r.json"
    name = next(name for name, value in globals().items() if value is done)
    path.write_text(
        "import sys\n"
        "from campaign import command_line\n"
        f"from tests.every_verdict import {name} as done\n"
        "command_line.judge_recording = lambda *_: done\n"
        f"sys.exit(command_line.main(['judge', 'r', '--verbose', '--json', {str(report)!r}]))\n"
    )
    with FULL.open("w") as nowhere:
        ended = subprocess.run(
            [sys.executable, str(path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == status, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.endswith(" cannot write to the standard output: No space left on device")
    assert json.loads(report.read_text())["exit_status"] == done.result.exit_status


# --- what can be seen before a call is placed ----------------------------------------------------


@pytest.mark.parametrize(
    ("option", "place", "cause"),
    [
        ("--json", "{}", "it is a folder"),
        ("--junit", "{}/none/r.xml", "nothing can be made in {}/none"),
        ("--markdown", "/dev/null/r.md", "nothing can be made in /dev/null"),
        ("--allure", "{}/file", "it is no folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_a_switch_is_started(
    option: str, place: str, cause: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    path = place.format(tmp_path)
    ended = run("run", "--switch", "process:///nowhere", option, path)
    assert ended.status == 2
    assert ended.one_line() == (
        f"cannot write {path}: {cause.format(tmp_path)}; name another place"
    )


def test_a_name_cannot_steer_the_terminal(
    judging: Callable[[Run], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judging(CONFORMING_RUN)
    assert main(["judge", "r", "--json", str(tmp_path / "a\x1b[1m\u202eb")]) == 0
    assert f"\nreports: {tmp_path}/a?[1m?b\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["run", "metamorphic"])
def test_bundles_that_nobody_named_are_refused_before_a_switch_is_started(
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "loopback-bundles").touch()
    monkeypatch.chdir(tmp_path)
    assert main([command, "--switch", "process:///nowhere"]) == 2
    said = "cannot write in loopback-bundles: loopback-bundles is not a folder; name another folder"
    assert capsys.readouterr().err == f"loopback-conformance: {said}\n"


@pytest.mark.parametrize("linked", [False, True])
def test_a_report_never_replaces_the_recording(shipped: Path, tmp_path: Path, linked: bool) -> None:
    recording = tmp_path / "run.jsonl.gz"
    shutil.copy(shipped, recording)
    path = recording
    if linked:
        path = tmp_path / "link"
        path.symlink_to(recording)
    ended = run("judge", str(recording), "--json", str(path))
    assert ended.status == 2
    assert ended.one_line() == f"cannot write {path}: it is asked for twice; name another file"
    assert recording.read_bytes() == shipped.read_bytes()


def test_two_reports_cannot_be_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "r")
    ended = run("judge", "run.jsonl", "--json", path, "--junit", path)
    assert ended.status == 2
    assert "it is asked for twice" in ended.one_line()


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["run", "--switch", "embedded:"], "--json"),
        (["run", "--switch", "embedded:", "--overwrite"], "--record"),
        (["judge", "run.jsonl"], "--html"),
    ],
)
def test_known_divergences_are_not_replaced(
    command: list[str], option: str, tmp_path: Path
) -> None:
    known = tmp_path / "known.toml"
    known.touch()
    ended = run(*command, "--known", str(known), option, str(known))
    assert ended.status == 2
    assert ended.one_line() == f"cannot write {known}: it is asked for twice; name another file"
    assert known.read_bytes() == b""


# --- the recording -------------------------------------------------------------------------------


def test_a_recording_on_a_disk_that_fills_up(tmp_path: Path) -> None:
    """The run ends, says so, reports what it saw; all that was recorded can be read."""
    recording, report = tmp_path / "run.jsonl", tmp_path / "r.json"
    limited = f'ulimit -f 200; exec {" ".join(COMMAND)} "$@"'
    arguments = ["run", "--switch", "embedded:", "--scenarios", "60", "--record", str(recording)]
    ended = subprocess.run(
        ["bash", "-c", limited, "bash", *arguments, "--json", str(report)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 3, ended.stderr
    assert (
        f"not whole it cannot be recorded: cannot write {recording}: File too large" in ended.stdout
    )
    assert json.loads(report.read_text())["shortfall"].startswith("it cannot be recorded: ")
    read = Recording(recording)
    assert 0 < len(list(read)) < 60
    assert not read.complete


def test_a_recording_cannot_be_a_device() -> None:
    """As the owner of the machine one would replace it."""
    where = ["--record", "/dev/null", "--overwrite"]
    ended = run("run", "--switch", "process:///bin/true", *where)
    assert ended.status == 2
    assert "cannot write /dev/null: it is no file; " in ended.one_line()
    assert Path("/dev/null").is_char_device()


def test_reports_that_fail_leave_the_recording_whole(shipped: Path, tmp_path: Path) -> None:
    """Judging a recording never writes to it."""
    recording = tmp_path / "run.jsonl.gz"
    shutil.copy(shipped, recording)
    ended = run("judge", str(recording), "--json", "/dev/full" if FULL.exists() else "/dev/null")
    assert ended.status == (2 if FULL.exists() else 0)
    assert gzip.decompress(recording.read_bytes()) == gzip.decompress(shipped.read_bytes())
