"""The Event Socket client against switches that misbehave: the right error, in time, no hang."""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.event_socket import (
    AsyncEventSocket,
    CommandFailed,
    ConnectionLost,
    ConnectionRefused,
    CutOff,
    Disconnected,
    EventSocket,
    EventSocketError,
    EventSocketTimeout,
    ProtocolError,
    RejectedByAcl,
    WrongPassword,
    connect,
)
from tests.scripted_switch import PASSWORD, Line, Script, event, frame, reply, switch

GUARD = 20.0
"""Seconds after which a test hangs; far above every deadline within."""

SHORT = 0.2
"""Seconds of a deadline that is meant to pass."""

HANG_UP = frame("text/disconnect-notice", b"Disconnected, goodbye.\nSee you!\n")

Session = Callable[[AsyncEventSocket], Awaitable[None]]


def run(script: Script, session: Session) -> None:
    """Run a session on a connection to a switch that lets it in and follows the script."""

    async def let_in(line: Line) -> None:
        await line.let_in()
        await script(line)

    async def main() -> None:
        async with asyncio.timeout(GUARD), switch(let_in) as port:
            connection = await connect("127.0.0.1", port, PASSWORD)
            try:
                await session(connection)
            finally:
                await connection.close()

    asyncio.run(main())


def connect_error(script: Script, *, timeout: float = GUARD / 2) -> EventSocketError:
    """Connect to a switch that follows the script from the start; give the error."""

    async def main() -> EventSocketError:
        async with asyncio.timeout(GUARD), switch(script) as port:
            with pytest.raises(EventSocketError) as caught:
                await connect("127.0.0.1", port, PASSWORD, timeout=timeout)
            return caught.value

    error = asyncio.run(main())
    assert PASSWORD not in str(error) + repr(error)
    assert "\n" not in str(error)
    return error


# Getting in


def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ConnectionRefused, match=f"cannot connect to 127.0.0.1:{port}"):
            asyncio.run(connect("127.0.0.1", port, PASSWORD))
    gc.collect()
    assert not caplog.records  # such as of a greeting that nobody waited for


def test_mute_switch() -> None:
    error = connect_error(Line.stay, timeout=SHORT)
    assert type(error) is EventSocketTimeout
    assert "did not let this client in within 0.2 s" in str(error)


def test_switch_that_never_answers_auth() -> None:
    async def script(line: Line) -> None:
        await line.say(frame("auth/request"))
        await line.stay()

    assert type(connect_error(script, timeout=SHORT)) is EventSocketTimeout


def test_wrong_password() -> None:
    async def script(line: Line) -> None:
        await line.say(frame("auth/request"))
        await line.command()
        await line.say(reply("-ERR invalid"), HANG_UP)

    error = connect_error(script)
    assert type(error) is WrongPassword
    assert error.cause == "the switch did not take the password: -ERR invalid"


def test_rejection_by_acl() -> None:
    async def script(line: Line) -> None:
        await line.say(frame("text/rude-rejection", b"Access Denied, go away.\n"))

    error = connect_error(script)
    assert type(error) is RejectedByAcl
    assert error.cause == "the switch rejects this client: Access Denied, go away."
    assert "apply-inbound-acl" in error.hint


def test_disconnect_notice_instead_of_a_greeting() -> None:
    async def script(line: Line) -> None:
        await line.say(HANG_UP)

    assert type(connect_error(script)) is Disconnected


def test_closed_instead_of_a_greeting() -> None:
    async def script(line: Line) -> None:
        pass

    error = connect_error(script)
    assert type(error) is CutOff
    assert "without a goodbye" in error.cause


@pytest.mark.parametrize(
    "greeting",
    [
        b"SSH-2.0-x\n\n",
        reply("+OK accepted"),
        frame("auth/request") * 2,
        event({"A": "b"}) + b"\0\n\n",
    ],
)
def test_another_protocol(greeting: bytes) -> None:
    async def script(line: Line) -> None:
        await line.say(greeting)
        await line.stay()

    assert type(connect_error(script)) is ProtocolError


def test_password_that_breaks_out_is_refused_unquoted() -> None:
    async def main() -> None:
        async with switch(Line.let_in) as port:
            with pytest.raises(ValueError, match="must not contain") as caught:
                await connect("127.0.0.1", port, f"{PASSWORD}\nexit")
            assert PASSWORD not in str(caught.value)

    asyncio.run(main())


# Commands


def test_api_gives_the_body_as_is_between_events() -> None:
    body = "-ERR é\n\nContent-Length: 5\n\n".encode() + b"\xff"

    async def script(line: Line) -> None:
        assert await line.command() == "api status"
        await line.say(event({"N": "1"}), frame("api/response", body), event({"N": "2"}))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        assert await connection.api("status") == body.decode("utf-8", "surrogateescape")
        assert await connection.next_event(GUARD) == {"N": "1"}
        assert await connection.next_event(GUARD) == {"N": "2"}

    run(script, session)


def test_api_that_is_not_permitted_gives_the_reply() -> None:
    async def script(line: Line) -> None:
        await line.command()
        await line.say(reply("-ERR permission denied"))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        assert await connection.api("status") == "-ERR permission denied"

    run(script, session)


def test_replies_are_first_in_first_out() -> None:
    async def script(line: Line) -> None:
        commands = [await line.command() for _ in range(3)]
        for command in commands:
            await line.say(frame("api/response", command.encode()))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        bodies = await asyncio.gather(*(connection.api(f"echo {n}") for n in range(3)))
        assert bodies == [f"api echo {n}" for n in range(3)]

    run(script, session)


def test_a_cancelled_command_keeps_its_place_in_the_line() -> None:
    async def script(line: Line) -> None:
        commands = [await line.command() for _ in range(2)]
        for command in commands:
            await line.say(frame("api/response", command.encode()))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        first = asyncio.create_task(connection.api("first"))
        await asyncio.sleep(0)
        first.cancel()
        assert await connection.api("second") == "api second"

    run(script, session)


def test_an_unanswered_command_ends_the_connection() -> None:
    async def script(line: Line) -> None:
        await line.say(event({"N": "1"}))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        with pytest.raises(EventSocketTimeout, match=r"no reply to api status within 0\.2 s"):
            await connection.api("status", timeout=SHORT)
        assert await connection.next_event(GUARD) == {"N": "1"}
        # not EventSocketTimeout: who waits for events in a loop must not wait for ever
        with pytest.raises(ConnectionLost, match="no reply to api status"):
            await connection.next_event(GUARD)
        with pytest.raises(ConnectionLost):
            await connection.api("status")
        with pytest.raises(ConnectionLost):
            connection.take_events()

    run(script, session)


def test_bgapi_sends_our_job_uuid() -> None:
    async def script(line: Line) -> None:
        assert await line.command() == "bgapi originate a b\nJob-UUID: 12-34"
        await line.say(reply("+OK Job-UUID: 12-34"))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        await connection.bgapi("originate a b", "12-34")

    run(script, session)


def test_bgapi_under_another_job_uuid_is_a_protocol_error() -> None:
    async def script(line: Line) -> None:
        await line.command()
        await line.say(reply("+OK Job-UUID: 56"))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        with pytest.raises(ProtocolError, match="another Job-UUID"):
            await connection.bgapi("status", "12")

    run(script, session)


def test_a_refused_command_leaves_the_connection_usable() -> None:
    async def script(line: Line) -> None:
        for text in ("-ERR permission denied", "-ERR invalid syntax", "+OK"):
            await line.command()
            await line.say(reply(text))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        with pytest.raises(CommandFailed, match="refused bgapi status: -ERR permission denied"):
            await connection.bgapi("status secret", "12")
        with pytest.raises(CommandFailed, match="refused filter: -ERR invalid syntax"):
            await connection.filter("Unique-ID", "1")
        await connection.subscribe(["ALL"])

    run(script, session)


def test_subscriptions_and_filters() -> None:
    heard: list[str] = []

    async def script(line: Line) -> None:
        while True:
            heard.append(await line.command())
            await line.say(reply("-ERR not listening" if heard[-1] == "noevents" else "+OK"))

    async def session(connection: AsyncEventSocket) -> None:
        typed: EventSocket = connection
        await typed.subscribe(["CHANNEL_CREATE", "CHANNEL_HANGUP"], custom=["a::b", "c::d"])
        await typed.subscribe([], custom=["a::b"])
        await typed.filter("Unique-ID", "a value")
        await typed.unsubscribe_all()

    run(script, session)
    assert heard == [
        "event json CHANNEL_CREATE CHANNEL_HANGUP CUSTOM a::b c::d",
        "event json CUSTOM a::b",
        "filter Unique-ID a value",
        "noevents",
    ]


def test_commands_cannot_be_broken_out_of() -> None:
    async def session(connection: AsyncEventSocket) -> None:
        for attempt in (
            connection.api("status\n\nexit"),
            connection.api("status\r"),
            connection.bgapi("status", "1\n\nexit"),
            connection.filter("Unique-ID", "1\n"),
            connection.filter("Unique-ID x", "1"),
            connection.subscribe(["ALL\nexit"]),
            connection.subscribe(["ALL plain"]),
            connection.subscribe([""]),
            connection.subscribe([]),
        ):
            with pytest.raises(ValueError, match=r"must not contain|words without spaces"):
                await attempt

    run(Line.stay, session)


# Events and the end


def test_events_are_queued_and_taken() -> None:
    async def script(line: Line) -> None:
        await line.command()
        await line.say(event({"N": "1"}), event({"N": "2"}), event({"N": ["3", ""]}), reply("+OK"))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        assert connection.take_events() == []
        await connection.subscribe(["ALL"])
        assert connection.events_pending() == 3
        assert await connection.next_event(0) == {"N": "1"}
        assert connection.take_events() == [{"N": "2"}, {"N": ["3", ""]}]
        assert connection.events_pending() == 0
        with pytest.raises(EventSocketTimeout, match=r"no event within 0 s"):
            await connection.next_event(0)

    run(script, session)


def test_waiters_share_the_events() -> None:
    async def script(line: Line) -> None:
        await line.command()
        await line.say(reply("+OK"), event({"N": "1"}), event({"N": "2"}))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        waiters = [asyncio.create_task(connection.next_event(None)) for _ in range(2)]
        await connection.subscribe(["ALL"])
        assert [await waiter for waiter in waiters] == [{"N": "1"}, {"N": "2"}]

    run(script, session)


def test_a_stall_in_mid_event_is_a_timeout_that_can_be_waited_out() -> None:
    whole = event({"N": "1"})

    async def script(line: Line) -> None:
        await line.say(whole[:-3])
        await line.command()
        await line.say(whole[-3:], reply("+OK"))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        with pytest.raises(EventSocketTimeout):
            await connection.next_event(SHORT)
        await connection.subscribe(["ALL"])
        assert await connection.next_event(GUARD) == {"N": "1"}

    run(script, session)


@pytest.mark.parametrize(
    ("last", "expected", "cause"),
    [
        (event({"N": "2"})[:-3], CutOff, "in the middle of a message"),
        (b"", CutOff, "without a goodbye"),
        (HANG_UP, Disconnected, "disconnected this client: Disconnected, goodbye. See you!"),
        (frame("api/response"), ProtocolError, "a reply that no command asked for"),
        (
            b"Content-Type: text/event-json\nContent-Length: 1000000000000\n\n",
            ProtocolError,
            "a body of more than 16777216 bytes",
        ),
        (
            b"Content-Type: text/event-json\nContent-Length: -1\n\n",
            ProtocolError,
            "a malformed Content-Length",
        ),
    ],
)
def test_events_before_the_end_are_kept(
    last: bytes, expected: type[EventSocketError], cause: str
) -> None:
    async def script(line: Line) -> None:
        await line.say(event({"N": "1"}), last)

    async def session(connection: AsyncEventSocket) -> None:
        assert await connection.next_event(GUARD) == {"N": "1"}
        for _ in range(2):
            with pytest.raises(expected, match=cause) as caught:
                await connection.next_event(GUARD)
            assert type(caught.value) is expected
            await connection.close()
        with pytest.raises(expected):
            connection.take_events()

    run(script, session)


def test_the_end_reaches_who_waits_for_a_reply() -> None:
    async def script(line: Line) -> None:
        await line.command()

    async def session(connection: AsyncEventSocket) -> None:
        results = await asyncio.gather(
            connection.api("status"), connection.next_event(None), return_exceptions=True
        )
        assert [type(result) for result in results] == [CutOff, CutOff]

    run(script, session)


def test_a_lingering_switch_still_sends_events() -> None:
    async def script(line: Line) -> None:
        await line.command()
        await line.say(frame("text/disconnect-notice", headers={"Content-Disposition": "linger"}))
        await line.say(reply("+OK"), event({"N": "1"}))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        await connection.subscribe(["ALL"])
        assert await connection.next_event(GUARD) == {"N": "1"}
        assert connection.take_events() == []  # the connection has not ended

    run(script, session)


def test_an_api_response_to_another_command_is_a_protocol_error() -> None:
    async def script(line: Line) -> None:
        await line.command()
        await line.say(frame("api/response", b"+OK"))
        await line.stay()

    async def session(connection: AsyncEventSocket) -> None:
        with pytest.raises(ProtocolError, match="reply to filter is of another kind"):
            await connection.filter("A", "b")

    run(script, session)


def test_closing_twice_and_using_after() -> None:
    async def session(connection: AsyncEventSocket) -> None:
        await connection.close()
        await connection.close()
        with pytest.raises(ConnectionLost, match="closed by this client"):
            await connection.api("status")
        with pytest.raises(ConnectionLost):
            await connection.next_event(None)

    run(Line.stay, session)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200), st.booleans())
def test_whatever_the_switch_sends_the_client_ends(data: bytes, as_body: bool) -> None:
    async def script(line: Line) -> None:
        await line.say(frame("text/event-json", data) if as_body else data)

    async def session(connection: AsyncEventSocket) -> None:
        async def take_all() -> None:
            while True:
                await connection.next_event(GUARD)

        with pytest.raises(EventSocketError):
            await take_all()

    run(script, session)


def test_errors_are_one_printable_line() -> None:
    error = Disconnected("bye \udcff\r\n now", "try\nagain")
    assert str(error) == "bye \\udcff now; try again"
    assert (error.cause, error.hint) == ("bye \\udcff now", "try again")
