"""The corpus: examples are kept and read strictly, placed first, and a report says which differ."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from campaign.campaign import Pace
from campaign.corpus import load, load_one
from campaign.report import report_of
from campaign.session import Plan, judge_recording, run
from conformance.clauses import CLAUSES
from conformance.complexity import steps
from conformance.profile import Profile
from conformance.scenario import Direct, ExtensionTarget, Scenario, Variables
from fixtures.corpus import (
    EXAMPLE,
    SHIPPED,
    CorpusError,
    CorpusExample,
    read_corpus,
    read_example,
    save_example,
)
from fixtures.embedded.faults import FAULTS, WRONG_CAUSE_IN_CDR
from fixtures.recording import Recording
from fixtures.switches import open_switch
from reports.content import Kept
from reports.terminal import print_corpus
from strategies import sound
from tests.fake_switch import Fake
from tests.test_simplify import CHAIN, PLAIN

EXAMPLES = (
    CorpusExample("bowout.cause", "b-leg", ("It was \x1b[1m'ä'.",), "FreeSWITCH \udcff", PLAIN),
    CorpusExample("legs.no-other-legs", "", (), "", CHAIN),
)


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_is_kept_is_read(example: CorpusExample, tmp_path: Path) -> None:
    path = save_example(tmp_path / "new" / "folder", example)
    assert path.name == f"{example.clause}-{example.scenario.id}.json"
    assert read_example(path) == example
    assert path.read_text().isascii()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_call_is_kept_once(tmp_path: Path) -> None:
    first = save_example(tmp_path, EXAMPLES[0])
    again = save_example(tmp_path, replace(EXAMPLES[0], clause="cdr.billsec"))
    assert again == first
    assert [one.scenario for one in read_corpus(tmp_path)] == [PLAIN]


@pytest.mark.parametrize("packed", ["folder", "zip", "zip in a folder"])
def test_a_bundle_holds_an_example(packed: str, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    if packed == "folder":
        path.mkdir()
        (path / EXAMPLE).write_text(EXAMPLES[0].text)
    else:
        with zipfile.ZipFile(path, "w") as bundle:
            inside = EXAMPLE if packed == "zip" else f"bowout.cause-0/{EXAMPLE}"
            bundle.writestr(inside, EXAMPLES[0].text)
    assert read_example(path) == EXAMPLES[0]


def changed(**fields: Any) -> str:
    """Give the text of an example with other fields."""
    return json.dumps(json.loads(EXAMPLES[0].text) | fields)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not an example: Expecting value"),
        ("[]", "is not an example: "),
        ("{}", "is not an example: its format is None"),
        (changed(version=2), "is not an example: its format is"),
        (changed(clause="../../etc/passwd"), "is not an example: its clause is"),
        (changed(clause=7), "is not an example: clause, leg, switch and found are not texts"),
        (changed(found="text"), "is not an example: clause, leg, switch and found are not texts"),
        (changed(scenario={}), "is not an example: not a scenario"),
        (changed(scenario=[1]), "is not an example: "),
        ("[" * 100_000, "is not an example: "),
        (changed(switch="x" * 2_000_000), "is too large for an example"),
        ("PK\x03\x04 no zip", "cannot read "),
    ],
)
def test_what_is_no_example(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(text)
    with pytest.raises(CorpusError) as caught:
        read_example(path)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(CorpusError):
        read_corpus(tmp_path)


def test_a_zip_that_is_large_inside_is_not_unpacked(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(EXAMPLE, b" " * (1 << 26))
    path = tmp_path / "bomb.zip"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(CorpusError, match="is too large for an example"):
        read_example(path)


def test_a_zip_without_an_example(tmp_path: Path) -> None:
    path = tmp_path / "empty.zip"
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(CorpusError, match=r"cannot read .*; name a bundle, or a file that"):
        read_example(path)


def test_a_folder_of_examples_is_not_one_of_them(tmp_path: Path) -> None:
    """What --save-example names is a folder: whoever replays it is told what to name."""
    path = save_example(tmp_path, EXAMPLES[0])
    with pytest.raises(CorpusError, match=rf"{tmp_path} is no bundle; name .* {path}"):
        read_example(tmp_path)


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=rf"{tmp_path} is no bundle; name a bundle, or a file"):
        read_example(tmp_path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"cannot read .*: No such file or directory; "):
        read_example(tmp_path / "none")
    with pytest.raises(CorpusError, match="there is no folder "):
        read_corpus(tmp_path / "none")


def test_a_folder_without_an_example_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CorpusError, match=f"there is no example in {tmp_path}; name a folder"):
        load([tmp_path])


def test_a_folder_that_cannot_be_written() -> None:
    with pytest.raises(CorpusError, match=r"cannot write /proc/none/.*; name another folder"):
        save_example(Path("/proc/none"), EXAMPLES[0])


def test_what_would_run_a_command_is_not_placed(tmp_path: Path) -> None:
    evil = Variables(braces=(("api_hangup_hook", "system touch x"),))
    scenario = Scenario(Direct(), ExtensionTarget("1000"), (), evil)
    path = save_example(tmp_path, replace(EXAMPLES[0], scenario=scenario))
    for read in (lambda: load_one(path), lambda: load([tmp_path])):
        with pytest.raises(CorpusError, match="holds a call that cannot be sent as it is; "):
            read()


# --- what is shipped -----------------------------------------------------------------------------


def test_what_is_shipped_is_small_sound_and_once() -> None:
    examples = read_corpus(SHIPPED)
    assert len(examples) >= 10
    assert len({one.scenario.id for one in examples}) == len(examples)
    assert {path.stem for path in SHIPPED.iterdir()} == {one.name for one in examples}
    for example in examples:
        assert example.clause in CLAUSES
        assert example.found
        assert sound(example.scenario)
        assert steps(example.scenario) <= 4
        assert example.scenario.profile == Profile()


def test_each_clause_of_it_is_one_that_a_seeded_fault_breaks() -> None:
    broken = {clause for fault in FAULTS.values() for clause in fault.clauses}
    assert {one.clause for one in read_corpus(SHIPPED)} <= broken


def test_those_of_a_user_follow_and_the_same_call_counts_once(tmp_path: Path) -> None:
    save_example(tmp_path, EXAMPLES[1])
    save_example(tmp_path, replace(EXAMPLES[0], clause="cdr.billsec"))
    loaded = load([tmp_path])
    assert loaded[: len(load([]))] == load([])
    scenarios = [scenario for _, scenario in loaded]
    assert scenarios.count(PLAIN) == scenarios.count(CHAIN) == 1


# --- campaigns -----------------------------------------------------------------------------------


@pytest.fixture
def placed(tmp_path: Path) -> Callable[..., Path]:
    """A function that runs a campaign with a corpus on the embedded switch, and records it."""

    def place(url: str, *names: str, **fields: Any) -> Path:
        path = tmp_path / "run.jsonl.gz"
        corpus = tuple(zip(names, (PLAIN, CHAIN), strict=False))
        plan = Plan(pace=Pace(window=4), corpus=corpus, record=path, overwrite=True, **fields)
        asyncio.run(run(open_switch(url), plan))
        return path

    return place


def test_the_corpus_is_placed_first_and_counts_besides(placed: Callable[..., Path]) -> None:
    """Among the longest calls of its group, which otherwise begin first."""
    recording = Recording(placed("embedded:", "one", "two", scenarios=12))
    lines = list(recording)
    began = sorted(
        (int(str(one.attempts[0].events[0]["Event-Date-Timestamp"])), one.corpus) for one in lines
    )
    assert {corpus for _, corpus in began[:4]} == {"one", "two", ""}
    assert len(lines) == 14
    assert recording.header.scenarios_asked == 14


def test_a_report_says_which_examples_differ(placed: Callable[..., Path]) -> None:
    done = judge_recording(
        placed(f"embedded:?fault={WRONG_CAUSE_IN_CDR}", "one", "two", scenarios=1)
    )
    clause = "cdr.hangup-cause"
    assert {kept.name for kept in report_of(done).corpus} == {"one", "two"}
    assert all(clause in kept.clauses for kept in report_of(done).corpus)
    healthy = judge_recording(placed("embedded:", "one", "two", scenarios=1))
    assert report_of(healthy).corpus == (Kept("one"), Kept("two"))


def test_an_example_that_was_not_placed_is_not_said_to_conform() -> None:
    switch = Fake()

    async def lose(token: str, uuid: str) -> str:
        switch.lines[0].lose()
        return f"+OK {uuid}"  # and nothing is told of the call

    switch.script = lose
    plan = Plan(3, corpus=(("one", PLAIN),))
    done = asyncio.run(run(switch, plan))
    assert done.result.shortfall
    assert done.corpus == {}
    assert list(asyncio.run(run(Fake(), plan)).corpus.values()) == ["one"]


def test_a_scenario_of_the_corpus_is_not_generated_once_more(placed: Callable[..., Path]) -> None:
    recording = Recording(placed("embedded:", "one", scenarios=1))
    generated = next(one.scenario for one in recording if not one.corpus)

    async def again() -> int:
        plan = Plan(scenarios=2, corpus=(("it", generated),))
        return (await run(open_switch("embedded:"), plan)).result.attempts

    assert asyncio.run(again()) == 3


def test_what_a_release_cannot_be_asked_is_left_out(placed: Callable[..., Path]) -> None:
    """Before 1.8.6 there is no loopback.conf: the same call without settings is the same."""
    done = judge_recording(placed("embedded:", "one", scenarios=1, release="1.8.0"))
    assert list(done.corpus.values()) == ["one"]
    (identity,) = done.corpus
    assert identity != PLAIN.id


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        ((), ""),
        ((Kept("a"), Kept("b")), "corpus: 2 examples, none differs\n"),
        (
            (Kept("a", ("x.y", "x.z")), Kept("b\x1b")),
            "corpus: 2 examples, 1 differ\n    a: x.y, x.z\n",
        ),
    ],
)
def test_the_corpus_as_text(corpus: tuple[Kept, ...], said: str, shipped: Path) -> None:
    out = StringIO()
    report = replace(report_of(judge_recording(shipped)), corpus=corpus)
    print_corpus(Console(file=out, width=200), report)
    assert out.getvalue() == said
