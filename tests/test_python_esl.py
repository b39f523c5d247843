"""The python-ESL transport: with FreeSWITCH's module where it is, with stand-ins anywhere."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fixtures.event_socket import (
    AsyncEventSocket,
    CommandFailed,
    ConnectionLost,
    ConnectionRefused,
    CutOff,
    EventSocket,
    EventSocketError,
    EventSocketTimeout,
    Headers,
    RejectedByAcl,
    WrongPassword,
    connect,
    connect_python_esl,
    python_esl,
)
from tests.scripted_switch import PASSWORD, Line, Script, event, frame, reply, switch

GUARD = 40.0
"""Seconds after which a test hangs; far above every deadline within."""

START = 20.0
"""Seconds for the worker to start and log in on a busy host."""

SHORT = 1.0
"""Seconds of a deadline that is meant to pass."""

Session = Callable[[AsyncEventSocket], Awaitable[None]]

needs_python_esl = pytest.mark.skipif(
    not python_esl.available(), reason=python_esl.unavailable_reason() or ""
)


def run(script: Script, session: Session) -> None:
    """Run a session through python-ESL with a switch that follows the script once it let us in."""

    async def let_in(line: Line) -> None:
        await line.let_in()
        await script(line)

    async def main() -> None:
        async with asyncio.timeout(GUARD), switch(let_in) as port:
            connection = await connect_python_esl("127.0.0.1", port, PASSWORD, timeout=START)
            try:
                await session(connection)
            finally:
                await connection.close()

    asyncio.run(main())


def connect_error(script: Script, *, timeout: float = START) -> EventSocketError:
    """Connect through python-ESL to a switch that follows the script; give the error."""

    async def main() -> EventSocketError:
        async with asyncio.timeout(GUARD), switch(script) as port:
            with pytest.raises(EventSocketError) as caught:
                await connect_python_esl("127.0.0.1", port, PASSWORD, timeout=timeout)
            return caught.value

    error = asyncio.run(main())
    assert PASSWORD not in str(error) + repr(error)
    return error


# With FreeSWITCH's module


@needs_python_esl
def test_commands_and_events() -> None:
    async def script(line: Line) -> None:
        assert await line.command() == "event json ALL CUSTOM a::b"
        await line.say(event({"N": "1"}), reply("+OK event listener enabled json"))
        assert await line.command() == "filter Unique-ID a b"
        await line.say(reply("+OK filter added"))
        assert (await line.command()).rstrip() == "api status"
        await line.say(event({"N": "2"}), frame("api/response", b"UP 1 year\n-ERR \xff\n"))
        assert await line.command() == "bgapi originate a b\nJob-UUID: 12"
        await line.say(reply("+OK Job-UUID: 12"), event({"N": "3"}))
        assert await line.command() == "noevents"
        await line.say(reply("-ERR not listening for events"))
        assert (await line.command()).startswith("bgapi")
        await line.say(reply("-ERR permission denied"))
        await line.say(event({"N": "4"}))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        typed: EventSocket = connection
        await typed.subscribe(["ALL"], custom=["a::b"])
        await typed.filter("Unique-ID", "a b")
        assert await typed.api("status") == "UP 1 year\n-ERR \udcff\n"
        await typed.bgapi("originate a b", "12")
        await typed.unsubscribe_all()
        with pytest.raises(CommandFailed, match="permission denied"):
            await typed.bgapi("status", "34")
        assert [await typed.next_event(START) for _ in range(4)] == [{"N": n} for n in "1234"]
        with pytest.raises(EventSocketTimeout):
            await typed.next_event(SHORT)

    run(script, session)


EVENTS: list[Headers] = [
    {"Event-Name": "CHANNEL_CREATE", "Event-Sequence": "1", "variable_a": "100%41 + é\n:"},
    {"Event-Name": "CUSTOM", "list": ["a", "b|c"], "quote": '"\\/'},
    {"Event-Name": "BACKGROUND_JOB", "Job-UUID": "12", "Content-Length": "4", "_body": "+OK\n"},
]


@needs_python_esl
def test_both_clients_observe_the_same() -> None:
    """A differential test: the same switch, through both."""

    async def script(line: Line) -> None:
        await line.let_in()
        await line.say(*(event(headers) for headers in EVENTS))
        await line.say(frame("text/event-json", b'{"raw":"\xff\xe9"}'))
        await line.stay()

    async def main() -> None:
        async with asyncio.timeout(GUARD), switch(script) as port:
            ours = await connect("127.0.0.1", port, PASSWORD)
            theirs = await connect_python_esl("127.0.0.1", port, PASSWORD, timeout=START)
            try:
                for expected in (*EVENTS, {"raw": "\udcff\udce9"}):
                    assert await ours.next_event(START) == expected
                    assert await theirs.next_event(START) == expected
            finally:
                await ours.close()
                await theirs.close()

    asyncio.run(main())


@needs_python_esl
def test_python_esl_drops_empty_values() -> None:
    async def script(line: Line) -> None:
        await line.say(event({"N": "1", "empty": ""}))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        assert await connection.next_event(START) == {"N": "1"}

    run(script, session)


@needs_python_esl
def test_nobody_listens() -> None:
    async def main() -> None:
        async with switch(Line.stay) as port:
            pass
        with pytest.raises(ConnectionRefused):
            await connect_python_esl("127.0.0.1", port, PASSWORD, timeout=START)

    asyncio.run(main())


@needs_python_esl
def test_wrong_password() -> None:
    async def script(line: Line) -> None:
        await line.say(frame("auth/request"))
        await line.command()
        await line.say(reply("-ERR invalid"))

    assert type(connect_error(script)) is WrongPassword


@needs_python_esl
def test_rejection_by_acl() -> None:
    async def script(line: Line) -> None:
        await line.say(frame("text/rude-rejection", b"Access Denied, go away.\n"))

    assert type(connect_error(script)) is RejectedByAcl


@needs_python_esl
@pytest.mark.parametrize("greeting", [b"", b"Content-Type: auth/request\n\n"])
def test_mute_switch(greeting: bytes) -> None:
    async def script(line: Line) -> None:
        await line.say(greeting)
        await line.stay()

    assert type(connect_error(script, timeout=SHORT)) is EventSocketTimeout


@needs_python_esl
def test_an_unanswered_command_ends_the_connection() -> None:
    async def session(connection: AsyncEventSocket) -> None:
        with pytest.raises(EventSocketTimeout, match="no reply to api status"):
            await connection.api("status", timeout=SHORT)
        with pytest.raises(ConnectionLost):
            await connection.next_event(START)

    run(Line.stay, session)


@needs_python_esl
@pytest.mark.parametrize(
    "last",
    [
        b"",
        event({"N": "2"})[:-3],
        frame("text/disconnect-notice", b"Disconnected, goodbye.\n"),
        b"Content-Type: text/event-json\nContent-Length: -2\n\n",
    ],
)
def test_events_before_the_end_are_kept(last: bytes) -> None:
    async def script(line: Line) -> None:
        await line.say(event({"N": "1"}), last)

    async def session(connection: AsyncEventSocket) -> None:
        assert await connection.next_event(START) == {"N": "1"}
        with pytest.raises(ConnectionLost):
            await connection.next_event(START)

    run(script, session)


# With stand-ins for the module


def install(stand_in: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a module ESL of this source before any other, here and in the worker."""
    (folder / "ESL.py").write_text(stand_in)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "ESL", raising=False)


STAND_IN = """
import os, signal, time
class ESLconnection:
    def __init__(self, host, port, password):
        print("noise on the standard output", flush=True)
        with open(os.path.join(os.path.dirname(__file__), "pid"), "w") as file:
            file.write(str(os.getpid()))
        {connecting}
    def connected(self):
        return 1
    def socketDescriptor(self):
        return 0
    def recvEventTimed(self, milliseconds):
        return None
    def sendRecv(self, command):
        {answering}
"""


def assert_worker_is_gone(folder: Path) -> None:
    """Look for the process that the stand-in in this folder noted."""
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


def run_with_stand_in(session: Session) -> None:
    """Run a session on a stand-in."""

    async def main() -> None:
        async with asyncio.timeout(GUARD):
            connection = await connect_python_esl("127.0.0.1", 1, PASSWORD, timeout=START)
            try:
                await session(connection)
            finally:
                await connection.close()

    asyncio.run(main())


def test_a_crash_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crash = "os.kill(os.getpid(), signal.SIGSEGV)"
    install(STAND_IN.format(connecting="pass", answering=crash), tmp_path, monkeypatch)

    async def session(connection: AsyncEventSocket) -> None:
        with pytest.raises(CutOff, match="python-ESL's process died of signal 11"):
            await connection.api("status")

    run_with_stand_in(session)
    assert_worker_is_gone(tmp_path)


def test_a_hang_in_a_command_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hang = "time.sleep(3600)"
    install(STAND_IN.format(connecting="pass", answering=hang), tmp_path, monkeypatch)

    async def session(connection: AsyncEventSocket) -> None:
        with pytest.raises(EventSocketTimeout):
            await connection.api("status", timeout=SHORT)

    run_with_stand_in(session)
    assert_worker_is_gone(tmp_path)


def test_a_hang_in_connecting_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hang = "time.sleep(3600)"
    install(STAND_IN.format(connecting=hang, answering="pass"), tmp_path, monkeypatch)
    with pytest.raises(EventSocketTimeout, match="python-ESL did not connect"):
        asyncio.run(connect_python_esl("127.0.0.1", 1, PASSWORD, timeout=SHORT))
    assert_worker_is_gone(tmp_path)


def test_another_projects_module_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("", tmp_path, monkeypatch)
    assert not python_esl.available()
    with pytest.raises(EventSocketError, match="another project's; build python-ESL"):
        asyncio.run(connect_python_esl("127.0.0.1", 1, PASSWORD))


def test_a_module_that_does_not_load_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("raise ImportError('no shared object')", tmp_path, monkeypatch)
    assert python_esl.unavailable_reason() == "python-ESL is not installed: no shared object"
