"""Two timelines of one call as SVG: expected above observed, legs as bars, the difference marked.

Time runs to the right, the same for both (`reports.axis`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from xml.etree.ElementTree import Element

from conformance.comparison import Comparison
from conformance.expectation import SENT_SECONDS
from conformance.model.course import NEVER, Bridge
from reports import svg
from reports.axis import LEFT, RIGHT, Axis, Slots
from reports.course import Kind, Mark, Timeline, dialled, expected, observed
from reports.differing import Place, orders, places
from reports.template import text_of
from reports.visible import shortened

_HEAD, _ROW, _BAR, _AXIS, _FOOT = 36.0, 36.0, 15.0, 46.0, 26.0
"""Heights: a title, the row of a leg, its bar, the axis between the timelines, the legend."""

_LETTER = 6.1
"""How wide a character is."""

_BEHIND = 14.0
"""How far behind a mark its text is, so that a ring has room."""

_LETTERS = {Kind.RINGING: "R", Kind.EARLY: "E", Kind.ANSWERED: "A", Kind.TOLD: "B"}
_END, _RING, _GHOST = "end", "differs", "ghost"
_LEGEND = (
    ("created", "created"),
    ("early", "early media"),
    ("answered", "answered"),
    ("R", "rings"),
    ("E", "early media"),
    ("A", "is answered"),
    ("bridge", "bridged"),
    ("B", "bowout event"),
    (_END, "hung up"),
    (_RING, "differs"),
)
_WORDS = {
    Kind.RINGING: "rings",
    Kind.EARLY: "has early media",
    Kind.ANSWERED: "is answered",
    Kind.TOLD: "sends",
    Kind.HUNG_UP: "is hung up,",
}


def timeline(comparison: Comparison, clause: str, *, alone: bool = False) -> str:
    """The drawing of a call that speaks against a clause; `alone` makes it a file of its own.

    Else it stands in a page that has the style, and what is `shared`.
    """
    drawing = _drawing(comparison, clause)
    if alone:
        drawing.set("xmlns", svg.NAMESPACE)
        style = Element("style")
        style.text = text_of("timeline.css")
        page = Element("rect", {"class": "page", "width": "100%", "height": "100%"})
        drawing[:0] = [style, page, _shared()]
    return svg.source(drawing)


def shared() -> str:
    """What all drawings of a page use, to stand in it once: the marks, and the legend."""
    return svg.source(_shared())


def _drawing(comparison: Comparison, clause: str) -> Element:
    seen = comparison.seen
    wanted, found = expected(comparison.course, seen.scenario.profile), observed(seen)
    legs = tuple(dict.fromkeys((*wanted.legs, *found.legs)))
    stimuli = list(_stimuli(comparison))
    disputed = orders(comparison.compared, clause)
    for first, second in disputed:
        wanted = _put_in_order(wanted, first, second)
    in_order = {(one.leg, one.kind) for pair in disputed for one in pair if one.kind}
    axis = Axis((wanted, found), [at for at, _ in stimuli], in_order)
    height = _HEAD + _ROW * len(legs)
    drawing = svg.root(
        axis.right + RIGHT,
        2 * height + _AXIS + _FOOT,
        f"Legs over time, expected above observed: call {seen.scenario.id}",
        "timeline",
    )
    for begin in (0.0, height + _AXIS):
        for _, x in axis.ticks():
            grid = svg.path("M", x, begin + _HEAD - 4, "v", _ROW * len(legs))
            svg.add(drawing, "path", d=grid, class_="grid")
    upper = _Panel(drawing, axis, legs, wanted, 0.0)
    lower = _Panel(drawing, axis, legs, found, height + _AXIS)
    differences = _Differences(upper, lower, places(comparison.compared, clause))
    for title, panel in (("Expected", upper), ("Observed", lower)):
        panel.draw(title, differences)
    differences.draw()
    _draw_axis(drawing, axis, stimuli, height)
    svg.add(drawing, "use", href="#t-legend", y=2 * height + _AXIS + 10)
    return drawing


def _put_in_order(line: Timeline, first: Place, second: Place) -> Timeline:
    """Put what comes second behind what comes first; the model has both at one time."""
    places = [line.marks.index(mark) for one in (second, first) for mark in _marks(line, one)[:1]]
    if len(places) < 2 or places[0] > places[1]:
        return line
    begin, end = places
    between = line.marks[begin : end + 1]
    behind = [mark for mark in between if mark.leg == second.leg]
    rest = [mark for mark in between if mark.leg != second.leg]
    return replace(line, marks=(*line.marks[:begin], *rest, *behind, *line.marks[end + 1 :]))


# --- time ----------------------------------------------------------------------------------------


def _stimuli(comparison: Comparison) -> Iterator[tuple[float, str]]:
    """What was done from outside, when the switch carried it out."""
    seen = comparison.seen
    began, deeds = dialled(seen), seen.scenario.all_stimuli()
    done = [(one.at, one.index) for one in seen.placement.applied if one.at is not None]
    for at, index in sorted(done):
        yield (at - began) / 1e6, f"{deeds[index].deed.kind} {deeds[index].deed.leg}"


def _draw_axis(
    drawing: Element, axis: Axis, stimuli: Sequence[tuple[float, str]], top: float
) -> None:
    svg.add(drawing, "text", "time, s", x=0, y=top + 16, class_="quiet")
    for at, x in axis.ticks():
        text = f"{round(at, 2) + 0.0:.2f}"
        svg.add(drawing, "text", text, x=x, y=top + 16, class_="tick")
    free = -NEVER
    for at, text in stimuli:
        x, width = axis.x(at), _LETTER * len(text)
        group = svg.add(drawing, "g", class_="stimulus")
        svg.add(group, "title", f"{text} at {at:.3f} s")
        svg.add(group, "path", d=svg.path("M", x, top + 24, "l4 8h-8z"))
        start = x + 7 if x + 7 + width < axis.right + RIGHT else x - 7 - width
        if start > free:
            svg.add(group, "text", text, x=start, y=top + 33)
            free = start + width


# --- a call --------------------------------------------------------------------------------------


class _Panel:
    """One timeline: a row for each leg that there is in either, in the same order."""

    def __init__(
        self, drawing: Element, axis: Axis, legs: Sequence[str], line: Timeline, top: float
    ) -> None:
        self.legs = legs
        self.line = line
        self.slots: Slots = axis.slots(line)
        self.group = svg.add(drawing, "g", class_="panel")
        self._axis = axis
        self._top = top

    def middle(self, leg: str) -> float:
        """The middle of a leg's bar, from the drawing's top."""
        return self._top + _HEAD + _ROW * self.legs.index(leg) + _BAR / 2

    def draw(self, title: str, differences: _Differences) -> None:
        svg.add(self.group, "text", title, x=0, y=self._top + 14, class_="title")
        for at in self.line.bowouts:
            self._draw_bowout(self._axis.x(at))
        for leg in self.legs:
            self._draw_name(leg, differs=differences.at_leg(leg))
            if leg in self.line.legs:
                self._draw_bar(leg)
            else:
                y = self.middle(leg) + 3.5
                svg.add(self.group, "text", "no such leg", x=LEFT, y=y, class_="quiet")
        for bridge in self.line.bridges:
            self._draw_bridge(bridge)
        for mark in self.line.marks:
            self._draw_mark(mark, differs=differences.in_cause(mark))

    def _draw_bowout(self, x: float) -> None:
        bottom = self._top + _HEAD + _ROW * len(self.legs) - 6
        svg.add(
            self.group, "path", d=svg.path("M", x, self._top + 18, "V", bottom), class_="bowout"
        )
        svg.add(self.group, "text", "bowout", x=x, y=self._top + 14, class_="bowout")

    def _draw_name(self, leg: str, *, differs: bool) -> None:
        text, class_ = (f"≠ {leg}", "leg differs") if differs else (leg, "leg")
        svg.add(self.group, "text", text, x=0, y=self.middle(leg) + 3.5, class_=class_)

    def _draw_bar(self, leg: str) -> None:
        """The bar of a leg: empty, striped in early media, full once it is answered."""
        of = self.line.of
        begin = min((self.slots[mark] for mark in self.line.marks if mark.leg == leg), default=LEFT)
        steps = [("created", begin)]
        for kind, class_ in ((Kind.EARLY, "early"), (Kind.ANSWERED, "answered")):
            starts = [self.slots[mark] for mark in of(leg, kind)]
            steps = [step for step in steps if not starts or step[1] <= starts[0]]
            steps += [(class_, start) for start in starts[:1]]
        ended = [self.slots[mark] for mark in of(leg, Kind.HUNG_UP)]
        end = ended[0] if ended else self._axis.right
        bar = svg.add(self.group, "g", class_="bar loopback" if "loopback" in leg else "bar")
        for (class_, start), (_, stop) in pairwise([*steps, ("", end)]):
            _draw_stretch(bar, class_, start, self.middle(leg), max(stop - start, 1.0))
        if not ended:
            self._draw_cause("still there", end, self.middle(leg), below=True)

    def _draw_bridge(self, bridge: Bridge) -> None:
        """It joins two bars where it begins, and each bar says with whom it is bridged."""
        start = next(
            self.slots[mark]
            for mark in self.line.of(bridge.caller, Kind.BRIDGED)
            if (mark.at, mark.text) == (bridge.since, bridge.peer)
        )
        end = self._axis.right if bridge.until == NEVER else self._axis.x(bridge.until)
        ends = ((bridge.caller, bridge.peer), (bridge.peer, bridge.caller))
        there = [(leg, peer) for leg, peer in ends if leg in self.legs]
        for leg, peer in there:
            self._draw_peer(leg, f"↔ {peer}", start, end)
        middles = [self.middle(leg) for leg, _ in there]
        joined = svg.path("M", start, min(middles), "V", max(middles))
        svg.add(self.group, "path", d=joined, class_="bridge")
        for y in middles:
            svg.add(self.group, "circle", cx=start, cy=y, r=3, class_="bridge")

    def _draw_peer(self, leg: str, text: str, start: float, end: float) -> None:
        """Write into a bar behind its last mark of that stretch, where there is room."""
        own = [mark for mark in self.line.marks if mark.leg == leg and self.slots[mark] < end]
        begin = max([start, *(self.slots[mark] for mark in own)]) + _BEHIND
        if begin + _LETTER * len(text) < end:
            full = any(mark.kind is Kind.ANSWERED for mark in own)
            y, class_ = self.middle(leg) + 3.5, "peer full" if full else "peer"
            svg.add(self.group, "text", text, x=begin, y=y, class_=class_)

    def _draw_mark(self, mark: Mark, *, differs: bool) -> None:
        x, y, text = self.slots[mark], self.middle(mark.leg), shortened(mark.text, 40)
        if mark.kind in _LETTERS:
            drawn = _draw_sign(self.group, _LETTERS[mark.kind], x, y)
        elif mark.kind is Kind.HUNG_UP:
            drawn = _draw_sign(self.group, _END, x, y)
            fits = x + _BEHIND + _LETTER * len(text) < self._axis.right + RIGHT
            self._draw_cause(text, x, y, below=not fits or mark.number > 1, differs=differs)
        else:
            return
        said = f"{mark.leg} {_WORDS[mark.kind]} {text}".strip()
        svg.add(drawn, "title", f"{said} at {mark.at:.3f} s")

    def _draw_cause(
        self, text: str, x: float, y: float, *, below: bool, differs: bool = False
    ) -> None:
        """Behind the end of a bar, or under it."""
        x, y = (x + 4, y + 18.5) if below else (x + _BEHIND, y + 3.5)
        class_ = f"cause{' below' * below}{' differs' * differs}"
        svg.add(self.group, "text", text, x=x, y=y, class_=class_)


def _draw_stretch(bar: Element, class_: str, x: float, y: float, width: float) -> None:
    svg.add(bar, "rect", x=x, y=y - _BAR / 2, width=width, height=_BAR, class_=class_)
    if class_ == "early":
        # a thick dashed line along the middle
        svg.add(bar, "path", d=svg.path("M", x, y, "h", width), class_="stripes")


def _draw_sign(parent: Element, sign: str, x: float, y: float) -> Element:
    return svg.add(parent, "use", href=f"#t-{sign}", x=x, y=y)


# --- what all drawings share ---------------------------------------------------------------------


def _shared() -> Element:
    definitions = Element("defs")
    for letter in _LETTERS.values():
        mark = svg.add(_defined(definitions, letter), "g", class_="mark")
        svg.add(mark, "circle", r=6)
        svg.add(mark, "text", letter, y=3.2)
    end = svg.add(_defined(definitions, _END), "g", class_="end")
    for class_ in ("under", "cross"):
        svg.add(end, "path", d="M-4-4l8 8m0-8l-8 8", class_=class_)
    for name in (_RING, _GHOST):
        ring = _defined(definitions, name)
        for class_ in ("under", name):
            svg.add(ring, "circle", r=10, class_=class_)
    _draw_legend(svg.add(_defined(definitions, "legend"), "g", class_="legend"))
    return definitions


def _defined(definitions: Element, name: str) -> Element:
    """What is used takes no style from where it is, so that its own class is around it."""
    return svg.add(definitions, "g", id=f"t-{name}", class_="timeline")


def _draw_legend(group: Element) -> None:
    x = 10.0
    for what, word in _LEGEND:
        if what in ("created", "early", "answered"):
            _draw_stretch(svg.add(group, "g", class_="bar"), what, x - 10, 0, 20)
        elif what == "bridge":
            svg.add(group, "circle", cx=x, r=3, class_="bridge")
        else:
            _draw_sign(group, what, x, 0)
        svg.add(group, "text", word, x=x + _BEHIND, y=3.5)
        x += _BEHIND + _LETTER * len(word) + 25


# --- what differs --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Differences:
    """What the judge objects to: ringed in both timelines, and in the lower one where it should be.

    `where` are the places that its findings speak of.
    """

    upper: _Panel
    lower: _Panel
    where: frozenset[Place]

    def at_leg(self, leg: str) -> bool:
        """Whether it is the leg as a whole."""
        return Place(leg) in self.where or not (
            leg in self.upper.line.legs and leg in self.lower.line.legs
        )

    def in_cause(self, mark: Mark) -> bool:
        """Whether a hangup is disputed, and its cause is not one of those expected."""
        if not any((one.leg, one.kind) == (mark.leg, mark.kind) for one in self.where):
            return False
        wanted, found = (
            {
                cause
                for one in panel.line.of(mark.leg, mark.kind)
                for cause in one.text.split(" or ")
            }
            for panel in (self.upper, self.lower)
        )
        return not found <= wanted

    def draw(self) -> None:
        for place in sorted(self.where, key=str):
            if place.leg in self.upper.legs:
                wanted, found = (_marks(panel.line, place) for panel in (self.upper, self.lower))
                _ring(self.upper, wanted)
                _ring(self.lower, found)
                for mark in wanted[len(found) :]:
                    self._draw_ghost(mark, None)
                for mark, other in zip(wanted, found, strict=False):
                    if place.timed and abs(other.at - mark.at) >= SENT_SECONDS:
                        self._draw_ghost(mark, other)

    def _draw_ghost(self, wanted: Mark, found: Mark | None) -> None:
        """Where something should be that is elsewhere, or nowhere."""
        group, x, y = self.lower.group, self.upper.slots[wanted], self.lower.middle(wanted.leg)
        text = "missing"
        if found is not None:
            text = f"{found.at - wanted.at:+.2f} s"
            near, far = sorted((x, self.lower.slots[found]))
            for class_ in ("under", "ghost"):
                svg.add(group, "path", d=svg.path("M", near + 10, y, "H", far - 10), class_=class_)
        _draw_sign(group, _GHOST, x, y)
        svg.add(group, "text", text, x=x, y=y - 12, text_anchor="middle", class_="differs")


def _ring(panel: _Panel, marks: Sequence[Mark]) -> None:
    for mark in marks:
        x, y = panel.slots[mark], panel.middle(mark.leg)
        _draw_sign(panel.group, _RING, x, y)


def _marks(line: Timeline, place: Place) -> list[Mark]:
    """The marks of a timeline at a place; none where that is a leg as a whole."""
    if place.kind is None:
        return []
    own = line.of(place.leg, place.kind)
    if place.number == 0:
        return own
    return own[-1:] if place.number < 0 else own[place.number - 1 : place.number]
