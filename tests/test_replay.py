"""Replaying a bundle: fixed, still differs, differs otherwise, not decided; and what goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from campaign.bundles import write_bundles
from campaign.command_line import main
from campaign.replay import Answer, answer_to
from campaign.session import Plan, run
from conformance.judge import Finding, Judgement
from fixtures.corpus import EXAMPLE, CorpusExample, read_corpus, read_example
from fixtures.embedded.faults import CONNECTION_CUT, EXACT_DURATION_OFF, WRONG_CAUSE_IN_CDR
from fixtures.recording import Recording
from fixtures.switches import open_switch
from tests.test_simplify import PLAIN, Given

CLAUSE, OTHER = "cdr.hangup-cause", "bowout.cause"
KEPT = CorpusExample(CLAUSE, "loopback-a", ("It stays.",), "FreeSWITCH", PLAIN)

CLEAN = Judgement((), frozenset({CLAUSE}))
SAME = Judgement((Finding(CLAUSE, "loopback-a", "It stays."),), frozenset({CLAUSE}))
ELSEWHERE = Judgement((Finding(CLAUSE, "b-leg", "It stays."),), frozenset({CLAUSE}))
BESIDES = Judgement((*SAME.findings, Finding(OTHER, "b-leg", "It is X.")), frozenset({CLAUSE}))
OTHERWISE = Judgement((Finding(OTHER, "b-leg", "It is X."),), frozenset({CLAUSE, OTHER}))
LATE = Judgement((), frozenset(), frozenset({CLAUSE}))
ELSE = Judgement((), frozenset({OTHER}))
PROBLEM = Judgement((), frozenset(), problem="event 7 reached only one of two connections")


@pytest.mark.parametrize(
    ("attempts", "answer", "why"),
    [
        ([CLEAN] * 3, Answer.FIXED, ""),
        ([SAME] * 3, Answer.STILL_DIFFERS, ""),
        ([SAME, BESIDES, SAME], Answer.STILL_DIFFERS, ""),
        ([OTHERWISE] * 3, Answer.DIFFERS_OTHERWISE, OTHER),
        ([ELSEWHERE] * 3, Answer.DIFFERS_OTHERWISE, CLAUSE),
        ([SAME, CLEAN, SAME], Answer.NOT_DECIDED, "2 of 3 attempts show it"),
        ([SAME, OTHERWISE, OTHERWISE], Answer.NOT_DECIDED, "1 of 3 attempts show it"),
        ([CLEAN, OTHERWISE, CLEAN], Answer.NOT_DECIDED, "some attempts show something else"),
        ([CLEAN, LATE, CLEAN], Answer.NOT_DECIDED, "the host could not keep time"),
        ([CLEAN, ELSE, CLEAN], Answer.NOT_DECIDED, f"{CLAUSE} was not exercised"),
        ([SAME, PROBLEM, SAME], Answer.NOT_DECIDED, "event 7 reached only one"),
        ([], Answer.NOT_DECIDED, f"{CLAUSE} was not exercised"),
    ],
)
def test_answer(attempts: list[Judgement], answer: Answer, why: str) -> None:
    said, reason = answer_to(KEPT, attempts)
    assert said is answer
    assert why in reason
    assert bool(why) == bool(reason)


def test_a_clause_of_a_later_release_says_so() -> None:
    kept = CorpusExample("bowout.after-both-legs-answered", "loopback-a", (), "", PLAIN)
    assert answer_to(kept, [ELSE])[1].endswith("was not exercised; it holds from 1.2.0 on")


def test_exit_statuses_are_those_of_the_suite() -> None:
    assert [answer.exit_status for answer in Answer] == [0, 1, 1, 3]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a switch whose CDRs name another cause than its events."""
    switch = open_switch(f"embedded:?fault={WRONG_CAUSE_IN_CDR}")
    done = asyncio.run(run(switch, Plan(), None, Given([PLAIN])))
    return write_bundles(done, tmp_path_factory.mktemp("bundles"))[CLAUSE]


@pytest.mark.parametrize(
    ("switch", "said", "status"),
    [
        ("embedded:", f"fixed ({CLAUSE}, 3 attempts)", 0),
        (f"embedded:?fault={WRONG_CAUSE_IN_CDR}", f"still differs ({CLAUSE}, 3 attempts)", 1),
        (f"embedded:?fault={EXACT_DURATION_OFF}", "differs otherwise: cdr.exact-duration", 1),
    ],
)
def test_replaying_on_a_switch(
    switch: str, said: str, status: int, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(bundle), "--switch", switch, "--quiet"]) == status
    assert said in capsys.readouterr().out.splitlines()[-1]


def test_a_zip_and_a_kept_example_are_as_good(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then and now are shown, with the call as it runs; the call is kept for a corpus."""
    url = f"embedded:?fault={WRONG_CAUSE_IN_CDR}"
    packed = f"{bundle}.zip"
    record, kept = tmp_path / "again.jsonl", tmp_path / "kept"
    options = ["--record", str(record), "--save-example", str(kept)]
    assert main(["replay", packed, "--switch", url, *options]) == 1
    said = capsys.readouterr().out
    assert "\nnow:\n  - variables.hangup_cause in the json_cdr record of " in said
    assert "\n  time s  a-leg" in said
    assert "  fs_cli> originate {origination_uuid=" in said
    (example,) = read_corpus(kept)
    assert example == read_example(bundle)
    assert sum(len(one.attempts) for one in Recording(record)) == 3
    assert main(["replay", str(kept / f"{example.name}.json"), "--switch", "embedded:", "-q"]) == 0


def test_a_run_that_is_cut_off_is_not_decided(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"embedded:?fault={CONNECTION_CUT}"
    status = main(["replay", str(bundle), "--switch", url, "--quiet"])
    last = capsys.readouterr().out.splitlines()[-1]
    assert (status, last.split(" (")[0].split(":")[0]) in [(3, "not decided"), (0, "fixed")]


def test_what_is_no_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / EXAMPLE).write_text("{}")
    assert main(["replay", str(tmp_path), "--switch", "embedded:"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"loopback-conformance: {tmp_path} is not an example: ")
    assert captured.err.count("\n") == 1
