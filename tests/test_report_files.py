"""Reports as files: whole or not at all, and what the command says where they cannot be written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from campaign.command_line import main
from campaign.report_files import require_place, write_whole
from fixtures.recording import Recording
from fixtures.switches import UsageError
from tests.command import COMMAND, ROOT, Ended, run
from tests.conftest import Change

TOO_LITTLE = 50_000
"""Bytes that a file may have: less than a report, more than what else is written."""

FULL = "File too large"
"""What the system says then."""


def started(*command: str, full: bool = False) -> Ended:
    """Run a command; where the disk is as good as `full` no file may grow beyond `TOO_LITTLE`."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (TOO_LITTLE, TOO_LITTLE))

    done = subprocess.run(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
        },
        preexec_fn=limit if full else None,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def test_judging_writes_a_report_and_says_where(shipped: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    ended = run("judge", "-q", str(shipped), "--html", str(path))
    assert (ended.status, ended.err) == (0, "")
    assert f"report: {path}" in ended.out.splitlines()
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.endswith("</html>\n")
    assert list(tmp_path.iterdir()) == [path], "nothing else is left beside it"


def test_an_older_report_is_replaced(shipped: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("older")
    assert run("judge", "-q", str(shipped), "--html", str(path)).status == 0
    assert "<!DOCTYPE html>" in path.read_text(encoding="utf-8")


def test_others_may_read_it(tmp_path: Path) -> None:
    plain, written = tmp_path / "plain", tmp_path / "written"
    plain.write_text("")
    write_whole(written, "text")
    assert written.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no/such/folder.html", "nothing can be made in {folder}/no/such"),
        (".", "it is a folder"),
        ("pipe", "it is no regular file"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_placed(
    name: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    path, record = tmp_path / name, tmp_path / "run.jsonl.gz"
    arguments = ("--switch", "embedded:", "--record", str(record), "--html", str(path))
    assert main(["run", *arguments]) == 2
    said = f"cannot write {path}: {why.format(folder=tmp_path)}; name a file where one can be made"
    assert Ended(2, *capsys.readouterr()).one_line() == said
    assert not record.exists()


@pytest.mark.parametrize("spoils", [False, True])
def test_a_full_disk_is_one_line_and_what_was_there_stays(
    spoils: bool, shipped: Path, with_a_finding: Path, tmp_path: Path
) -> None:
    """The status is 2, but that of findings is worse."""
    path = tmp_path / "report.html"
    path.write_text("older")
    before = set(tmp_path.iterdir())
    recording = with_a_finding if spoils else shipped
    ended = started(*COMMAND, "judge", str(recording), "--html", str(path), full=True)
    assert ended.status == (1 if spoils else 2)
    assert ended.err.count("\n") == 1
    assert ended.err.startswith(f"loopback-conformance: cannot write {path}: {FULL}; ")
    assert "report:" not in ended.out
    assert "clauses pass" in ended.out, "the run is shown all the same"
    assert path.read_text() == "older"
    assert set(tmp_path.iterdir()) == before


def test_a_recording_stays_whole_where_the_report_cannot_be_written(tmp_path: Path) -> None:
    record, path = tmp_path / "run.jsonl.gz", tmp_path / "report.html"
    asked = ("--switch", "embedded:", "--scenarios", "3", "--record", str(record))
    ended = started(*COMMAND, "run", "-q", *asked, "--html", str(path), full=True)
    assert ended.status == 3, "so few scenarios do not decide, which is worse"
    assert f"cannot write {path}: {FULL}; " in ended.err
    recording = Recording(record)
    assert len(list(recording)) == 3
    assert recording.complete
    assert not path.exists()


def test_a_crash_while_writing_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("older")

    def crash(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "newer")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["older"]


def test_a_place_is_right_where_a_file_can_be_made_or_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("")
    for name in ("new.html", "there"):
        require_place(tmp_path / name)
    require_place(None)
    require_place(Path("relative.html"))
    with pytest.raises(UsageError, match="it is a folder"):
        require_place(tmp_path)


# --- through pytest ------------------------------------------------------------------------------


def front(*arguments: str, full: bool = False) -> Ended:
    """Run `pytest conformance`."""
    return started(sys.executable, "-m", "pytest", "-q", "conformance", *arguments, full=full)


def test_pytest_writes_a_report_too(shipped: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    ended = front("--replay", str(shipped), "--html-report", str(path))
    assert ended.status == 0
    assert f"report: {path}" in ended.out
    assert "<!DOCTYPE html>" in path.read_text(encoding="utf-8")


def test_pytest_refuses_a_place_that_cannot_be(shipped: Path, tmp_path: Path) -> None:
    ended = front("--replay", str(shipped), "--html-report", str(tmp_path))
    assert ended.status == 4
    assert "it is a folder; name a file where one can be made" in ended.out + ended.err


def test_pytest_does_not_pass_without_its_report(shipped: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    ended = front("--replay", str(shipped), "--html-report", str(path), full=True)
    assert ended.status == 4
    assert f"cannot write {path}: {FULL}; " in ended.out


def test_pytest_keeps_what_is_worse(
    changed: Callable[[Change | None], Path], tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    ended = front("--replay", str(changed(None)), "--html-report", str(path), full=True)
    assert ended.status == 1
    assert f"cannot write {path}: {FULL}; " in ended.out
