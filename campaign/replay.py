"""The command `replay`: the call of a bundle once more, on any switch."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from rich.console import Console

from campaign.bundles import require_folder
from campaign.corpus import load_one
from campaign.options import (
    SWITCHES,
    add_recording_options,
    add_switch_options,
    cancel_on_signals,
    kept_is_told,
    switch_of,
)
from campaign.progress import Bar
from campaign.session import ATTEMPTS, Plan, Run, Scenarios, run
from conformance.clauses import CLAUSES
from conformance.judge import Finding, Judgement
from conformance.observation import Placement, observe
from conformance.scenario import Scenario
from conformance.verdicts import CONFORMS, FINDINGS, UNDECIDED
from fixtures.corpus import CorpusExample, save_example
from reports.diagram import diagram, printable
from reports.text import by_hand

_EXIT_STATUS = f"""\
exit status, after {ATTEMPTS} attempts:
  0  fixed: no attempt shows the finding, nor anything else
  1  still differs: every attempt shows it; or differs otherwise: every attempt shows something else
  2  usage or configuration: the switch cannot be started or reached, a file not read or written
  3  not decided: attempts disagree, the clause was not exercised, the host could not keep time
"""

_EXAMPLE = """\
example:
  loopback-conformance replay loopback-bundles/bowout.refused-2b6f0a9c1d3e \\
      --switch process:///usr/bin/freeswitch
"""


class Answer(StrEnum):
    """What a switch does now with a call that once showed a finding."""

    FIXED = "fixed"
    STILL_DIFFERS = "still differs"
    DIFFERS_OTHERWISE = "differs otherwise"
    NOT_DECIDED = "not decided"

    @property
    def exit_status(self) -> int:
        """The command's: 0, 1 for each way to differ, 3."""
        if self is Answer.NOT_DECIDED:
            return UNDECIDED
        return CONFORMS if self is Answer.FIXED else FINDINGS


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "replay",
        help="place the call of a bundle once more: is it fixed?",
        description="Place the call of a finding once more, on any switch, and say whether it "
        "still differs.\nBUNDLE is a folder or .zip that a run wrote, or an example of a corpus.",
        epilog=f"{SWITCHES}\n{_EXAMPLE}\n{_EXIT_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    add_switch_options(parser)
    add_recording_options(parser)
    parser.add_argument(
        "--save-example",
        type=Path,
        metavar="DIR",
        help="keep the call in this folder, for --corpus",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="only the answer")
    parser.set_defaults(command=_replay)


def answer_to(example: CorpusExample, judgements: Sequence[Judgement]) -> tuple[Answer, str]:
    """What the attempts at an example come to, and why where that is not plain."""
    if problem := next((one.problem for one in judgements if one.problem), ""):
        return Answer.NOT_DECIDED, problem
    same = [_shows(example, one.findings) for one in judgements]
    if judgements and all(same):
        return Answer.STILL_DIFFERS, ""
    if any(same):
        return Answer.NOT_DECIDED, f"{sum(same)} of {len(same)} attempts show it"
    others = [{(found.clause, found.leg) for found in one.findings} for one in judgements]
    if always := set.intersection(*others) if others else set():
        clauses = sorted({clause for clause, _ in always})
        return Answer.DIFFERS_OTHERWISE, ", ".join(clauses)
    if any(others):
        return Answer.NOT_DECIDED, "it is gone, and some attempts show something else"
    if any(example.clause in one.undecided for one in judgements):
        return Answer.NOT_DECIDED, "the host could not keep time"
    if not judgements or not all(example.clause in one.exercised for one in judgements):
        return Answer.NOT_DECIDED, _not_exercised(example.clause)
    return Answer.FIXED, ""


class _Again:
    """The watcher that asks for the one call as often as there may be attempts.

    Where the release of the switch cannot be asked for it, it is not placed.
    """

    def __init__(self) -> None:
        self.placing: list[Scenario] = []
        self.judgements: list[Judgement] = []

    def scenarios(self, asked: int, generated: Iterator[Scenario]) -> Scenarios:
        self.placing = list(generated)
        return len(self.placing), iter(self.placing)

    def placed(self, scenario: Scenario, placement: Placement, judgement: Judgement) -> None:
        self.judgements.append(judgement)

    def unsettled(self) -> Iterable[Scenario]:
        return self.placing


def _replay(parsed: argparse.Namespace, console: Console) -> int:
    example = load_one(parsed.bundle)
    if parsed.save_example:
        require_folder(parsed.save_example)
    plan = Plan(
        scenarios=0,
        release=parsed.release,
        record=parsed.record,
        overwrite=parsed.overwrite,
        corpus=((example.name, example.scenario),),
    )
    switch, again = switch_of(parsed), _Again()

    async def place() -> Run:
        cancel_on_signals()
        with Bar(Console(stderr=True, quiet=parsed.quiet)) as bar:
            return await run(switch, plan, bar, again)

    with kept_is_told([switch]):
        done = asyncio.run(place())
    facts = done.header.switch
    kept = save_example(parsed.save_example, example) if parsed.save_example else None
    answer, why = answer_to(example, again.judgements)
    if done.result.shortfall and answer is not Answer.STILL_DIFFERS:
        answer, why = Answer.NOT_DECIDED, done.result.shortfall
    said = f"{answer}: {printable(why)}" if why else str(answer)
    console.print(f"{printable(facts.url)}: {printable(facts.version)}", markup=False)
    if not parsed.quiet:
        _print(console, example, done, again)
    if kept:
        console.print(printable(f"example: {kept}"), markup=False)
    console.print(f"{said} ({example.clause}, {len(again.judgements)} attempts)", markup=False)
    return answer.exit_status


def _print(console: Console, example: CorpusExample, done: Run, again: _Again) -> None:
    console.print(f"then, on {printable(example.switch)}:", markup=False)
    _print_sentences(console, example.found)
    differing = [one.findings for one in again.judgements if one.findings]
    now = sorted(differing[-1] if differing else (), key=lambda one: one.clause != example.clause)
    console.print("now:" if now else "now: nothing differs", markup=False)
    _print_sentences(console, (found.sentence for found in now))
    for scenario in again.placing:
        placement = done.shown.get(scenario.id)
        if placement is not None:
            console.print(f"\n{diagram(observe(scenario, placement))}", markup=False)
        console.print(f"\n{by_hand(scenario)}\n", markup=False)


def _print_sentences(console: Console, sentences: Iterable[str]) -> None:
    for sentence in sentences:
        console.print(f"  - {printable(sentence)}", markup=False)


def _shows(example: CorpusExample, findings: Iterable[Finding]) -> bool:
    return any((one.clause, one.leg) == (example.clause, example.leg) for one in findings)


def _not_exercised(clause: str) -> str:
    since = CLAUSES[clause].since if clause in CLAUSES else ""
    return f"{clause} was not exercised" + (f"; it holds from {since} on" if since else "")
