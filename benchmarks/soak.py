"""Soak: run seed after seed on one switch for a long time, and watch what must not grow.

The switch is started once and stays. After each seed: the suite's memory and open files, those of
the switch where it is a process of this one (Linux), and the sessions that the switch has left.
Growth is that of the medians of the last third of the seeds against the first third.
With a folder the recordings of seeds of which anything is said stay there, to be judged again.
Run `python -m benchmarks.soak --switch URL [--minutes N] [--scenarios N] [--seed N]
[--record FOLDER] [--json]`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, cast

from campaign.admission import Pace
from campaign.session import Plan, run
from conformance.profile import Profile
from conformance.verdicts import ClauseResult, Verdict
from fixtures.switches import Switch, open_switch

FIGURES = ("suite_mb", "suite_files", "switch_mb", "switch_files")
"""What must not grow."""

WATCHED = (Verdict.FAIL, Verdict.FLAKY, Verdict.INCONCLUSIVE)
"""A row names the clauses of which a seed says so; the total is of how many seeds any is said."""


MOMENTS, MOMENT = 20, 0.1
"""How often, and how many seconds apart, the switch is asked for its sessions until it has none."""


class Kept:
    """A switch that stays between runs: it is set anew instead of started, and not stopped."""

    def __init__(self, switch: Switch) -> None:
        """Keep a switch that was started."""
        self._switch = switch

    def __getattr__(self, name: str) -> Any:
        """Be the switch in all else."""
        return getattr(self._switch, name)

    async def start(self, profile: Profile) -> None:
        """Set it as it is to begin."""
        await self._switch.configure(profile)

    async def stop(self) -> None:
        """Leave it."""


async def soak(
    switch: Switch, minutes: float, plan: Plan, folder: Path | None = None
) -> list[dict[str, Any]]:
    """One row a seed, from the plan's seed on, until the time is over."""
    rows = []
    await switch.start(Profile())
    try:
        end = time.monotonic() + 60 * minutes
        for seed in count(plan.seed):
            record = folder and folder / f"{seed}.jsonl.gz"
            rows.append(await _row(switch, replace(plan, seed=seed, record=record)))
            if record and not any(rows[-1][word] for word in WATCHED):
                record.unlink()
            print(json.dumps(rows[-1]), flush=True)
            if time.monotonic() > end:
                return rows
    finally:
        await switch.stop()
    raise AssertionError


async def _row(switch: Switch, plan: Plan) -> dict[str, Any]:
    done = await run(cast(Switch, Kept(switch)), plan)
    clauses = done.result.clauses
    row: dict[str, Any] = {
        "seed": plan.seed,
        "scenarios": done.result.scenarios,
        "per_second": round(done.result.scenarios / done.seconds, 1),
        "status": done.result.exit_status,
        **{str(word): _said(clauses, word) for word in WATCHED},
        "sessions_left": await _sessions(switch),
    }
    del done, clauses
    gc.collect()
    row["suite_mb"], row["suite_files"] = _held(os.getpid())
    for child in _children():
        row["switch_mb"], row["switch_files"] = _held(child)
    return row


def _said(clauses: Mapping[str, ClauseResult], word: Verdict) -> list[str]:
    return [name for name, one in clauses.items() if one.verdict is word]


async def _sessions(switch: Switch) -> int:
    """How many the switch has left: it tells that a leg is gone a moment before it is."""
    commands = await switch.connect()
    try:
        for _ in range(MOMENTS):
            left = int((await commands.api("show channels count")).split()[0])
            if not left:
                break
            await asyncio.sleep(MOMENT)
        return left
    finally:
        await commands.close()


def _children() -> Iterator[int]:
    with suppress(OSError):
        listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
        yield from map(int, listed.split())


def _held(pid: int) -> tuple[float, int]:
    """Resident memory (MB) and open files of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)
    return round(memory / 1024, 1), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def growth(rows: list[dict[str, Any]]) -> dict[str, float]:
    """By how much each figure grew, as a ratio: the last third of the rows against the first."""
    third = max(1, len(rows) // 3)
    found = {}
    for figure in FIGURES:
        early = [row[figure] for row in rows[:third] if figure in row]
        late = [row[figure] for row in rows[-third:] if figure in row]
        if early and late:
            found[figure] = round(statistics.median(late) / statistics.median(early), 3)
    return found


def main() -> None:
    """Print a row a seed as it ends, then what grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--switch", required=True, metavar="URL")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--scenarios", type=int, default=500, help="a seed")
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--window", type=int, default=100)
    parser.add_argument(
        "--record", type=Path, metavar="FOLDER", help="of seeds with anything said; made if need be"
    )
    parser.add_argument("--json", action="store_true", help="print JSON in the end")
    asked = parser.parse_args()
    if asked.record:
        asked.record.mkdir(parents=True, exist_ok=True)
    plan = Plan(asked.scenarios, asked.seed, pace=Pace(window=asked.window))
    rows = asyncio.run(soak(open_switch(asked.switch), asked.minutes, plan, asked.record))
    total: dict[str, Any] = {
        "seeds": len(rows),
        "scenarios": sum(row["scenarios"] for row in rows),
        **{str(word): sum(bool(row[word]) for row in rows) for word in WATCHED},
        "sessions_left": rows[-1]["sessions_left"],
        "growth": growth(rows),
    }
    print(json.dumps({"rows": rows, "total": total} if asked.json else total, indent=2))


if __name__ == "__main__":
    main()
