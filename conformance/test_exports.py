"""One test for each clause about exports; run with `pytest conformance --switch URL`."""

from collections.abc import Callable

import pytest

from conformance.clauses import CLAUSES, Area

NAMES = [name for name, clause in CLAUSES.items() if clause.area is Area.EXPORTS]


@pytest.mark.parametrize("clause", NAMES)
def test_clause(clause: str, check_loopback_clause: Callable[[str], None]) -> None:
    check_loopback_clause(clause)
