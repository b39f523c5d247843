"""The statistical tests give what other implementations of them give."""

from __future__ import annotations

import pytest

from conformance.statistics import holm, mann_whitney, mcnemar, separated

MAY = "41 36 12 18 28 23 19 8 7 16 11 14 18 14 34 6 30 11 1 11 4 32 23 45 115 37"
AUGUST = "39 9 16 78 35 66 122 89 110 44 28 65 22 59 23 31 44 21 9 45 168 73 76 118 84 85"


def numbers(text: str) -> list[float]:
    return [float(one) for one in text.split()]


def test_mann_whitney_gives_what_r_gives() -> None:
    """R's example of wilcox.test: ozone in New York, May and August 1973; it has ties."""
    assert mann_whitney(numbers(MAY), numbers(AUGUST)) == pytest.approx(0.0001208, rel=1e-3)
    assert mann_whitney(numbers(AUGUST), numbers(MAY)) == pytest.approx(0.0001208, rel=1e-3)


def test_equal_samples_are_not_told_apart() -> None:
    assert mann_whitney([2.0] * 20, [2.0] * 30) == 1.0
    assert mann_whitney([], [1.0]) == 1.0
    assert mann_whitney(numbers(MAY), numbers(MAY)) == 1.0


@pytest.mark.parametrize(
    ("one_way", "other_way", "p"),
    [(0, 11, 2 / 2**11), (1, 9, 22 / 1024), (9, 1, 22 / 1024), (5, 5, 1.0), (0, 0, 1.0)],
)
def test_mcnemar(one_way: int, other_way: int, p: float) -> None:
    assert mcnemar(one_way, other_way) == pytest.approx(p)


def test_holm_gives_what_r_gives() -> None:
    """R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


def test_attempts_that_are_wholly_separated() -> None:
    """One scenario three times on either side says 1 in 20, either way; others multiply."""
    assert separated([(3, 3)]) == pytest.approx(2 / 20)
    assert separated([(3, 3), (1, 1)]) == pytest.approx(2 / 40)
    assert separated([]) == 1.0
