"""Time on the page: where each thing that happened to a leg is drawn, from the left.

What happens within `TOGETHER` seconds is drawn side by side in its order, as wide as it has to be
to be told apart; between such places time is to scale.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from conformance.model.course import NEVER
from reports.course import Kind, Mark, Timeline

TOGETHER = 0.03
"""Within how many seconds things are drawn as if at once; a switch's clock may go by 0.02 s."""

WIDTH, LEFT, RIGHT = 1000.0, 112.0, 16.0
"""How wide the drawing is at least, and what is left free at either side of the legs."""

_SLOT = 15.0
_GAP = 3.0
_LABEL_APART = 44.0

Slots: TypeAlias = dict[Mark, float]
"""Where each mark is drawn, from the left."""


@dataclass(slots=True)
class _Column:
    """What happens together: from when, until when, and how many slots wide it is."""

    first: float
    last: float
    slots: int = 0
    x: float = 0.0


class Axis:
    """Time on the page, the same for both timelines."""

    def __init__(
        self,
        lines: Sequence[Timeline],
        others: Sequence[float],
        in_order: Collection[tuple[str, Kind]] = (),
    ) -> None:
        """Make room for all that the timelines hold, and for other moments.

        Marks of one leg are drawn in their order, and so are those `in_order` of different legs.
        """
        self._in_order = in_order
        instants = sorted(
            {
                at
                for line in lines
                for at in (
                    *(mark.at for mark in line.marks),
                    *(at for bridge in line.bridges for at in (bridge.since, bridge.until)),
                    *line.bowouts,
                )
                if at != NEVER
            }
            | set(others)
        )
        self._columns: list[_Column] = []
        for at in instants or [0.0]:
            if self._columns and at - self._columns[-1].first <= TOGETHER:
                self._columns[-1].last = at
            else:
                self._columns.append(_Column(at, at))
        self._firsts = [column.first for column in self._columns]
        for line in lines:
            for column, slot in self._placed(line).values():
                column.slots = max(column.slots, slot + 1)
        self.right = self._lay_out()

    def _lay_out(self) -> float:
        """Give each column its place; the drawing grows if there is much to tell."""
        taken = sum(_SLOT * column.slots for column in self._columns)
        spans = [later.first - sooner.last for sooner, later in pairwise(self._columns)]
        room = max(WIDTH - LEFT - RIGHT - taken, 0.4 * taken, 200.0)
        wide = [span for span in spans if span * room > _GAP * sum(spans)]
        scale = (room - _GAP * (len(spans) - len(wide))) / sum(wide) if wide else 0.0
        x = LEFT
        for column, span in zip(self._columns, [*spans, 0.0], strict=True):
            column.x = x
            x += _SLOT * column.slots + max(scale * span, _GAP)
        return max(x, WIDTH - RIGHT)

    def _column(self, at: float) -> _Column:
        return self._columns[max(bisect_right(self._firsts, at) - 1, 0)]

    def x(self, at: float) -> float:
        """Where a time is, from the left."""
        return self._column(at).x

    def slots(self, line: Timeline) -> Slots:
        """Where the marks of a timeline are: one after the other in their column."""
        return {
            mark: column.x + _SLOT * (slot + (mark.kind is not Kind.CREATED) / 2)
            for mark, (column, slot) in self._placed(line).items()
        }

    def _placed(self, line: Timeline) -> dict[Mark, tuple[_Column, int]]:
        """The column of each mark and its number there; a bridge is in one place on both legs."""
        taken: defaultdict[tuple[str, int], int] = defaultdict(int)
        placed = {}
        for mark in line.marks:
            column = self._column(mark.at)
            legs = [mark.leg, mark.text] if mark.kind is Kind.BRIDGED else [mark.leg]
            if (mark.leg, mark.kind) in self._in_order:
                legs.append("")
            keys = [(leg, id(column)) for leg in legs]
            slot = max(taken[key] for key in keys)
            placed[mark] = (column, slot)
            for key in keys:
                taken[key] = slot + 1
        return placed

    def ticks(self) -> Iterator[tuple[float, float]]:
        """Times to be written down, with their places: as many as there is room for."""
        free = -NEVER
        last = self._columns[-1]
        for column in self._columns:
            fits = column is last or column.x + _LABEL_APART < last.x
            if column.x >= free and fits:
                yield column.first, column.x
                free = column.x + _LABEL_APART
