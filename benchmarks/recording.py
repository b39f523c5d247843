"""Measure what a recording takes on disk and how fast it is decoded, against plain JSON lines.

The calls are made up: 4 legs, 40 events of about 150 headers, 4 CDRs. Ratios count; absolute
figures move with the host. Run `python -m benchmarks.recording [--scenarios N] [--json]`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from conformance.observation import Headers, Placement
from conformance.scenario import (
    ALegBridges,
    BridgeToNull,
    ExtensionTarget,
    Scenario,
    Sleep,
    Variables,
)
from fixtures.recording import Header, Recording, RecordingWriter, SwitchFacts

EVENTS = 40
LEGS = 4
HEADERS = 150


def scenario(number: int) -> Scenario:
    """Give one of many scenarios."""
    return Scenario(
        origin=ALegBridges(),
        target=ExtensionTarget(f"1{number:05d}", "default"),
        plan=(Sleep(20 * (number % 50)), BridgeToNull(answer_delay_ms=40, early_media=True)),
        variables=Variables(originate=(("job", str(number)),), export=(("a", "1"), ("b", "2"))),
    )


def placement(number: int, random_source: random.Random) -> Placement:
    """Give a call of four legs whose headers change as those of a switch do."""
    legs = [_uuid(random_source) for _ in range(LEGS)]
    variables: list[dict[str, str]] = [{} for _ in legs]
    clock = 1_790_000_000_000_000 + number * 30_011
    events: list[Headers] = []
    for index in range(EVENTS):
        leg = index % LEGS if index < 2 * LEGS else random_source.randrange(LEGS)
        clock += random_source.randrange(10) * 20_000 + random_source.randrange(900)
        own = variables[leg]
        for _ in range(8 if own else 70):
            own[f"variable_name_of_variable_{len(own):03d}"] = random_source.choice(
                (legs[0], str(clock), f"loopback/1{number:05d}-a", "true", "L16", str(index))
            )
        own["variable_current_application"] = random_source.choice(("bridge", "answer", "sleep"))
        events.append(_bookkeeping(index, clock, legs[leg], leg, random_source) | own)
    cdrs = {
        legs[leg]: {
            "json_cdr": {f"variables.{name[9:]}": text for name, text in own.items()}
            | {f"callflow.0.caller_profile.field_{field}": str(number) for field in range(20)}
            | {"variables.end_uepoch": str(clock)}
        }
        for leg, own in enumerate(variables)
    }
    reply = f"+OK {legs[0]}"
    return Placement(f"t{number:08x}", legs[0], reply, tuple(events), cdrs)


def _bookkeeping(
    index: int, clock: int, leg: str, position: int, random_source: random.Random
) -> dict[str, str]:
    moment = datetime.fromtimestamp(clock / 1e6, UTC)
    kind = random_source.randrange(12)
    constant = {f"Caller-Field-{field}": f"field {field}" for field in range(30)}
    return constant | {
        "Event-Name": f"CHANNEL_EVENT_{kind}",
        "Core-UUID": "11111111-2222-3333-4444-555555555555",
        "FreeSWITCH-Hostname": "host",
        "FreeSWITCH-Switchname": "host",
        "FreeSWITCH-IPv4": "192.0.2.1",
        "FreeSWITCH-IPv6": "::1",
        "Event-Date-Local": moment.strftime("%Y-%m-%d %H:%M:%S"),
        "Event-Date-GMT": moment.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "Event-Date-Timestamp": str(clock),
        "Event-Calling-File": f"switch_file_{kind % 4}.c",
        "Event-Calling-Function": f"switch_function_{kind}",
        "Event-Calling-Line-Number": str(1000 + kind),
        "Event-Sequence": str(7000 + 3 * index),
        "Unique-ID": leg,
        "Channel-Name": f"loopback/leg-{position}",
        "Channel-State": f"CS_{index // 10}",
        "Application-UUID": _uuid(random_source),
    }


def _uuid(random_source: random.Random) -> str:
    return str(uuid.UUID(int=random_source.getrandbits(128), version=4))


def write(path: Path, calls: list[tuple[Scenario, Placement]]) -> None:
    """Write the calls as a recording."""
    started = datetime(2026, 1, 1, tzinfo=UTC)
    switch = SwitchFacts("embedded:", "1.10.12")
    header = Header("0", 1, switch, started, 1, len(calls))
    with RecordingWriter(path, header) as writer:
        for call, attempt in calls:
            writer.write_scenario(call, [attempt])


def plain_line(call: Scenario, attempt: Placement) -> bytes:
    """Give the same as a plain JSON line, every event whole."""
    events = [dict(headers) for headers in attempt.events]
    value = {"scenario": call.to_json(), "events": events, "cdrs": attempt.cdrs}
    return orjson.dumps(value) + b"\n"


def seconds(run: Callable[[], object], rounds: int = 3) -> float:
    """Give the shortest of some runs."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return min(took)


def measure(scenarios: int) -> dict[str, float]:
    """Give the figures for this many scenarios."""
    random_source = random.Random(1)
    calls = [(scenario(number), placement(number, random_source)) for number in range(scenarios)]
    with tempfile.TemporaryDirectory() as folder:
        path, plain = Path(folder, "one.jsonl.gz"), Path(folder, "plain.jsonl.gz")
        start = time.perf_counter()
        write(path, calls)
        writing = time.perf_counter() - start
        with gzip.open(plain, "wb") as file:
            file.writelines(plain_line(*call) for call in calls)
        decoding = seconds(lambda: [None for _ in Recording(path)])

        def decode_plain() -> None:
            with gzip.open(plain) as file:
                for line in file:
                    value = orjson.loads(line)
                    replace(calls[0][1], events=value["events"], cdrs=value["cdrs"])
                    Scenario.from_json(value["scenario"])

        decoding_plain = seconds(decode_plain)
        size, plain_size = path.stat().st_size, plain.stat().st_size
    return {
        "headers an event": sum(len(h) for _, p in calls for h in p.events) / scenarios / EVENTS,
        "bytes a scenario": size / scenarios,
        "bytes a scenario, plain": plain_size / scenarios,
        "size ratio": size / plain_size,
        "decoded a second": scenarios / decoding,
        "decoded a second, plain": scenarios / decoding_plain,
        "speed ratio": decoding_plain / decoding,
        "written a second": scenarios / writing,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    figures = measure(arguments.scenarios)
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for name, figure in figures.items():
        print(f"{name:26} {figure:12,.2f}")


if __name__ == "__main__":
    main()
