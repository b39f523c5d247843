"""The embedded switch's Event Socket: what clients say to it, and what hostile ones do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.profile import Profile
from fixtures.configuration import render
from fixtures.embedded.clock import EPOCH
from fixtures.embedded.event_socket_server import LONGEST_COMMAND, MOST_CONNECTIONS, Connection
from fixtures.embedded.event_socket_server import Server as EventSocketServer
from fixtures.embedded.switch import Switch
from fixtures.event_socket.codec import ApiResponse, CommandReply, Decoder, Event, Message

PASSWORD = "only this one"
TWO = b"\n\n"


class Wire(asyncio.Transport):
    """What a connection writes to; the client's side of it is `said`."""

    def __init__(self) -> None:
        super().__init__()
        self.said = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.said += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


class Client:
    """A client whose bytes arrive as it likes."""

    def __init__(self, server: EventSocketServer) -> None:
        self.wire = Wire()
        self.connection = Connection(server, PASSWORD)
        self.connection.connection_made(self.wire)
        self._decoder = Decoder()
        self.take()

    def send(self, data: bytes) -> list[Message]:
        if not self.wire.closed:
            self.connection.data_received(data)
        return self.take()

    def take(self) -> list[Message]:
        self._decoder.feed(bytes(self.wire.said))
        self.wire.said.clear()
        return list(self._decoder.messages())

    def log_in(self) -> Client:
        (reply,) = self.send(f"auth {PASSWORD}\n\n".encode())
        assert isinstance(reply, CommandReply)
        assert reply.text == "+OK accepted"
        return self

    def api(self, command: str) -> str:
        (answer,) = [
            one for one in self.send(f"api {command}\n\n".encode()) if isinstance(one, ApiResponse)
        ]
        return answer.body

    def lost(self) -> None:
        self.connection.connection_lost(None)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("embedded")
    tree = render(Profile(), password=PASSWORD, port=1, cdr_dir=str(root / "cdr"))
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def serve(directory: Path) -> Callable[[Callable[[EventSocketServer], None]], None]:
    def run(test: Callable[[EventSocketServer], None]) -> None:
        async def inside() -> None:
            test(EventSocketServer(Switch(directory, 1, frozenset())))

        asyncio.run(inside())

    return run


Serve = Callable[[Callable[[EventSocketServer], None]], None]


def replies(messages: list[Message]) -> list[str]:
    return [one.text for one in messages if isinstance(one, CommandReply)]


def test_only_the_password_lets_in(serve: Serve) -> None:
    def test(server: EventSocketServer) -> None:
        stranger = Client(server)
        assert replies(stranger.send(b"auth wrong\n\n")) == ["-ERR invalid"]
        assert stranger.wire.closed
        nobody = Client(server)
        for command in (b"api version", b"event json ALL", b"bgapi status"):
            assert replies(nobody.send(command + TWO)) == ["-ERR command not found"]
        assert nobody.wire.closed
        assert Client(server).log_in().api("version").startswith("FreeSWITCH Version")

    serve(test)


def test_no_password_lets_nobody_in(directory: Path) -> None:
    async def inside() -> None:
        server = EventSocketServer(Switch(directory, 1, frozenset()))
        wire, connection = Wire(), Connection(server, "")
        connection.connection_made(wire)
        connection.data_received(b"auth \n\n")
        assert wire.closed

    asyncio.run(inside())


def test_commands_in_any_pieces(serve: Serve) -> None:
    def test(server: EventSocketServer) -> None:
        client = Client(server)
        said = f"auth {PASSWORD}\n\napi global_getvar a\r\n\r\n\n\nlinger\n\nnolinger\n\n".encode()
        messages = [one for at in range(len(said)) for one in client.send(said[at : at + 1])]
        assert replies(messages) == ["+OK accepted", "+OK will linger", "+OK will not linger"]
        assert sum(isinstance(one, ApiResponse) for one in messages) == 1

    serve(test)


def test_events_as_asked_for(serve: Serve) -> None:
    def test(server: EventSocketServer) -> None:
        plain, other = Client(server).log_in(), Client(server).log_in()
        assert replies(plain.send(b"event plain CUSTOM embedded::clock\n\n"))[0].startswith("+OK")
        assert replies(other.send(b"event json RELOADXML CUSTOM a::b\n\n"))[0].startswith("+OK")
        commander = Client(server).log_in()
        assert commander.api(f"embedded_clock {EPOCH + 5}") == f"+OK {EPOCH + 5}\n"
        (clock,) = plain.take()
        assert isinstance(clock, Event)
        assert clock.headers["Granted-Until"] == str(EPOCH + 5)
        assert clock.headers["Event-Date-Timestamp"] == str(EPOCH + 5)
        commander.api("reloadxml")
        assert [one.headers["Event-Name"] for one in other.take() if isinstance(one, Event)] == [
            "RELOADXML"
        ]
        assert replies(other.send(b"nixevent RELOADXML\n\n")) == ["+OK events nixed"]
        commander.api("reloadxml")
        assert not other.take()
        assert replies(other.send(b"noevents\n\n"))[0].startswith("+OK")
        assert replies(other.send(b"noevents\n\n"))[0].startswith("-ERR")

    serve(test)


def test_filters_are_alternatives(serve: Serve) -> None:
    def test(server: EventSocketServer) -> None:
        client = Client(server).log_in()
        client.send(b"event json BACKGROUND_JOB\n\n")
        client.send(b"filter Job-UUID one\n\nfilter Job-UUID two\n\n")
        messages = [
            message
            for job in ("one", "two", "three")
            for message in client.send(f"bgapi version\nJob-UUID: {job}\n\n".encode())
        ]
        jobs = [one.headers["Job-UUID"] for one in messages if isinstance(one, Event)]
        assert jobs == ["one", "two"]
        assert replies(messages)[0] == "+OK Job-UUID: one"

    serve(test)


def test_exit_says_goodbye(serve: Serve) -> None:
    def test(server: EventSocketServer) -> None:
        client = Client(server).log_in()
        client.connection.data_received(b"exit\n\n")
        assert b"text/disconnect-notice" in client.wire.said
        assert client.wire.closed

    serve(test)


def test_an_originate_holds_back_only_its_own_connection(serve: Serve) -> None:
    def test(server: EventSocketServer) -> None:
        waiting, clock = Client(server).log_in(), Client(server).log_in()
        assert waiting.send(b"api originate null/x &park\n\napi version\n\n") == []
        clock.api(f"embedded_clock {EPOCH + 1_000_000}")
        assert json.loads(clock.api("show channels as json"))["row_count"] == 1
        (answer,) = waiting.take()
        assert isinstance(answer, ApiResponse)
        assert answer.body.startswith("+OK ")

    serve(test)


def test_commands_that_are_none(serve: Serve) -> None:
    def test(server: EventSocketServer) -> None:
        client = Client(server).log_in()
        for command in ("", "nothing", "uuid_kill", "originate", "originate x", "show", "hash x"):
            assert client.api(command)[:1] == "-"
        for line in (b"sendmsg", b"event", b"event xml ALL", b"filter", b"\xff\xfe"):
            assert replies(client.send(line + TWO))[0].startswith("-ERR")

    serve(test)


def test_two_hundred_connections(serve: Serve) -> None:
    def test(server: EventSocketServer) -> None:
        clients = [Client(server).log_in() for _ in range(200)]
        for client in clients:
            client.send(b"event json RELOADXML\n\n")
        clients[0].api("reloadxml")
        assert all(len(client.take()) == 1 for client in clients[1:])
        more = [Client(server) for _ in range(MOST_CONNECTIONS)]
        assert more[-1].wire.closed
        for client in clients + more:
            client.lost()
        assert not server.connections
        Client(server).log_in()

    serve(test)


def test_an_endless_command_ends_the_connection(serve: Serve) -> None:
    def test(server: EventSocketServer) -> None:
        client = Client(server)
        piece = b"X" * (LONGEST_COMMAND // 4)
        for _ in range(5):
            client.send(piece)
        assert client.wire.closed
        Client(server).log_in()

    serve(test)


_WORDS = st.sampled_from(
    [
        *(b"api", b"bgapi", b"event", b"json", b"plain", b"ALL", b"CUSTOM", b"filter", b"auth"),
        *(b"exit", b"linger", b"noevents", b"nixevent", b"delete", b"originate", b"uuid_kill"),
        *(b"uuid_setvar", b"hash", b"insert/a/b/c", b"show", b"channels", b"as", b"embedded_clock"),
        *(b"null/x", b"&park", b"{a=1}", b"[b='2", b"loopback/1", b"&bridge(loopback/2)", b"\\"),
        *(b"99999999999999999999999", b"-1", b"1800000000500000", b"Job-UUID: x", b"\xff\xfe\x00"),
    ]
)
_LINES = st.lists(st.one_of(_WORDS, st.binary(max_size=20)), max_size=8).map(b" ".join)
_SPEECH = st.lists(
    st.tuples(_LINES, st.sampled_from([b"\n", TWO, b"\r\n\r\n", b"\n\n\n"])), max_size=30
).map(lambda parts: b"".join(line + end for line, end in parts))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_SPEECH, st.lists(st.integers(1, 40), max_size=20), st.booleans())
def test_hostile_input(serve: Serve, speech: bytes, cuts: list[int], inside: bool) -> None:
    def test(server: EventSocketServer) -> None:
        client = Client(server)
        if inside:
            client.log_in()
        pieces: list[bytes] = []
        rest = speech
        for cut in cuts:
            pieces, rest = [*pieces, rest[:cut]], rest[cut:]
        for piece in (*pieces, rest):
            messages = client.send(piece)
            if not inside:
                assert not any(isinstance(one, ApiResponse | Event) for one in messages)
                assert not any(text.startswith("+OK acc") for text in replies(messages))
        client.lost()
        assert Client(server).log_in().api("status").count("is ready") == 1

    serve(test)


def test_over_tcp(directory: Path) -> None:
    """The same through a real socket."""

    async def inside() -> None:
        server = EventSocketServer(Switch(directory, 1, frozenset()))
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Connection(server, PASSWORD), "127.0.0.1", 0)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            await _talk(port)

    asyncio.run(inside())


async def _talk(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.readuntil(TWO) == b"Content-Type: auth/request\n\n"
    writer.write(f"auth {PASSWORD}\n\napi version\n\nexit\n\n".encode())
    said = await reader.read()
    assert b"FreeSWITCH Version" in said
    assert said.endswith(b"cluecon.com/\n")
    writer.close()
    await writer.wait_closed()
