"""Measure events decoded per second by the Event Socket codec against reading the raw bytes.

All run on the same events in one process, so the ratios count; absolute figures move with the
host. Run ``python -m benchmarks.event_socket [--events N] [--rounds N] [--json]``.
"""

import argparse
import json
import socket
import statistics
import time
from collections.abc import Callable
from urllib.parse import quote

from fixtures.event_socket.codec import Decoder

HEADERS = 122
CHUNK = 1 << 16


def frames(kind: str, events: int) -> bytes:
    """Give this many events, of about 4.7 kB each, as a switch sends them."""
    headers = {"Event-Name": "CHANNEL_EXECUTE"} | {
        f"variable_name_{number}": f"value {number}: 15" for number in range(HEADERS - 1)
    }
    if kind == "json":
        body = json.dumps(headers, separators=(",", ":")).encode()
    else:
        lines = (f"{name}: {quote(value, safe='')}\n" for name, value in headers.items())
        body = ("".join(lines) + "\n").encode()
    head = f"Content-Length: {len(body)}\nContent-Type: text/event-{kind}\n\n"
    return (head.encode() + body) * events


def read_raw(data: bytes) -> None:
    """Pass the bytes through a socket pair and drop them: the limit of any client."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for start in range(0, len(data), CHUNK):
            ours.sendall(data[start : start + CHUNK])
            left = min(CHUNK, len(data) - start)
            while left:
                left -= len(theirs.recv(CHUNK))


def decode(data: bytes) -> None:
    """Decode the bytes in chunks, as they would come from a socket."""
    decoder = Decoder()
    for start in range(0, len(data), CHUNK):
        decoder.feed(data[start : start + CHUNK])
        for _ in decoder.messages():
            pass


def rate(run: Callable[[bytes], None], data: bytes, events: int, rounds: int) -> float:
    """Give the median of events per second over the rounds."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        run(data)
        seconds.append(time.perf_counter() - start)
    return events / statistics.median(seconds)


def main() -> None:
    """Print a table of rates and ratios to the JSON codec, or the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    as_json, as_plain = (frames(kind, options.events) for kind in ("json", "plain"))
    rates = {
        name: rate(run, data, options.events, options.rounds)
        for name, run, data in (
            ("raw bytes", read_raw, as_json),
            ("codec, json", decode, as_json),
            ("codec, plain", decode, as_plain),
        )
    }
    result = {
        name: {"events_per_second": round(value), "ratio": round(value / rates["codec, json"], 2)}
        for name, value in rates.items()
    }
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'':<14}{'events/s':>10}{'ratio':>8}")
    for name, row in result.items():
        print(f"{name:<14}{row['events_per_second']:>10,}{row['ratio']:>8}")


if __name__ == "__main__":
    main()
