"""A run on a real FreeSWITCH that somebody else started and that has calls of its own: where
LOOPBACK_CONFORMANCE_FREESWITCH is the path of a freeswitch binary."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from campaign.attempt import TOKEN
from conformance.profile import Profile
from fixtures.configuration import render
from fixtures.event_socket import EventSocketError, connect
from fixtures.recording import Recording
from fixtures.switches.cdr_collector import Posting
from fixtures.switches.export import export
from fixtures.switches.layout import arguments
from fixtures.switches.process import _environment, _module_directory
from tests.command import Running, placed, run

BINARY = os.environ.get("LOOPBACK_CONFORMANCE_FREESWITCH", "")

pytestmark = pytest.mark.skipif(
    not BINARY, reason="set LOOPBACK_CONFORMANCE_FREESWITCH to the path of a freeswitch binary"
)

THEIRS = """\
<include>
<context name="{0}">
<X-PRE-PROCESS cmd="include" data="{0}/*.xml"/>
<extension name="theirs"><condition field="destination_number" expression="^theirs$">
<action application="answer"/><action application="park"/></condition></extension>
<extension name="catch-all"><condition field="destination_number" expression=".">
<action application="answer"/><action application="park"/></condition></extension>
</context>
</include>
"""


@dataclass(frozen=True)
class Theirs:
    """Somebody else's switch: its port, where the export lies, and its process."""

    port: int
    exported: Path
    process: subprocess.Popen[bytes]

    @property
    def options(self) -> list[str]:
        """The options that reach it."""
        return [
            *("--switch", f"esl://127.0.0.1:{self.port}"),
            *("--password-file", str(self.exported / "password")),
            *("--cdrs", str(self.exported / "collector.json")),
        ]

    def ask(self, command: str) -> str:
        """Give what an API command answers."""

        async def ask() -> str:
            word = (self.exported / "password").read_text().strip()
            connection = await connect("127.0.0.1", self.port, word)
            try:
                return await connection.api(command)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def rows(self) -> list[dict[str, str]]:
        """Give the table of all channels."""
        rows: list[dict[str, str]] = json.loads(self.ask("show channels as json")).get("rows", [])
        return rows

    def legs(self) -> set[str]:
        """Give the uuids of all channels."""
        return {row["uuid"] for row in self.rows()}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theirs]:
    """A switch with the export installed, a catch-all of its own, and 20 calls."""
    root = tmp_path_factory.mktemp("theirs")
    exported, port = root / "exported", free_port()
    export(exported, port=port, posting=Posting.new("127.0.0.1", free_port()))
    tree = render(Profile(), password="replaced", port=port, cdr_dir=str(root / "cdr"))
    tree |= {f"dialplan/{name}.xml": THEIRS.format(name) for name in ("default", "public")}
    tree |= {
        str(file.relative_to(exported)): file.read_text()
        for folder in ("dialplan", "autoload_configs")
        for file in (exported / folder).rglob("*.xml")
    }
    for path, text in tree.items():
        (root / "conf" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "conf" / path).write_text(text)
    binary = Path(BINARY).resolve()
    modules = _module_directory(binary)
    with (root / "console.log").open("wb") as log:
        process = subprocess.Popen(
            [str(binary), *arguments(root), *(("-mod", str(modules)) if modules else ())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(binary),
        )
    switch = Theirs(port, exported, process)
    try:
        wait_until_ready(switch)
        for _ in range(20):
            switch.ask("originate loopback/theirs/default &park")
        wait_until(lambda: len(switch.legs()) == 40)
        yield switch
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(true: Callable[[], bool]) -> None:
    """The table of channels follows what is so, a little later."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def wait_until_ready(switch: Theirs) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if "is ready" in switch.ask("status"):
                return
        except EventSocketError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_doctor_finds_nothing_that_keeps_it_from_being_tested(theirs: Theirs) -> None:
    before = theirs.legs()
    done = run("doctor", *theirs.options)
    assert done.status == 0, done.out + done.err
    assert "stop" not in done.out.split()
    wait_until(lambda: theirs.legs() == before)


def test_a_run_conforms_and_leaves_the_calls_of_others_alone(
    theirs: Theirs, tmp_path: Path
) -> None:
    before, path = theirs.legs(), tmp_path / "run.jsonl.gz"
    given = ("--scenarios", "40", "--no-corpus", "--record", str(path))
    done = run("run", *theirs.options, *given, seconds=180)
    assert "does not conform" not in done.out, done.out
    wait_until(lambda: theirs.legs() == before)
    recorded = list(Recording(path))
    assert len(recorded) == 40
    asking = ("process_cdr", "skip_cdr_causes")  # for which no leg of a call may have one
    wanted = (one for one in recorded if not any(name in repr(one.scenario) for name in asking))
    assert all(placement.cdrs for one in wanted for placement in one.attempts if placement.events)
    assert "loopback-conformance" not in theirs.ask("hash_dump db")


def test_it_is_compared_with_its_own_baseline(theirs: Theirs, tmp_path: Path) -> None:
    before, path, told = theirs.legs(), tmp_path / "baseline.jsonl.gz", tmp_path / "changes.json"
    done = run("record", str(path), *theirs.options, "--scenarios", "10", "-q", seconds=180)
    assert done.status == 0, done.out + done.err
    given = ("--old", str(path), "--new", *theirs.options[1:], "--json", str(told))
    done = run("compare", *given, seconds=180)
    read = json.loads(told.read_text())
    assert read["failures"] == [], done.out
    assert read["scenarios"] == 10
    wait_until(lambda: theirs.legs() == before)


def test_a_run_that_is_broken_off_leaves_no_call_behind(theirs: Theirs, tmp_path: Path) -> None:
    before, path = theirs.legs(), tmp_path / "run.jsonl"
    running = Running("run", *theirs.options, "--scenarios", "200", "--record", str(path))
    running.until(lambda: placed(path) > 0)
    running.process.send_signal(signal.SIGTERM)
    assert running.end(30).status == 3
    wait_until(lambda: theirs.legs() == before)
    assert "loopback-conformance" not in theirs.ask("hash_dump db")


def test_what_a_suite_that_was_killed_leaves_ends_by_itself(theirs: Theirs, tmp_path: Path) -> None:
    """Each leg that is left has a time limit on the switch; waiting for it would take minutes."""
    before, path = theirs.legs(), tmp_path / "run.jsonl"
    running = Running("run", *theirs.options, "--scenarios", "200", "--record", str(path))
    running.until(lambda: placed(path) > 0)
    running.process.kill()
    running.end(30)
    time.sleep(3)  # control calls end by themselves, and the switch's tables follow
    left = theirs.legs() - before
    try:
        assert left
        limits = Counter(TOKEN.findall(theirs.ask("show tasks")))  # each under its call's token
        found = [TOKEN.search(json.dumps(row)) for row in theirs.rows() if row["uuid"] in left]
        legs = Counter(token[0] for token in found if token)
        assert legs.total() == len(found)
        assert legs <= limits
    finally:
        for uuid in left:
            theirs.ask(f"uuid_kill {uuid}")


def test_a_switch_that_stands_still_ends_in_no_finding(theirs: Theirs, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    given = ("--scenarios", "40", "--no-corpus", "--record", str(path))
    running = Running("run", *theirs.options, *given)
    running.until(lambda: placed(path) > 0)
    os.kill(theirs.process.pid, signal.SIGSTOP)
    time.sleep(12)  # longer than a command waits for its answer
    os.kill(theirs.process.pid, signal.SIGCONT)
    done = running.end(240)
    assert "does not conform" not in done.out, done.out
    assert Recording(path).complete or len(list(Recording(path))) == 40
