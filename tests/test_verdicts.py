"""Verdicts: what many judgements say of a clause, and of the switch as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from conformance.clauses import CLAUSES, Level
from conformance.complexity import parts
from conformance.judge import Finding, Judgement
from conformance.profile import Profile
from conformance.scenario import (
    ALegBridges,
    Answer,
    BridgeToLoopback,
    BridgeToNull,
    ExtensionTarget,
    Scenario,
    Sleep,
    Variables,
)
from conformance.verdicts import (
    CONFORMS,
    FINDINGS,
    UNDECIDED,
    USAGE,
    JudgedScenario,
    RunResult,
    Verdict,
    decide,
)

ALL = frozenset(CLAUSES)
MUST = next(name for name, clause in CLAUSES.items() if clause.level is Level.MUST)
SHOULD = next(name for name, clause in CLAUSES.items() if clause.level is Level.SHOULD)
MAY = next(name for name, clause in CLAUSES.items() if clause.level is Level.MAY)
LEVELS = (MUST, SHOULD, MAY)

CLEAN = Judgement((), ALL)


def scenario(number: int = 1) -> Scenario:
    """Give one of many scenarios."""
    return Scenario(ALegBridges(), ExtensionTarget(str(number)), (Answer(),))


def against(clause: str) -> Judgement:
    """Give a judgement that exercised everything and speaks against one clause."""
    return Judgement((Finding(clause, "a-leg", "It was so; expected otherwise"),), ALL)


def without(clause: str) -> Judgement:
    """Give a judgement that did not exercise one clause."""
    return Judgement((), ALL - {clause})


def undecided(clause: str) -> Judgement:
    """Give a judgement that could not decide one clause."""
    return Judgement((), ALL - {clause}, frozenset({clause}))


def problem(text: str = "the connection was lost") -> Judgement:
    """Give a judgement of what the suite could not observe."""
    return Judgement((), frozenset(), problem=text)


def result(*cases: Sequence[Judgement], shortfall: str = "") -> RunResult:
    """Give the result of scenarios, each with the judgements of its attempts."""
    judged = [JudgedScenario(scenario(n), tuple(attempts)) for n, attempts in enumerate(cases)]
    return decide(judged, shortfall)


# --- the verdict of a clause ---------------------------------------------------------------------

TABLE: tuple[tuple[str, list[list[Judgement]], Verdict], ...] = (
    ("clean once", [[CLEAN]], Verdict.PASS),
    ("clean twice", [[CLEAN, CLEAN]], Verdict.PASS),
    ("found once, not tried again", [[against(MUST)]], Verdict.FAIL),
    ("found and confirmed", [[against(MUST), against(MUST)]], Verdict.FAIL),
    ("found, then not", [[against(MUST), CLEAN]], Verdict.FLAKY),
    ("found, not, found", [[against(MUST), CLEAN, against(MUST)]], Verdict.FLAKY),
    ("not found, then found", [[CLEAN, against(MUST)]], Verdict.FLAKY),
    ("found, then not exercised", [[against(MUST), without(MUST)]], Verdict.FLAKY),
    ("found, then undecided", [[against(MUST), undecided(MUST)]], Verdict.FLAKY),
    ("found, then a problem", [[against(MUST), problem()]], Verdict.FLAKY),
    ("found, undecided, found", [[against(MUST), undecided(MUST), against(MUST)]], Verdict.FAIL),
    ("confirmed in one scenario of two", [[CLEAN], [against(MUST)] * 2], Verdict.FAIL),
    ("flaky beside a failure", [[against(MUST), CLEAN], [against(MUST)] * 2], Verdict.FAIL),
    ("flaky beside one not tried again", [[against(MUST), CLEAN], [against(MUST)]], Verdict.FLAKY),
    ("confirmed beside one not tried again", [[against(MUST)] * 2, [against(MUST)]], Verdict.FAIL),
    ("flaky beside a pass", [[against(MUST), CLEAN], [CLEAN]], Verdict.FLAKY),
    ("undecided", [[undecided(MUST)]], Verdict.INCONCLUSIVE),
    ("undecided, then decided", [[undecided(MUST), CLEAN]], Verdict.PASS),
    (
        "undecided, then without it",
        [[undecided(MUST), without(MUST)], [CLEAN]],
        Verdict.PASS,
    ),
    (
        "undecided, then a problem",
        [[undecided(MUST), problem()], [CLEAN]],
        Verdict.INCONCLUSIVE,
    ),
    ("undecided beside a pass", [[undecided(MUST)], [CLEAN]], Verdict.INCONCLUSIVE),
    ("undecided beside a failure", [[undecided(MUST)], [against(MUST)]], Verdict.FAIL),
    ("only a problem", [[problem()]], Verdict.ERROR),
    ("a problem, then clean", [[problem(), CLEAN]], Verdict.PASS),
    ("a problem beside a pass", [[problem()], [CLEAN]], Verdict.PASS),
    ("another clause's finding", [[against(SHOULD)]], Verdict.PASS),
    ("not exercised", [[without(MUST)]], Verdict.NOT_VERIFIED),
    ("nothing placed", [], Verdict.NOT_VERIFIED),
)


@pytest.mark.parametrize(
    ("cases", "verdict"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_verdict(cases: list[list[Judgement]], verdict: Verdict) -> None:
    """What came twice fails; what does not come back is flaky; doubt is never a pass."""
    assert result(*cases).clauses[MUST].verdict is verdict


def test_every_clause_has_a_verdict() -> None:
    assert list(result([CLEAN]).clauses) == list(CLAUSES)
    assert list(result().clauses) == list(CLAUSES)


def test_counts_are_of_scenarios_and_attempts() -> None:
    found = result([CLEAN, CLEAN], [without(MUST)], [problem(), CLEAN, against(MUST)])
    assert (found.scenarios, found.attempts) == (3, 6)
    assert found.clauses[MUST].exercised == 2
    assert found.clauses[SHOULD].exercised == 3


def test_shapes_are_of_what_exercised_a_clause() -> None:
    """Scenarios that differ in a value alone are of one shape, however many they are."""
    longer = Scenario(ALegBridges(), ExtensionTarget("1"), (Sleep(100), Answer()))
    judged = [
        JudgedScenario(scenario(1), (CLEAN,)),
        JudgedScenario(scenario(2), (CLEAN,)),
        JudgedScenario(longer, (without(MUST),)),
    ]
    clauses = decide(judged).clauses
    assert (clauses[MUST].exercised, clauses[MUST].shapes) == (2, 1)
    assert (clauses[SHOULD].exercised, clauses[SHOULD].shapes) == (3, 2)


@pytest.mark.parametrize(
    ("cases", "note"),
    [
        ([[against(MUST), CLEAN]], "attempts at the same scenario disagree"),
        ([[undecided(MUST)], [undecided(MUST)], [CLEAN]], "the host could not keep time in 2 "),
        ([[problem("no CDR came")]], "no CDR came"),
        ([[without(MUST)]], "no scenario exercised it"),
    ],
)
def test_what_is_not_decided_says_why(cases: list[list[Judgement]], note: str) -> None:
    assert result(*cases).clauses[MUST].note.startswith(note)


def test_pass_and_fail_need_no_note() -> None:
    assert result([CLEAN]).clauses[MUST].note == ""
    assert result([against(MUST)]).clauses[MUST].note == ""


def test_a_case_shows_the_last_attempt_that_speaks_against_the_clause() -> None:
    """It is the one whose placement is shown beside it."""
    first, last = against(MUST), Judgement((Finding(MUST, "b-leg", "later"),), ALL)
    (case,) = result([first, last, CLEAN]).clauses[MUST].flaky
    assert [finding.sentence for finding in case.findings] == ["later"]


@pytest.mark.parametrize(
    ("again", "failing", "flaky"),
    [([against(MUST)], {0, 2}, {1}), ([CLEAN], set(), {0, 1, 2})],
)
def test_what_was_placed_once_speaks_with_what_was_placed_again(
    again: list[Judgement], failing: set[int], flaky: set[int]
) -> None:
    """Only some scenarios of a clause are placed again; the rest stand or fall with them."""
    cases = [[against(MUST), *again], [against(MUST), CLEAN], [against(MUST)]]
    found = result(*cases).clauses[MUST]
    assert {case.scenario for case in found.failing} == {scenario(n) for n in failing}
    assert {case.scenario for case in found.flaky} == {scenario(n) for n in flaky}


def test_deciding_twice_is_the_same() -> None:
    cases = [[CLEAN], [against(MUST)], [undecided(SHOULD)], [problem()]]
    assert result(*cases) == result(*cases)


# --- exit statuses -------------------------------------------------------------------------------


def test_exit_statuses_are_what_is_documented() -> None:
    """Pipelines depend on the numbers."""
    assert (CONFORMS, FINDINGS, USAGE, UNDECIDED) == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("clause", "cases", "status"),
    [
        *((clause, [[CLEAN]], CONFORMS) for clause in LEVELS),
        *((clause, [[against(clause)]], FINDINGS) for clause in LEVELS),
        (MUST, [[against(MUST), CLEAN]], UNDECIDED),
        (SHOULD, [[against(SHOULD), CLEAN]], CONFORMS),
        (MAY, [[against(MAY), CLEAN]], CONFORMS),
        (MUST, [[undecided(MUST)]], UNDECIDED),
        (SHOULD, [[undecided(SHOULD)]], CONFORMS),
        (MUST, [[without(MUST)]], UNDECIDED),
        (SHOULD, [[without(SHOULD)]], CONFORMS),
        (MUST, [[problem()]], UNDECIDED),
        (MUST, [[against(SHOULD)], [undecided(MUST)]], FINDINGS),
        (MUST, [[against(MAY)], [problem()]], FINDINGS),
    ],
)
def test_exit_status(clause: str, cases: list[list[Judgement]], status: int) -> None:
    """1 with any finding; else 3 with a MUST clause in doubt; else 0."""
    found = result(*cases)
    assert found.exit_status == status, found.clauses[clause]


@pytest.mark.parametrize(
    "cases",
    [
        [],
        [[problem()]],
        [[Judgement((), frozenset())]],
        [[Judgement((), frozenset(), ALL)]],
        [[Judgement((), frozenset()), problem()]] * 3,
    ],
)
def test_nothing_exercised_is_never_success(cases: list[list[Judgement]]) -> None:
    """A gate that is green because nothing ran is worse than none."""
    assert result(*cases).exit_status == UNDECIDED


def test_a_run_that_is_not_whole_is_undecided() -> None:
    assert result([CLEAN], shortfall="the switch was lost").exit_status == UNDECIDED
    assert result([against(MAY)], shortfall="the switch was lost").exit_status == FINDINGS


# --- the simplest case first ---------------------------------------------------------------------


def with_plan(length: int) -> Scenario:
    """Give a scenario of that many actions."""
    return Scenario(ALegBridges(), ExtensionTarget("1"), (Sleep(20),) * length)


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.FLAKY])
def test_the_case_with_the_fewest_parts_comes_first(verdict: Verdict) -> None:
    """The first is the one that a person looks into."""
    attempts = (against(MUST),) if verdict is Verdict.FAIL else (against(MUST), CLEAN)
    found = decide([JudgedScenario(with_plan(n), attempts) for n in (5, 1, 3)]).clauses[MUST]
    cases = found.failing if verdict is Verdict.FAIL else found.flaky
    assert [len(case.scenario.plan) for case in cases] == [1, 3, 5]


def test_cases_of_as_many_parts_are_in_an_order_of_their_own() -> None:
    """A report must not change with the order in which calls happened to end."""
    judged = [JudgedScenario(scenario(n), (against(MUST),)) for n in range(9)]
    one, other = decide(judged), decide(judged[::-1])
    assert one.clauses[MUST].failing == other.clauses[MUST].failing


SIMPLE = Scenario(ALegBridges(), ExtensionTarget("1"), (BridgeToNull(),))


@pytest.mark.parametrize(
    "more",
    [
        Scenario(ALegBridges(), ExtensionTarget("1"), (Answer(), BridgeToNull())),
        *(
            Scenario(
                ALegBridges(), ExtensionTarget("1"), (BridgeToNull(),), Variables(**{scope: pair})
            )
            for pair in [(("a", "b"),)]
            for scope in ("originate", "braces", "brackets", "export", "set")
        ),
    ],
)
def test_each_action_and_variable_is_a_part(more: Scenario) -> None:
    assert parts(more) == parts(SIMPLE) + 1


def test_variables_of_a_b_leg_are_parts() -> None:
    plan = (BridgeToNull(variables=(("a", "b"),)),)
    assert parts(Scenario(ALegBridges(), ExtensionTarget("1"), plan)) > parts(SIMPLE)


def test_variables_of_a_further_pair_are_parts() -> None:
    plain, given = (
        BridgeToLoopback(ExtensionTarget("2"), (BridgeToNull(),), braces=pairs, brackets=pairs)
        for pairs in ((), (("a", "b"),))
    )
    simple, more = (Scenario(ALegBridges(), ExtensionTarget("1"), (b,)) for b in (plain, given))
    assert parts(more) == parts(simple) + 2


def test_a_value_is_not_taken_for_parts() -> None:
    tricky = Variables(set=(("a", "'kind' 'kind'"),))
    plain = Variables(set=(("a", "b"),))
    assert parts(Scenario(ALegBridges(), ExtensionTarget("1"), (), tricky)) == parts(
        Scenario(ALegBridges(), ExtensionTarget("1"), (), plain)
    )


def test_a_clause_of_a_later_release_keeps_nothing_undecided() -> None:
    """An older switch is not to blame for what came after it, and its run can end."""
    older = replace(scenario(), profile=Profile(release="1.8.0"))
    quiet = Judgement((), frozenset())
    late = decide([JudgedScenario(older, (quiet,))]).clauses["bowout.direct-names-ends"]
    assert late.verdict is Verdict.NOT_IN_RELEASE
    assert "1.8.6" in late.note
