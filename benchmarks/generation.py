"""Measure scenarios generated per second, the best of some rounds.

Run `python -m benchmarks.generation [--count N] [--rounds N] [--json]`.
"""

import argparse
import json
import time

from strategies import generate


def rate(count: int, seed: int) -> float:
    """Give scenarios per second, ids included; another seed makes other scenarios."""
    start = time.perf_counter()
    generate(seed, count)
    return count / (time.perf_counter() - start)


def main() -> None:
    """Print the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rate(20, 0)  # the first scenarios also build the strategies
    best = max(rate(options.count, seed) for seed in range(1, options.rounds + 1))
    text = f"{best:.0f} scenarios/s"
    print(json.dumps({"scenarios a second": round(best)}) if options.json else text)


if __name__ == "__main__":
    main()
