"""Measure the peak memory of a campaign on the embedded switch, of one and of longer ones.

Each campaign runs in a process of its own, from the first scenario to the verdicts, recorded if
asked; the memory is that process's (Linux), without the switch's. The ratio to the shortest one
counts. Run `python -m benchmarks.memory [--scenarios N ...] [--record] [--json]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from campaign.campaign import Pace
from campaign.memory import keep_memory_flat
from campaign.session import Plan, run
from fixtures.switches import open_switch


def peak(scenarios: int, record: bool) -> tuple[float, float]:
    """Peak memory of a campaign (MB), and the seconds that it took; raises if it was cut short."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl.gz" if record else None
        plan = Plan(scenarios=scenarios, seed=1, pace=Pace(window=200), record=path)
        done = asyncio.run(run(open_switch("embedded:"), plan))
    if done.result.shortfall:
        raise RuntimeError(f"the campaign is not whole: {done.result.shortfall}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return memory, time.perf_counter() - began


def main() -> None:
    """Print the figures, or give them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, nargs="+", default=[2_000, 20_000], metavar="N")
    parser.add_argument("--record", action="store_true", help="with a recording")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows: list[dict[str, float]] = []
    if not asked.json:
        print(f"{'scenarios':>10}{'peak memory, MB':>18}{'ratio':>8}{'seconds':>10}")
    for scenarios in asked.scenarios:
        with get_context("spawn").Pool(1, keep_memory_flat) as pool:
            memory, seconds = pool.apply(peak, (scenarios, asked.record))
        ratio = memory / (rows[0]["peak_mb"] if rows else memory)
        rows.append({"scenarios": scenarios, "peak_mb": memory, "ratio": ratio, "seconds": seconds})
        if not asked.json:  # one at a time: the longest takes half an hour
            print(f"{scenarios:10}{memory:18.1f}{ratio:8.2f}{seconds:10.1f}", flush=True)
    if asked.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
