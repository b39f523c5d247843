"""Placing what the options of a command ask for."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.console import Console

from campaign import divergences
from campaign.admission import Pace
from campaign.corpus import load
from campaign.options import cancel_on_signals
from campaign.progress import Bar
from campaign.session import Plan, Progress
from fixtures.switches import Switch

T = TypeVar("T")


def placed(
    parsed: argparse.Namespace,
    switch: Switch,
    place: Callable[[Switch, Plan, Progress], Awaitable[T]],
) -> T:
    """What comes of placing what the options ask for on a switch."""
    plan = plan_of(parsed)

    async def campaign() -> T:
        cancel_on_signals()
        with Bar(Console(stderr=True, quiet=parsed.quiet)) as bar:
            return await place(switch, plan, bar)

    return asyncio.run(campaign())


def plan_of(parsed: argparse.Namespace) -> Plan:
    """The plan that the options ask for; raises UsageError or CorpusError."""
    return Plan(
        scenarios=parsed.scenarios,
        seed=parsed.seed,
        pace=Pace(parsed.window, parsed.max_rate),
        release=parsed.release,
        known=divergences.load(getattr(parsed, "known", None)),
        record=parsed.record,
        overwrite=parsed.overwrite,
        minimise=0.0 if parsed.no_minimise else float(parsed.minimise),
        corpus=() if parsed.no_corpus else load(parsed.corpus),
    )
