"""How long bowouts took in a whole run, against what is allowed, as SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from xml.etree.ElementTree import Element

from conformance.times import BINS_A_SECOND, Times
from reports import svg

_WIDTH, _HEIGHT = 560.0, 170.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 14.0, 26.0, 34.0
_NEVER = 64.0
"""How wide the place is for what never came."""

_BARS = 110
"""How many bars there is room for."""

_CROSS_APART = 9.0

_LEAST = 4.0
"""How high the smallest bar is: a single late bowout among thousands is what one looks for."""


def histogram(times: Times) -> str:
    """Bars over seconds; those out of the band are marked, and what never came stands apart."""
    return _Plot(times).drawn()


def spread(times: Times) -> str:
    """The times in a sentence: how many, from when to when, how many out of the band."""
    text = f"{times.total:,} measured"
    low, middle, high = (times.quantile(share) for share in (0.0, 0.5, 1.0))
    if low is not None and low == high:
        text += f", all at {low:.2f} s"
    elif low is not None:
        text += f", from {low:.2f} to {high:.2f} s, half of them by {middle:.2f} s"
    outside = f"{times.beyond:,} outside the band" if times.beyond else "none outside the band"
    never = f", {times.never:,} never came" if times.never else ""
    return f"{text}; {outside}{never}."


class _Plot:
    def __init__(self, times: Times) -> None:
        self._times = times
        numbers = [*times.within, *times.outside]
        low = min([times.at_most[0] * BINS_A_SECOND, *numbers]) - 2
        high = max([times.at_most[1] * BINS_A_SECOND, *(number + 1 for number in numbers)]) + 2
        self._step = max(1, round((high - low) / _BARS))
        self._low, self._high = low, high
        self._right = _WIDTH - _RIGHT - (_NEVER if times.never else 0.0)
        self._within = self._merged(times.within)
        self._outside = self._merged(times.outside)
        bars = Counter(self._within) + Counter(self._outside)
        self._most = max([times.never, *bars.values(), 1])
        self._root = svg.root(_WIDTH, _HEIGHT, spread(times), "times")

    def _merged(self, bins: Mapping[int, int]) -> Counter[int]:
        merged: Counter[int] = Counter()
        for number, count in bins.items():
            merged[number // self._step * self._step] += count
        return merged

    def drawn(self) -> str:
        self._draw_band()
        base = _HEIGHT - _BOTTOM
        crosses = []
        for number in sorted(self._within | self._outside):
            inside, outside = self._within[number], self._outside[number]
            x, end = self._x(number), self._x(number + self._step)
            height = self._tall(inside + outside)
            share = height * outside / (inside + outside)
            width = max(end - x - 0.8, 1.2)
            group = svg.add(self._root, "g")
            svg.add(group, "title", f"{inside + outside:,} at {number / BINS_A_SECOND:.2f} s")
            if inside:
                _draw_bar(group, "in", x, width, base - height + share, height - share)
            if outside:
                _draw_bar(group, "out", x, width, base - height, share)
                crosses.append((base - height - 8, (x + end) / 2))
        self._draw_crosses(crosses)
        self._draw_axes(base)
        if self._times.never:
            self._draw_never(base)
        return svg.source(self._root)

    def _x(self, number: float) -> float:
        return _LEFT + (number - self._low) / (self._high - self._low) * (self._right - _LEFT)

    def _tall(self, count: int) -> float:
        return max(count / self._most * (_HEIGHT - _TOP - _BOTTOM - 12), _LEAST)

    def _draw_band(self) -> None:
        for class_, (early, late) in (("most", self._times.at_most), ("band", self._times.always)):
            x, end = self._x(early * BINS_A_SECOND), self._x(late * BINS_A_SECOND)
            height = _HEIGHT - _TOP - _BOTTOM
            svg.add(self._root, "rect", x=x, y=_TOP, width=end - x, height=height, class_=class_)
        early, late = (self._x(bound * BINS_A_SECOND) for bound in self._times.always)
        edges = svg.path(
            "M", early, _TOP, "V", _HEIGHT - _BOTTOM, "M", late, _TOP, "V", _HEIGHT - _BOTTOM
        )
        svg.add(self._root, "path", d=edges, class_="edge")
        middle = (early + late) / 2
        svg.add(
            self._root, "text", "allowed", x=middle, y=_TOP - 8, class_="edge", text_anchor="middle"
        )

    def _draw_axes(self, base: float) -> None:
        svg.add(self._root, "path", d=svg.path("M", _LEFT, base, "H", self._right), class_="axis")
        svg.add(self._root, "text", f"{self._most:,}", x=_LEFT - 6, y=_TOP + 16, text_anchor="end")
        svg.add(self._root, "text", "0", x=_LEFT - 6, y=base + 3, text_anchor="end")
        svg.add(self._root, "text", "calls", x=0, y=_TOP - 8)
        for seconds in _round(self._low / BINS_A_SECOND, self._high / BINS_A_SECOND):
            x = self._x(seconds * BINS_A_SECOND)
            svg.add(self._root, "path", d=svg.path("M", x, base, "v 4"), class_="axis")
            svg.add(
                self._root, "text", f"{seconds + 0.0:.2f}", x=x, y=base + 16, text_anchor="middle"
            )
        svg.add(self._root, "text", "seconds", x=self._right, y=base + 30, text_anchor="end")

    def _draw_never(self, base: float) -> None:
        x, height = _WIDTH - _RIGHT - 30, self._tall(self._times.never)
        _draw_bar(self._root, "out", x - 9, 18, base - height, height)
        self._cross(x, base - height - 8)
        svg.add(self._root, "text", "never", x=x, y=base + 16, text_anchor="middle")
        svg.add(self._root, "text", f"{self._times.never:,}", x=x + 14, y=base - 4)

    def _draw_crosses(self, places: Iterable[tuple[float, float]]) -> None:
        """Mark what is out of the band, the highest bars first: no cross covers another."""
        taken: list[float] = []
        for y, x in sorted(places):
            if all(abs(x - other) >= _CROSS_APART for other in taken):
                self._cross(x, y)
                taken.append(x)

    def _cross(self, x: float, y: float) -> None:
        svg.add(
            self._root, "path", d=svg.path("M", x - 3, y - 3, "l 6 6 m 0 -6 l -6 6"), class_="cross"
        )


def _draw_bar(
    parent: Element, class_: str, x: float, width: float, y: float, height: float
) -> None:
    svg.add(parent, "rect", x=x, y=y, width=width, height=height, class_=class_)


def _round(low: float, high: float) -> Iterator[float]:
    """Round numbers between two, at most eight."""
    step = next((s for s in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10) if (high - low) / s <= 8), 20.0)
    number = -(-low // step)
    while number * step <= high:
        yield number * step
        number += 1
