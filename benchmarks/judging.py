"""Measure what decoding and judging a recording take a scenario, and of one ten times as long.

The calls of the recording are written again and again, each as a scenario of its own, until there
are enough of them. Ratios count; absolute figures move with the host. Peak memory is that of a
process of its own (Linux). Run `python -m benchmarks.judging RECORDING [--scenarios N] [--json]`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from campaign.memory import keep_memory_flat
from campaign.session import judge_recording
from conformance.dialstring import token_of
from conformance.scenario import Scenario
from fixtures.recording import Recording

LONGER = 10
"""How many times as long the longer recording is."""


def replicate(source: Path, target: Path, scenarios: int) -> None:
    """Write a recording of this many scenarios that are those of another, over and over."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        header, *lines = (json.loads(line) for line in file)
    calls = [line for line in lines if "scenario" in line]
    numbered = {
        key: [one for call in calls for one in call.get(key, ())] for key in ("names", "lists")
    }
    with gzip.open(
        target, "wt", encoding="utf-8", errors="backslashreplace", compresslevel=6
    ) as file:
        file.write(f"{json.dumps(header)}\n")
        file.writelines(f"{line}\n" for line in _copies(calls, numbered, scenarios))
        file.write(f"{json.dumps(_footer(scenarios))}\n")


def _copies(
    calls: list[dict[str, Any]], numbered: dict[str, list[Any]], scenarios: int
) -> Iterator[str]:
    for number in range(scenarios):
        call = calls[number % len(calls)]
        # A variable that stays on the a-leg makes another scenario of the same call.
        variables = call["scenario"]["variables"]
        originate = [*variables["originate"], ["copy", str(number)]]
        value = call["scenario"] | {"variables": variables | {"originate": originate}}
        scenario, attempt = Scenario.from_json(value), call["attempts"][0]
        line = {"id": scenario.id, "scenario": value, "attempts": [attempt]}
        line |= {key: [] for key in numbered} if number else numbered
        # As a recording has it: no character is escaped but half of one, which is no UTF-8.
        text = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
        yield text.replace(attempt["token"], token_of(scenario, 1))


def _footer(scenarios: int) -> dict[str, Any]:
    counts = {"scenarios": scenarios, "attempts": scenarios, "controls": 0}
    ending = {"ended": "finished", "reason": "", "finished": "2026-01-01T00:00:00+00:00"}
    return {"footer": counts | ending}


def decode(path: Path) -> None:
    """Decode every scenario and drop it."""
    deque(Recording(path), maxlen=0)


def milliseconds(run: Callable[[Path], object], path: Path, scenarios: int, rounds: int) -> float:
    """Give the milliseconds of CPU time a scenario, of the fastest of some rounds."""
    took = []
    for _ in range(rounds):
        start = time.process_time()
        run(path)
        took.append(time.process_time() - start)
    return 1000 * min(took) / scenarios


def peak(path: Path) -> float:
    """Judge a recording; give the most memory in MB that this process ever had."""
    judge_recording(path)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if "VmHWM" in line)


def measure(source: Path, scenarios: int, rounds: int) -> dict[str, dict[str, float]]:
    """Give the figures for recordings of this many scenarios and of `LONGER` times as many."""
    found = []
    process = get_context("spawn").Pool(1, keep_memory_flat, (), 1)
    with tempfile.TemporaryDirectory() as folder, process as pool:
        for count in (scenarios, LONGER * scenarios):
            path = Path(folder, f"{count}.jsonl.gz")
            replicate(source, path, count)
            found.append(
                {
                    "decoding, ms a scenario": milliseconds(decode, path, count, rounds),
                    "and judging, ms a scenario": milliseconds(
                        judge_recording, path, count, rounds
                    ),
                    "peak memory, MB": pool.apply(peak, (path,)),
                }
            )
    short, long = found
    return {
        name: {
            str(scenarios): short[name],
            str(LONGER * scenarios): long[name],
            "ratio": long[name] / short[name],
        }
        for name in short
    }


def main() -> None:
    """Print a table, or the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--scenarios", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    keep_memory_flat()  # as the command does
    figures = measure(asked.recording, asked.scenarios, asked.rounds)
    if asked.json:
        print(json.dumps(figures, indent=2))
        return
    columns = next(iter(figures.values()))
    print(f"{'scenarios':<28}" + "".join(f"{column:>10}" for column in columns))
    for name, row in figures.items():
        print(f"{name:<28}" + "".join(f"{figure:>10.2f}" for figure in row.values()))


if __name__ == "__main__":
    main()
