"""The Event Socket codec: the same messages however the bytes are cut, and no half ones."""

import json
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.event_socket.codec import (
    ApiResponse,
    AuthRequest,
    CommandReply,
    Decoder,
    DisconnectNotice,
    Event,
    Headers,
    Message,
    Rejection,
    encode_command,
)
from fixtures.event_socket.errors import ProtocolError

# a busy host is slow, which is no finding
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def to_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def frame(content_type: str, body: bytes = b"", extra: bytes = b"") -> bytes:
    length = b"Content-Length: %d\n" % len(body) if body else b""
    return length + b"Content-Type: %s\n%s\n%s" % (content_type.encode(), extra, body)


def json_frame(headers: Headers) -> bytes:
    return frame("text/event-json", to_bytes(json.dumps(headers, ensure_ascii=False)))


def plain_frame(headers: Headers) -> bytes:
    lines = b""
    for name, value in headers.items():
        if name != "_body":
            text = value if isinstance(value, str) else "ARRAY::" + "|:".join(value)
            lines += to_bytes(name) + b": " + quote_from_bytes(to_bytes(text)).encode() + b"\n"
    return frame("text/event-plain", lines + b"\n" + to_bytes(str(headers.get("_body", ""))))


names = st.text("ABab01-_", min_size=1, max_size=8)
anything = st.binary(max_size=40).map(to_text)
lines = st.binary(max_size=40).map(lambda data: to_text(b"+" + data.replace(b"\n", b"?")))
plain_values = anything.filter(lambda text: text and not text.startswith("ARRAY::"))
array_elements = st.text("ab %é\n", min_size=1, max_size=8)


@st.composite
def events(draw: st.DrawFn) -> Headers:
    """Events that the plain format can carry without loss."""
    values = plain_values | st.lists(array_elements, min_size=2, max_size=4)
    headers = draw(st.dictionaries(names, values, min_size=1, max_size=6))
    if body := draw(anything):
        headers |= {"Content-Length": str(len(to_bytes(body))), "_body": body}
    return headers


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, Message]:
    """A frame and the message that it is."""
    match draw(st.integers(0, 7)):
        case 0:
            return frame("auth/request"), AuthRequest()
        case 1:
            text = draw(lines)
            headers = {"Content-Type": "command/reply", "Reply-Text": text}
            extra = b"Reply-Text: " + to_bytes(text) + b"\n"
            return frame("command/reply", extra=extra), CommandReply(text, headers)
        case 2:
            body = draw(st.binary(max_size=200))
            return frame("api/response", body), ApiResponse(to_text(body))
        case 3:
            body = draw(st.binary(max_size=50))
            linger = draw(st.booleans())
            extra = b"Content-Disposition: linger\n" if linger else b""
            notice = frame("text/disconnect-notice", body, extra)
            return notice, DisconnectNotice(to_text(body), linger)
        case 4:
            body = draw(st.binary(max_size=50))
            return frame("text/rude-rejection", body), Rejection(to_text(body))
        case 5:
            event = draw(events())
            return plain_frame(event), Event(event)
        case _:
            event = draw(events())
            return json_frame(event), Event(event)


def decode(data: bytes, cuts: list[int] | None = None, **caps: int) -> tuple[list[Message], str]:
    """Decode the bytes cut at these places; give the messages and how it ended."""
    decoder = Decoder(**caps)
    found: list[Message] = []
    places = sorted(min(cut, len(data)) for cut in cuts or [])
    try:
        for start, end in zip([0, *places], [*places, len(data)], strict=True):
            decoder.feed(data[start:end])
            found.extend(decoder.messages())
    except ProtocolError as error:
        return found, str(error)
    return found, "mid frame" if decoder.mid_frame else "complete"


cuts = st.lists(st.integers(0, 2000), max_size=30)


@untimed
@given(st.lists(messages(), max_size=8), cuts)
def test_any_chunking_gives_the_same_messages(
    frames: list[tuple[bytes, Message]], cuts: list[int]
) -> None:
    data = b"".join(data for data, _ in frames)
    assert decode(data, cuts) == ([message for _, message in frames], "complete")


@untimed
@given(st.lists(messages(), max_size=4))
def test_one_byte_at_a_time_gives_the_same_messages(frames: list[tuple[bytes, Message]]) -> None:
    data = b"".join(data for data, _ in frames)
    found, _ = decode(data, list(range(len(data))))
    assert found == [message for _, message in frames]


@untimed
@given(st.lists(messages(), min_size=1, max_size=4), st.data())
def test_truncation_never_yields_a_half_message(
    frames: list[tuple[bytes, Message]], data: st.DataObject
) -> None:
    whole = b"".join(part for part, _ in frames)
    length = data.draw(st.integers(0, len(whole)))
    complete = []
    end = 0
    for part, message in frames:
        if end + len(part) > length:
            break
        end += len(part)
        complete.append(message)
    assert decode(whole[:length]) == (complete, "mid frame" if end < length else "complete")


pieces = st.lists(
    st.sampled_from(
        [
            b"Content-Length: ",
            b"Content-Type: ",
            b"text/event-json",
            b"text/event-plain",
            b"api/response",
            b"\n",
            b"\n\n",
            b"2",
            b"-1",
            b"{}",
            b'{"a":1}',
            b"A: b%zz\n",
            frame("auth/request"),
        ]
    )
    | st.binary(max_size=10),
    max_size=30,
).map(b"".join)


@untimed
@given(pieces, cuts)
def test_malformed_bytes_end_the_same_way_however_cut(data: bytes, cuts: list[int]) -> None:
    assert decode(data, cuts, max_headers=40, max_body=30) == decode(
        data, max_headers=40, max_body=30
    )


@untimed
@given(events())
def test_plain_and_json_events_are_equal(event: Headers) -> None:
    assert decode(plain_frame(event)) == decode(json_frame(event)) == ([Event(event)], "complete")


@untimed
@given(st.dictionaries(anything, anything | st.lists(anything, max_size=3), max_size=6))
def test_json_events_keep_every_value(event: Headers) -> None:
    assert decode(json_frame(event)) == ([Event(event)], "complete")
    assert decode(frame("text/event-json", json.dumps(event).encode())) == (
        [Event(event)],
        "complete",
    )


def test_plain_events_are_lossy_where_the_switch_is() -> None:
    data = frame("text/event-plain", b"Percent: 100%41\nEmpty: _undef_\nOne: ARRAY%3A%3Aa\n\n")
    event: Headers = {"Percent": "100A", "Empty": "_undef_", "One": ["a"]}
    assert decode(data) == ([Event(event)], "complete")


def test_an_encoded_newline_stays_within_its_value() -> None:
    data = frame("text/event-plain", b"A: one%0AB: two\nC: three\n\n")
    assert decode(data) == ([Event({"A": "one\nB: two", "C": "three"})], "complete")


@pytest.mark.parametrize(
    ("kind", "body"), [("json", b'{"A":"1","A":"2"}'), ("plain", b"A: 1\nA: 2\n\n")]
)
def test_of_duplicate_headers_the_last_counts(kind: str, body: bytes) -> None:
    assert decode(frame(f"text/event-{kind}", body)) == ([Event({"A": "2"})], "complete")


def test_invalid_utf8_and_lone_surrogates_survive() -> None:
    body = b'{"raw":"\xff\xe9","escaped":"\\ud800"}'
    event: Headers = {"raw": "\udcff\udce9", "escaped": "\ud800"}
    assert decode(frame("text/event-json", body)) == ([Event(event)], "complete")


def test_newlines_between_frames_are_skipped() -> None:
    data = b"\n\n" + frame("auth/request") + b"\n" + frame("auth/request")
    assert decode(data) == ([AuthRequest(), AuthRequest()], "complete")


def test_content_length_counts_bytes() -> None:
    assert decode(frame("api/response", "é".encode()) + frame("auth/request")) == (
        [ApiResponse("é"), AuthRequest()],
        "complete",
    )


@pytest.mark.parametrize(
    "length", ["1000000000000", "16777217", "-1", "+1", "1_0", "0x10", "", "1 2", "٣", "9" * 5000]
)
def test_a_bad_length_is_refused_before_its_body(length: str) -> None:
    data = f"Content-Type: api/response\nContent-Length: {length}\n\n".encode()
    found, end = decode(data)
    assert found == []
    assert "body of more than" in end or "malformed Content-Length" in end


def test_caps_are_inclusive() -> None:
    body = b"Content-Length: 3\nContent-Type: api/response\n\nabc"
    size = body.index(b"\n\n")
    assert decode(body, max_headers=size, max_body=3) == ([ApiResponse("abc")], "complete")
    assert "more than 2 bytes" in decode(body, max_headers=size, max_body=2)[1]
    assert f"more than {size - 1} bytes" in decode(body, max_headers=size - 1, max_body=3)[1]


def test_headers_without_end_are_refused_at_the_cap() -> None:
    assert "header block of more than 1048576 bytes" in decode(b"A" * (1 << 20) + b"AA")[1]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\n\n",
        b"Content-Length: 0\n\n",
        b"Content-Type: text/event-xml\n\n",
        b"Content-Type: auth/request\nContent-Type: api/response\n\n",
        b"Content-Type: api/response\nContent-Length: 1\nContent-Length: 2\n\nab",
        frame("text/event-json"),
        frame("text/event-json", b"{"),
        frame("text/event-json", b"[]"),
        frame("text/event-json", b'{"a":1}'),
        frame("text/event-json", b'{"a":NaN}'),
        frame("text/event-json", b'{"a":["b",null]}'),
        frame("text/event-json", b'{"a":' * 100_000),
        frame("text/event-plain"),
        frame("text/event-plain", b"no colon\n\n"),
        frame("text/event-plain", b"A: b\n\nbody without length"),
        frame("text/event-plain", b"A: b\nContent-Length: 9\n\nshort"),
    ],
)
def test_malformed_frames_are_protocol_errors_now_and_ever_after(data: bytes) -> None:
    decoder = Decoder()
    decoder.feed(frame("auth/request") + data)
    found = decoder.messages()
    assert next(found) == AuthRequest()
    with pytest.raises(ProtocolError):
        next(found)
    decoder.feed(frame("auth/request"))
    with pytest.raises(ProtocolError):
        next(decoder.messages())


def test_a_command_is_one_line_and_its_headers() -> None:
    assert encode_command("bgapi status é", {"Job-UUID": "1"}) == (
        "bgapi status é\nJob-UUID: 1\n\n".encode()
    )


@pytest.mark.parametrize("bad", ["\r", "\n", "\0"])
def test_a_command_cannot_be_broken_out_of(bad: str) -> None:
    with pytest.raises(ValueError, match=r"^a command must not contain CR, LF or NUL$"):
        encode_command(f"auth secret{bad}")
    with pytest.raises(ValueError, match="must not contain"):
        encode_command("bgapi status", {"Job-UUID": f"1{bad}"})
