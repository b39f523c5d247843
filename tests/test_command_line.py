"""The command as a person meets it: help, recordings, what goes wrong; with a real FreeSWITCH where
LOOPBACK_CONFORMANCE_FREESWITCH or LOOPBACK_CONFORMANCE_IMAGE names one."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from importlib.metadata import version
from itertools import chain, islice, product
from pathlib import Path
from typing import IO

import docker
import pytest
from msgspec import structs

from campaign import command_line as module
from campaign import session
from campaign.ahead import AheadError
from campaign.command_line import main
from conformance.clauses import CLAUSES, Area
from conformance.compact import NoRoomError
from conformance.divergences import Divergence, render
from conformance.judge import Judgement
from conformance.profile import Profile
from conformance.scenario import Scenario
from conformance.verdicts import Verdicts
from fixtures.corpus import SHIPPED as EXAMPLES
from fixtures.recording import Ending, Recording
from fixtures.switches.container import LABEL
from strategies import stream
from tests.command import (
    COMMAND,
    ROOT,
    Ended,
    Running,
    installation_without,
    is_running,
    placed,
    run,
)
from tests.recorded_calls import SHIPPED

BINARY = os.environ.get("LOOPBACK_CONFORMANCE_FREESWITCH", "")
IMAGE = os.environ.get("LOOPBACK_CONFORMANCE_IMAGE", "")

needs_freeswitch = pytest.mark.skipif(
    not BINARY, reason="set LOOPBACK_CONFORMANCE_FREESWITCH to the path of a freeswitch binary"
)
needs_image = pytest.mark.skipif(
    not IMAGE, reason="set LOOPBACK_CONFORMANCE_IMAGE to the name of an image with FreeSWITCH"
)

AREAS = tuple(f"{area}." for area in Area)
KILLED_SECONDS = 30.0
"""Within which a run ends whose switch was killed."""
INTERRUPTED_SECONDS = 15.0
"""Within which a run ends that was interrupted."""
HUNG_SECONDS = 60.0
"""Within which a run ends whose switch hangs."""


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Directory for the temporary files of a command."""
    place = tmp_path / "tmp"
    place.mkdir()
    return place


# --- what it teaches -----------------------------------------------------------------------------


PACE = [
    "--max-calls N calls at once at most (default 100",
    "--max-rate N calls begun a second at most (default 60); of a switch that is not ours no more",
]
"""What is said wherever calls are placed side by side."""


@pytest.mark.parametrize(
    ("command", "taught"),
    [
        ([], ["run", "judge", "clauses", "exit status:", "0 the switch conforms", "1 findings"]),
        (["run"], ["process:///path/to/freeswitch", "docker://IMAGE", "--record", "exit status:"]),
        (["run"], ["examples:", "(default 300)", "2 usage", "3 not decided"]),
        (["run"], ["--minimise SECONDS", "--bundles DIR", "--corpus DIR", "--save-example DIR"]),
        (["run"], ["embedded:?fault=NAME&seed=N", "`faults --list`"]),
        (["run"], ["a known divergence is stale"]),
        (["record"], ["how many (default 300)", "(default 2)", "same calls (default 1)"]),
        (["record"], ["FreeSWITCH in the image (default freeswitch)"]),
        (["compare"], ["how many (default 300)", "same calls (default 1)"]),
        (["compare"], ["(default 100, enough for 2 cores), of which two switches get three"]),
        *((["run"], PACE), (["record"], PACE), (["accept", "run"], PACE)),
        (["compare"], ["--max-rate N calls begun a second at most (default 60), of which two"]),
        (["compare"], ["--password-file FILE", "FreeSWITCH in the image (default freeswitch)"]),
        (["bisect"], ["--password-file FILE", "FreeSWITCH in the image (default freeswitch)"]),
        (["bisect"], ["BUNDLE is a folder or .zip that a run wrote"]),
        (["replay"], ["BUNDLE", "example:", "0 fixed", "1 still differs", "3 not decided"]),
        (
            ["faults"],
            ["at most (default 500)", "calls (default 1)", "at once at most (default 200)"],
        ),
        (["judge"], ["RECORDING", "exit status:", "3 not decided"]),
        (["run"], ["reports:", "--json FILE", "--junit FILE", "--markdown FILE", "--allure DIR"]),
        (["judge"], ["reports:", "--json FILE", "--quiet", "--verbose"]),
        (["clauses"], ["--json", "--markdown [FILE]", "levels:", "examples:", "agrees, is silent"]),
    ],
)
def test_help_teaches(
    command: list[str], taught: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in taught:
        assert words in said


ON_ONE_SWITCH = (["accept", "run"], ["metamorphic"], ["replay"])
"""Commands that take the options of `run` for the switch, and refuse a second one."""


@pytest.mark.parametrize("command", [["run"], *ON_ONE_SWITCH], ids=" ".join)
def test_only_the_help_of_run_speaks_of_several_switches(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    several = command == ["run"]
    assert ("a pool" in said) is several
    assert ("once for all switches" in said) is several


@pytest.mark.parametrize("command", ON_ONE_SWITCH, ids=" ".join)
def test_a_second_switch_is_refused(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {
        "accept": ["--record", str(tmp_path / "run.jsonl"), "--out", str(tmp_path / "out")],
        "metamorphic": ["--no-bundles"],
        "replay": [str(next(EXAMPLES.glob("*.json")))],
    }
    switches = ["--switch", "embedded:", "--switch", "embedded:?seed=2"]
    assert main([*command, *given[command[0]], *switches]) == 2
    assert "this is done on one switch" in capsys.readouterr().err


def test_the_help_of_metamorphic_tells_of_its_own_exit_statuses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It takes no known divergences and writes no reports."""
    with pytest.raises(SystemExit):
        main(["metamorphic", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "0 the switch conforms, and no variant makes a difference" in said
    assert "divergence" not in said
    assert "report" not in said


def test_version() -> None:
    ended = run("--version")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.split()[-1] == version("loopback-conformance")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["run"], "the following arguments are required: --switch"),
        (["run", "--switch", "docker://", "--scenarios", "0"], "'0' is not a number from 1 on"),
        (["run", "--switch", "docker://", "--window", "many"], "'many' is not a number from 1 on"),
        (["run", "--switch", "docker://", "--seed", "x"], "invalid int value: 'x'"),
        (["run", "--switch", "docker://", "--event-socket", "pigeon"], "invalid choice: 'pigeon'"),
        (["run", "--switch", "embedded:", "--minimise", "0"], "'0' is not a number from 1 on"),
        (["replay", "x"], "the following arguments are required: --switch"),
        (["replay", "--switch", "embedded:"], "the following arguments are required: BUNDLE"),
        (["judge"], "the following arguments are required: RECORDING"),
        (["judge", "a", "b"], "unrecognized arguments: b"),
        (["clauses", "--area", "moon"], "argument --area: invalid choice: 'moon'"),
        (["clauses", "--level", "perhaps"], "argument --level: invalid choice: 'PERHAPS'"),
        (["clauses", "--json", "--markdown"], "not allowed with argument --json"),
        (["judge", "a", "-q", "-v"], "not allowed with argument -q/--quiet"),
    ],
)
def test_usage_errors(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].endswith(said) or said in captured.err.splitlines()[-1]


def test_clauses() -> None:
    ended = run("clauses")
    assert (ended.status, ended.err) == (0, "")
    assert [line.split()[0] for line in ended.out.splitlines() if line.startswith(AREAS)] == [
        *CLAUSES
    ]


def test_clauses_as_json() -> None:
    ended = run("clauses", "--json")
    assert (ended.status, ended.err) == (0, "")
    assert [row["name"] for row in json.loads(ended.out)["clauses"]] == list(CLAUSES)


@pytest.mark.parametrize(
    ("asked", "areas", "levels"),
    [
        (["--area", "cdr"], {"cdr"}, {"MUST", "SHOULD"}),
        (["--level", "may"], {"bowout"}, {"MAY"}),
        (["--area", "legs", "--area", "cdr", "--level", "MUST"], {"legs", "cdr"}, {"MUST"}),
    ],
)
def test_clauses_of_an_area_or_level(
    asked: list[str], areas: set[str], levels: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clauses", *asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["clauses"]
    assert {row["area"] for row in found} == areas
    assert {row["level"] for row in found} == levels


def test_clauses_as_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To the standard output or to a file, the same."""
    path = tmp_path / "clauses.md"
    assert main(["clauses", "--markdown", str(path)]) == 0
    assert capsys.readouterr().out == ""
    assert main(["clauses", "--markdown"]) == 0
    assert capsys.readouterr().out == path.read_text()


def test_a_page_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clauses", "--markdown", "/nowhere/clauses.md"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "loopback-conformance: cannot write /nowhere/clauses.md: No such file or directory; "
        "name another file\n"
    )


def test_a_reader_that_leaves_is_no_finding() -> None:
    listing = subprocess.Popen(
        [*COMMAND, "clauses"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert listing.stdout is not None
    listing.stdout.close()
    assert listing.communicate()[1] == b""
    assert listing.returncode == -signal.SIGPIPE


def test_a_fault_of_the_suite_is_no_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(_: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "judge_recording", broken)
    assert main(["judge", str(tmp_path)]) == 3
    assert capsys.readouterr().err.endswith("a fault of the suite; please report it\n")


def test_without_more_scenarios_what_was_placed_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    @contextmanager
    def ends(seed: int, wanted: int) -> Iterator[Iterator[Scenario]]:
        yield chain(islice(stream(seed), 20), failing())

    def failing() -> Iterator[Scenario]:
        yield structs.replace(next(stream(2)), profile=Profile(log_b_leg=False))
        raise AheadError("scenario 22 was not made")

    monkeypatch.setattr(session, "made_ahead", ends)
    monkeypatch.setattr("campaign.blocks.AHEAD", 10)
    recording = tmp_path / "run.jsonl.gz"
    asked = ("--switch", "embedded:", "--scenarios", "200", "--record", str(recording))
    assert main(["run", *asked, "--no-corpus", "--window", "2"]) == 3
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "loopback-conformance: scenario 22 was not made; nothing is decided"
    kept = Recording(recording)
    assert len(list(kept)) >= 1
    assert kept.footer is not None
    assert kept.footer.ended is Ending.FAILED


def test_no_room_for_temporary_files_is_told_in_a_line_and_what_was_recorded_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Full(Verdicts):
        def add(self, scenario: Scenario, judgement: Judgement) -> int:
            if self.scenarios == 5:
                raise NoRoomError(sqlite3.OperationalError("database or disk is full"))
            return super().add(scenario, judgement)

    monkeypatch.setattr(session, "Verdicts", Full)
    recording = tmp_path / "run.jsonl.gz"
    asked = ("--switch", "embedded:", "--scenarios", "20", "--record", str(recording))
    assert main(["run", *asked, "--no-corpus"]) == 3
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == (
        "loopback-conformance: a temporary file cannot be kept: database or disk is full; "
        "make room there, or name another directory in TMPDIR; nothing is decided"
    )
    kept = Recording(recording)
    assert len(list(kept)) >= 6
    assert kept.footer is not None
    assert kept.footer.ended is Ending.FAILED
    assert "database or disk is full" in kept.footer.reason


def test_ctrl_c_while_modules_are_imported_is_told_in_a_line(tmp_path: Path) -> None:
    interrupting = "import signal; signal.raise_signal(signal.SIGINT)"
    (tmp_path / "rich.py").write_text(interrupting)
    ended = run("--version", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert (ended.status, ended.one_line()) == (3, "interrupted; nothing is decided")


# --- streams that cannot be written --------------------------------------------------------------


@contextmanager
def gone() -> Iterator[IO[bytes]]:
    """The end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as end:
        yield end


@contextmanager
def full() -> Iterator[IO[bytes]]:
    """A file on a full disk."""
    with Path("/dev/full").open("wb") as end:
        yield end


@pytest.mark.parametrize("broken", [gone, full])
def test_progress_that_cannot_be_shown_is_not_shown(
    broken: Callable[[], AbstractContextManager[IO[bytes]]], tmp_path: Path
) -> None:
    """The run goes on, its reports are written, and its status is its own: 3, as without."""
    report = tmp_path / "run.json"
    asked = ("--scenarios", "3", "--no-corpus", "--no-bundles", "--json", str(report))
    with broken() as end:
        ended = subprocess.run(
            [*COMMAND, "run", "--switch", "embedded:", *asked],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=end,
            check=False,
        )
    assert ended.returncode == 3
    assert b"not decided: 3 scenarios in " in ended.stdout
    assert report.exists()


def test_it_is_said_where_the_files_of_a_switch_are_kept() -> None:
    """Its directory has a name that nobody can guess."""
    asked = ("--scenarios", "1", "--no-corpus", "--keep", "-q")
    command = [*COMMAND, "run", "--switch", "embedded:", *asked]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = re.search(r"^kept of the switch: (\S+)$", ended.stderr, re.MULTILINE)
    assert told is not None
    kept = Path(told[1])
    assert list(kept.glob("**/event_socket.conf.xml")) == []  # which would hold the password
    assert list(kept.rglob("*.cdr.json"))
    shutil.rmtree(kept)


@pytest.mark.parametrize("broken", [gone, full])
def test_an_error_that_cannot_be_told_keeps_its_status(
    broken: Callable[[], AbstractContextManager[IO[bytes]]],
) -> None:
    with broken() as end:
        ended = subprocess.run(
            [*COMMAND, "judge", "/nowhere"], cwd=ROOT, stderr=end, capture_output=False, check=False
        )
    assert ended.returncode == 2


PRINTING = {
    "accept judge": (str(SHIPPED), "--out", "{}/record", "-q"),
    "clauses": (),
    "clauses --json": (),
    "compare": ("--old", str(SHIPPED), "--new", str(SHIPPED)),
    "divergences list": ("{}/known.toml",),
    "export-config": ("{}/there",),
    "faults": ("three-seconds", "--scenarios", "1"),
    "faults --list": (),
    "judge": (str(SHIPPED), "-q"),
    "metamorphic": ("--switch", "embedded:", "--scenarios", "1", "--no-corpus", "-q"),
    "record": ("{}/x.jsonl", "--switch", "embedded:", "--scenarios", "1", "-q"),
    "replay": (str(next(EXAMPLES.glob("*.json"))), "--switch", "embedded:", "-q"),
    "--version": (),
}
"""Commands that print something."""


@pytest.mark.parametrize(
    ("command", "output"),
    [*product(PRINTING, ("gone", "full")), ("clauses", "closed"), ("judge", "closed")],
)
def test_a_standard_output_that_cannot_be_written_is_no_finding(
    command: str, output: str, tmp_path: Path
) -> None:
    """A reader that leaves ends the command as any other; on a full disk its status is 2."""
    known = Divergence("cdr.duration", "because", "us", "", date.max, next(stream(1)))
    (tmp_path / "known.toml").write_text(render(known))
    arguments = [*command.split(), *(one.format(tmp_path) for one in PRINTING[command])]
    shell = 'exec "$@" >&-' if output == "closed" else 'exec "$@"'
    with gone() if output == "gone" else full() as end:
        ended = subprocess.run(
            ["sh", "-c", shell, "sh", *COMMAND, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=end,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if output == "gone":
        assert (ended.returncode, ended.stderr) == (-signal.SIGPIPE, "")
        return
    cause = "Bad file descriptor" if output == "closed" else "No space left on device"
    said = f"loopback-conformance: cannot write to the standard output: {cause}\n"
    assert (ended.returncode, ended.stderr) == (2, said)


# --- recordings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["1.10.12", "1.11.2"])
def test_the_recordings_that_are_shipped_conform(release: str) -> None:
    path = ROOT / "fixtures" / "recordings" / f"freeswitch-{release}.jsonl.gz"
    assert path.stat().st_size < 3_000_000
    ended = run("judge", "--quiet", str(path))
    assert (ended.status, ended.err) == (0, "")
    assert f"FreeSWITCH Version {release}" in ended.out


def test_judging_a_recording_that_conforms(shipped: Path) -> None:
    first, second = run("judge", str(shipped)), run("judge", str(shipped))
    assert first == second
    assert (first.status, first.err) == (0, "")
    assert "\nconforms: 300 scenarios in " in first.out
    assert "FreeSWITCH Version" in first.out


def test_quiet_gives_only_the_outcome(shipped: Path) -> None:
    ended = run("judge", "--quiet", str(shipped))
    assert ended.status == 0
    assert len(ended.out.splitlines()) == 4
    assert "conforms: " in ended.out.splitlines()[-1]


def test_judging_a_recording_with_a_finding(with_a_finding: Path) -> None:
    ended = run("judge", "--verbose", str(with_a_finding))
    assert (ended.status, ended.err) == (1, "")
    assert ended.out.splitlines()[-1] == "failing: cdr.duration"
    assert "\n  time s  " in ended.out
    assert "  fs_cli> originate {origination_uuid=" in ended.out


@pytest.mark.parametrize("compressed", [True, False])
def test_a_truncated_recording_is_not_decided(
    shipped: Path, tmp_path: Path, compressed: bool
) -> None:
    data = shipped.read_bytes()
    path = tmp_path / ("cut.jsonl.gz" if compressed else "cut.jsonl")
    whole = data if compressed else gzip.decompress(data)
    path.write_bytes(whole[: len(whole) * 3 // 4])
    ended = run("judge", "--quiet", str(path))
    assert (ended.status, ended.err) == (3, "")
    assert "not whole the recording is not whole: " in ended.out
    assert "cut off" in ended.out


def test_a_recording_without_calls_is_not_decided(
    changed: Callable[[None], Path],
) -> None:
    ended = run("judge", "--quiet", str(changed(None)))
    assert (ended.status, ended.err) == (3, "")
    assert "not decided: 0 scenarios in 0 attempts, 0 of " in ended.out


@pytest.mark.parametrize("text", ["", "hello\n", '{"header": {"format": "other"}}\n'])
def test_not_a_recording(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(text)
    ended = run("judge", str(path))
    assert ended.status == 2
    assert ended.one_line().startswith(f"{path} is not a recording")
    assert ended.one_line().endswith("; name a file that a campaign wrote")


def test_a_recording_that_is_not_there(tmp_path: Path) -> None:
    ended = run("judge", str(tmp_path / "none"))
    assert ended.status == 2
    assert f"cannot read {tmp_path / 'none'}: No such file or directory; " in ended.one_line()


# --- what goes wrong before a switch runs --------------------------------------------------------


def test_an_existing_recording_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("precious")
    ended = run("run", "--switch", "process:///bin/true", "--record", str(path))
    assert ended.status == 2
    assert ended.one_line() == (
        f"{path} is already there; choose another name or ask to overwrite it"
    )
    assert path.read_text() == "precious"


@pytest.mark.parametrize("place", ["/proc/none/run.jsonl", "/dev/null/run.jsonl"])
def test_a_recording_that_cannot_be_written(place: str) -> None:
    ended = run("run", "--switch", "process:///bin/true", "--record", place)
    assert ended.status == 2
    assert ended.one_line().startswith(f"cannot write {place}: nothing can be made in ")


def test_a_recording_that_is_a_folder(tmp_path: Path) -> None:
    url = "process:///bin/true"
    ended = run("run", "--switch", url, "--overwrite", "--record", str(tmp_path))
    assert ended.status == 2
    assert ended.one_line().startswith(f"cannot write {tmp_path}: it is a folder; ")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("process:///nowhere/freeswitch", "there is no file /nowhere/freeswitch; give the path"),
        ("process:///bin/true", "/bin/true is not FreeSWITCH: -version says ''; give the path"),
        ("process:///etc/passwd", "/etc/passwd is not executable; give the path"),
        ("freeswitch", "not the URL of a switch: 'freeswitch'; use "),
        ("pigeon://a\x1b[1m", "not the URL of a switch: 'pigeon://a\\x1b[1m'; use "),
    ],
)
def test_no_such_switch(url: str, said: str, temporary: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.jsonl"
    ended = run("run", "--switch", url, "--record", str(recording), TMPDIR=str(temporary))
    assert ended.status == 2
    assert ended.one_line().startswith(said)
    assert not recording.exists()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("host", ["unix://{}/docker.sock", "tcp://127.0.0.1:9", "garbage"])
def test_no_docker_engine(host: str, tmp_path: Path) -> None:
    ended = run("run", "--switch", "docker://some/image", DOCKER_HOST=host.format(tmp_path))
    assert ended.status == 2
    assert ended.one_line().startswith("no Docker engine answers: ")
    assert ended.one_line().endswith("; start Docker, or set DOCKER_HOST to where it is")


# --- a real switch, as a process -----------------------------------------------------------------


def start(temporary: Path, recording: Path, *more: str, url: str = "") -> Running:
    """Start a run that takes long enough to be disturbed."""
    asked = ("--switch", url or f"process://{BINARY}", "--record", str(recording), *more)
    return Running("run", "--quiet", "--scenarios", "300", *asked, TMPDIR=str(temporary))


def disturbed(recording: Path, ended: Ended, ending: Ending, temporary: Path) -> None:
    """Assert that a run that was cut short says so, and leaves only what it learnt so far."""
    assert ended.status == 3, ended
    assert ended.err == ""
    assert "not whole " in ended.out
    assert "\nnot decided: " in ended.out
    read = Recording(recording)
    assert len(list(read)) >= 5
    assert read.footer is not None
    assert read.footer.ended is ending
    assert read.incomplete is not None
    assert read.incomplete.startswith("its campaign ")
    assert run("judge", "--quiet", str(recording)).status == 3
    assert list(temporary.iterdir()) == []


@needs_freeswitch
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_in_mid_campaign(
    number: signal.Signals, temporary: Path, tmp_path: Path
) -> None:
    recording = tmp_path / "run.jsonl.gz"
    running = start(temporary, recording)
    running.until(lambda: placed(recording) >= 5)
    switch = running.switch()
    running.process.send_signal(number)
    ended = running.end(INTERRUPTED_SECONDS)
    assert not is_running(switch)
    disturbed(recording, ended, Ending.INTERRUPTED, temporary)


@needs_freeswitch
def test_an_impatient_user_leaves_nothing_running(temporary: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.jsonl.gz"
    running = start(temporary, recording)
    running.until(lambda: placed(recording) >= 5)
    switch = running.switch()
    for _ in range(4):
        running.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(0.3)
    ended = running.end(INTERRUPTED_SECONDS)
    assert not is_running(switch)
    disturbed(recording, ended, Ending.INTERRUPTED, temporary)


@needs_freeswitch
def test_interrupted_before_the_first_call(temporary: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.jsonl.gz"
    running = start(temporary, recording)
    running.until(lambda: any(temporary.glob("*/console.log")))
    running.process.send_signal(signal.SIGINT)
    ended = running.end(INTERRUPTED_SECONDS)
    assert ended.status == 3
    assert ended.one_line() == "interrupted; nothing is decided"
    assert list(temporary.iterdir()) == []
    assert not recording.exists()


@needs_freeswitch
def test_a_switch_that_is_killed(temporary: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.jsonl.gz"
    running = start(temporary, recording)
    running.until(lambda: placed(recording) >= 5)
    os.kill(running.switch(), signal.SIGKILL)
    ended = running.end(KILLED_SECONDS)
    assert "not whole the switch was lost: " in ended.out
    disturbed(recording, ended, Ending.FAILED, temporary)


@needs_freeswitch
def test_a_switch_that_hangs(temporary: Path, tmp_path: Path) -> None:
    """No finding comes of it: what a switch that stands still does not do says nothing."""
    recording = tmp_path / "run.jsonl.gz"
    running = start(temporary, recording)
    running.until(lambda: placed(recording) >= 5)
    switch = running.switch()
    os.kill(switch, signal.SIGSTOP)
    ended = running.end(HUNG_SECONDS)
    assert not is_running(switch)
    assert "not whole the switch was lost: " in ended.out
    disturbed(recording, ended, Ending.FAILED, temporary)


@needs_freeswitch
def test_without_mod_loopback(temporary: Path, tmp_path: Path) -> None:
    binary = installation_without(Path(BINARY), tmp_path / "fs", "mod_loopback")
    recording = tmp_path / "run.jsonl"
    running = start(temporary, recording, url=f"process://{binary}")
    ended = running.end(90)
    assert ended.status == 2
    assert ended.one_line().startswith("the switch did not load mod_loopback; build or install it")
    assert not recording.exists()
    assert list(temporary.iterdir()) == []


@needs_freeswitch
def test_without_a_cdr_module(temporary: Path, tmp_path: Path) -> None:
    modules = ("mod_json_cdr", "mod_xml_cdr", "mod_cdr_csv")
    binary = installation_without(Path(BINARY), tmp_path / "fs", *modules)
    url = f"process://{binary}"
    asked = ("--switch", url, "--scenarios", "20", "--verbose")
    ended = run("run", *asked, TMPDIR=str(temporary), seconds=120)
    assert ended.status == 3
    verdicts = {row[0]: row[2:4] for line in ended.out.splitlines() if (row := line.split())}
    for name in CLAUSES:
        if name.startswith("cdr."):
            assert verdicts[name] == ["not", "verified"]
    assert (
        "not verified: the switch has no CDR module; load mod_json_cdr or mod_xml_cdr" in ended.out
    )
    assert list(temporary.iterdir()) == []


@needs_freeswitch
def test_the_password_is_nowhere_to_be_seen(temporary: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.jsonl"
    running = start(temporary, recording)
    running.until(lambda: placed(recording) >= 5)
    (conf,) = temporary.glob("*/conf/autoload_configs/event_socket.conf.xml")
    password = conf.read_text().partition('"password" value="')[2].partition('"')[0]
    assert len(password) > 30
    processes = []
    for place in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                processes.append((place / name).read_bytes())
            except OSError:
                continue  # it has ended, or is not ours to read
    running.process.send_signal(signal.SIGINT)
    ended = running.end(INTERRUPTED_SECONDS)
    assert any(b"freeswitch" in text for text in processes)
    assert not any(password.encode() in text for text in processes)
    assert password not in recording.read_text()
    assert password not in ended.out + ended.err


# --- a real switch, in a container ---------------------------------------------------------------


def containers_of(pid: int) -> list[str]:
    """Containers that a process of this pid has made and that are there."""
    client = docker.from_env()
    try:
        found = client.containers.list(all=True, filters={"label": LABEL})
        return [one.id for one in found if f"/{pid}/" in one.labels[LABEL] and one.id]
    finally:
        client.close()


@needs_image
def test_no_such_image() -> None:
    ended = run("run", "--switch", "docker://loopback-test/no-such-image:0")
    assert ended.status == 2
    assert ended.one_line().startswith("image loopback-test/no-such-image:0 is not here and cannot")
    assert "; name another image, or `docker pull` it" in ended.one_line()


@needs_image
@pytest.mark.parametrize("at_its_start", [True, False])
def test_no_container_is_left_after_an_interrupt(
    temporary: Path, tmp_path: Path, at_its_start: bool
) -> None:
    recording = tmp_path / "run.jsonl.gz"
    running = start(temporary, recording, url=f"docker://{IMAGE}")
    pid = running.process.pid
    running.until(lambda: bool(containers_of(pid)) if at_its_start else placed(recording) >= 5)
    assert containers_of(pid)
    running.process.send_signal(signal.SIGINT)
    ended = running.end(INTERRUPTED_SECONDS)
    assert containers_of(pid) == []
    if at_its_start:
        assert ended.status == 3
        assert ended.one_line() == "interrupted; nothing is decided"
    else:
        disturbed(recording, ended, Ending.INTERRUPTED, temporary)


@needs_image
def test_a_container_that_is_killed(temporary: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.jsonl.gz"
    running = start(temporary, recording, url=f"docker://{IMAGE}")
    running.until(lambda: placed(recording) >= 5)
    (container,) = containers_of(running.process.pid)
    client = docker.from_env()
    client.containers.get(container).kill()
    client.close()
    ended = running.end(KILLED_SECONDS)
    assert containers_of(running.process.pid) == []
    assert "not whole the switch was lost: " in ended.out
    disturbed(recording, ended, Ending.FAILED, temporary)
