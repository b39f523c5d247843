"""Run all benchmarks one after the other; each alone is `python -m benchmarks.NAME`.

Run `python -m benchmarks [--switch URL] [--json FILE]` on a machine that does nothing else. Those
that need a real switch are left out without one. Figures go to the terminal, and to FILE.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_RECORDING = Path(__file__).parents[1] / "fixtures" / "recordings" / "freeswitch-1.10.12.jsonl.gz"

OFFLINE: dict[str, tuple[str, ...]] = {
    "generation": (),
    "event_socket": (),
    "recording": (),
    "judging": (str(_RECORDING),),
    "certainty": (),
    "memory": ("--scenarios", "1000", "10000"),
    "minimising": (),
}
"""What each is given that needs no switch, by name."""

ON_A_SWITCH = ("campaign",)


def flat(value: Any, name: str = "") -> Iterator[tuple[str, object]]:
    """The figures of a benchmark, each with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from flat(item, f"{name}.{number}" if name else str(number))
    else:
        yield name, value


def main() -> int:
    """Run them; gives 1 where one failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--switch", metavar="URL", help="a real switch, for those that need one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    asked = parser.parse_args()
    runs = dict(OFFLINE)
    if asked.switch:
        runs |= dict.fromkeys(ON_A_SWITCH, ("--switch", asked.switch))
    found: dict[str, Any] = {}
    for name, given in runs.items():
        command = [sys.executable, "-m", f"benchmarks.{name}", *given, "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            print(f"{name}: failed, see above", flush=True)
            continue
        found[name] = json.loads(done.stdout)
        print(name)
        for figure, value in flat(found[name]):
            shown = f"{value:.3f}" if isinstance(value, float) else value
            print(f"    {figure:<44} {shown}")
        sys.stdout.flush()
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return int(len(found) < len(runs))


if __name__ == "__main__":
    sys.exit(main())
