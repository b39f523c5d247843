"""The kill matrix says of each fault which clause caught it, and of each clause what it catches."""

from dataclasses import dataclass
from importlib.metadata import version

from conformance.clauses import CLAUSES
from fixtures.embedded.faults import FAULTS, NEVER_ALONE
from reports.kill_matrix import markdown


@dataclass(frozen=True)
class Row:
    name: str
    by: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    after: int | None = 7
    right: bool = True
    wrong: str = "It goes wrong."


def line(page: str, begins: str) -> str:
    (found,) = [one for one in page.splitlines() if one.startswith(f"| {begins} |")]
    return found


def test_a_fault_that_only_one_clause_sees_is_its_own() -> None:
    page = markdown([Row("alone", ("bowout.cause",))], "", {})
    assert line(page, "bowout.cause") == "| bowout.cause | alone |  |  |"


def test_a_fault_that_others_see_is_shared_by_those_that_it_names() -> None:
    page = markdown([Row("both", ("bowout.cause",), ("cdr.hangup-cause",))], "", {})
    assert line(page, "bowout.cause") == "| bowout.cause |  | both |  |"
    assert line(page, "cdr.hangup-cause") == "| cdr.hangup-cause |  |  |  |"


def test_a_clause_that_can_have_no_fault_of_its_own_says_why() -> None:
    page = markdown([], "", {"bowout.cause": "The CDR says it too."})
    assert line(page, "bowout.cause") == "| bowout.cause |  |  | The CDR says it too. |"


def test_every_clause_has_a_fault_that_names_it_or_a_reason_why_none_can() -> None:
    named = {clause for fault in FAULTS.values() for clause in fault.clauses}
    assert set(CLAUSES) == named | NEVER_ALONE.keys()
    assert all(reason.endswith(".") for reason in NEVER_ALONE.values())


def test_the_version_that_a_seed_depends_on_is_said() -> None:
    """With another Hypothesis the same seed makes other scenarios, which catch a fault later."""
    page = markdown([Row("one")], "Seed 1.", {})
    assert f"Seed 1. With Hypothesis {version('hypothesis')}: " in page


def test_every_clause_has_its_line_and_a_missed_fault_is_said_to_be_missed() -> None:
    page = markdown([Row("gone", right=False, after=None)], "Seed 1.", {})
    assert "| gone | It goes wrong. | **missed** |  |  |" in page
    assert all(line(page, clause) for clause in CLAUSES)
