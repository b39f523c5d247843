"""The HTML report in a browser: a run with findings is drawn, filtered, read by keyboard, alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import BINARY, Page, opened
from tests.command import Ended, run

pytestmark = pytest.mark.skipif(
    not BINARY, reason="install chromium, or set LOOPBACK_CONFORMANCE_CHROMIUM to a browser's path"
)

FAULTS = ("three-seconds", "only-one-pair-leaves", "peer-uuid-missing")
"""A bowout that is late, legs that stay, a variable that is missing."""

AFTER = "bowout.after-both-legs-answered"


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Ended]]:
    """By fault the report of a run on the embedded switch with it."""
    made = {}
    for fault in FAULTS:
        path = tmp_path_factory.mktemp(fault) / "report.html"
        url = f"embedded:?fault={fault}"
        ended = run("run", "-q", "--switch", url, "--scenarios", "40", "--html", str(path))
        made[fault] = (path, ended)
    return made


@pytest.fixture(scope="module")
def page(placed: dict[str, tuple[Path, Ended]]) -> Iterator[Page]:
    """The report of a bowout that is late."""
    with opened(placed["three-seconds"][0]) as shown:
        yield shown


@pytest.fixture(autouse=True)
def as_opened(page: Page) -> None:
    """Each test finds the page as a reader does who has just opened it."""
    page.evaluate("document.querySelector('.filter').reset(); scrollTo(0, 0)")
    page.evaluate("new Promise((done) => setTimeout(done))")


def number(page: Page, selector: str, more: str = "true") -> Any:
    """Give how many elements of a selector are so."""
    return page.evaluate(
        f"[...document.querySelectorAll({selector!r})].filter((e) => {more}).length"
    )


def boxes(page: Page, selector: str) -> Any:
    """Give x, y, width and height of each element of a selector."""
    return page.evaluate(
        f"[...document.querySelectorAll({selector!r})].map((e) => e.getBoundingClientRect())"
        ".map((box) => [box.x, box.y, box.width, box.height])"
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_it_opens_without_a_complaint_and_asks_nothing_of_the_network(
    fault: str, placed: dict[str, tuple[Path, Ended]]
) -> None:
    path, ended = placed[fault]
    assert (ended.status, ended.err.count("Traceback")) == (1, 0)
    assert f"reports: {path}" in ended.out
    with opened(path) as shown:
        shown.evaluate("new Promise((done) => setTimeout(done, 200))")
        assert shown.requests == [path.as_uri()]
        assert shown.complaints == []
        assert number(shown, "article") == number(shown, "article .timeline") > 0


def test_its_style_holds(page: Page) -> None:
    """The policy lets the style through: otherwise everything is Times on white."""
    assert page.evaluate("getComputedStyle(document.querySelector('.banner')).display") == "flex"


def test_timelines_are_drawn_expected_above_observed(page: Page) -> None:
    page.evaluate(f"document.getElementById({AFTER!r}).scrollIntoView()")
    (drawing,) = boxes(page, f"[id='{AFTER}'] .timeline")
    assert drawing[2] > 600
    assert drawing[3] > 250
    upper, lower = boxes(page, f"[id='{AFTER}'] .panel")
    assert upper[1] + upper[3] <= lower[1] + 1
    bars = boxes(page, f"[id='{AFTER}'] .panel .bar rect")
    assert len(bars) >= 8
    assert all(width > 0 and height > 5 for _, _, width, height in bars)
    assert number(page, f"[id='{AFTER}'] .panel [href='#t-ghost']") == 1, (
        "where the bowout should be"
    )
    fill = "getComputedStyle(document.querySelector('.bar .answered')).fill"
    assert page.evaluate(fill).startswith("rgb(")


def test_text_of_a_drawing_stays_in_it(page: Page) -> None:
    """Causes, peers and labels are not cut off at either side."""
    cut = page.evaluate(
        """[...document.querySelectorAll('.timeline')].flatMap((drawing) => {
            drawing.scrollIntoView();
            const frame = drawing.getBoundingClientRect();
            return [...drawing.querySelectorAll('text')]
                .map((one) => [one.textContent, one.getBoundingClientRect()])
                .filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1)
                .map(([text]) => text);
        })"""
    )
    assert cut == []


def test_times_are_plotted_against_the_band(page: Page) -> None:
    assert number(page, "#times .times") >= 2
    late = f"#times figure:has(a[href='#c-{AFTER}'])"
    assert number(page, f"{late} .band") == 1
    assert number(page, f"{late} .out") > 0
    assert number(page, f"{late} .in") == 0


def shown_clauses(page: Page) -> list[str]:
    names: list[str] = page.evaluate(
        "[...document.querySelectorAll('.clauses tbody tr')].filter((row) => row.offsetHeight)"
        ".map((row) => row.dataset.clause)"
    )
    return names


def choose(page: Page, select: str, value: str) -> None:
    """Choose in a list as a reader does."""
    page.evaluate(
        f"document.getElementById({select!r}).value = {value!r};"
        f"document.getElementById({select!r}).dispatchEvent(new Event('input', {{bubbles: true}}))"
    )


def test_the_filter_shows_what_it_is_asked_for(page: Page) -> None:
    every = shown_clauses(page)
    choose(page, "verdict", "fail")
    failing = shown_clauses(page)
    assert AFTER in failing
    assert 0 < len(failing) < len(every)
    choose(page, "area", "bowout")
    assert [name for name in failing if name.startswith("bowout.")] == shown_clauses(page)
    assert page.evaluate("document.getElementById('shown').value").endswith(f" of {len(every)}")
    assert number(page, "article", "e.offsetHeight > 0") == len(shown_clauses(page))
    choose(page, "area", "exports")
    assert shown_clauses(page) == []
    assert number(page, ".empty", "e.offsetHeight > 0") == 1


def test_searching_from_the_keyboard(page: Page) -> None:
    page.press("/", "/")
    assert page.evaluate("document.activeElement.id") == "search"
    for letter in "cdr billsec":
        page.press(letter, letter)
    found = shown_clauses(page)
    assert "cdr.billsec" in found
    assert all(
        "billsec" in page.evaluate(f"document.getElementById('c-{one}').textContent")
        for one in found
    )
    assert page.evaluate("document.getElementById('search').value") == "cdr billsec"


def test_a_count_filters_and_a_link_to_what_is_hidden_shows_it(page: Page) -> None:
    page.evaluate("document.querySelector('.areas a[data-area=cdr][data-verdict=pass]').click()")
    found = shown_clauses(page)
    assert found
    assert all(name.startswith("cdr.") for name in found)
    page.evaluate(f"document.querySelector('.failing a[href=\"#{AFTER}\"]').click()")
    assert number(page, f"[id='{AFTER}']", "e.offsetHeight > 0") == 1


def test_the_keyboard_reaches_what_can_be_used(placed: dict[str, tuple[Path, Ended]]) -> None:
    reached = []
    with opened(placed["three-seconds"][0]) as fresh:
        for _ in range(40):
            fresh.press("Tab")
            name, outline = fresh.evaluate(
                "(() => { const e = document.activeElement;"
                " return [e.className || e.id || e.tagName, getComputedStyle(e).outlineStyle]; })()"
            )
            assert outline == "solid", f"{name} does not show that it is chosen"
            reached.append(name)
    assert reached[0] == "skip"
    assert {"search", "verdict", "area", "level"} <= set(reached)


def test_what_is_to_be_pasted_can_be_copied(page: Page) -> None:
    page.evaluate(f"document.getElementById({AFTER!r}).scrollIntoView()")
    assert number(page, f"[id='{AFTER}'] .copy", "e.offsetHeight > 0") >= 2
    lines = page.evaluate(
        f"[...document.querySelectorAll(\"[id='{AFTER}'] pre\")].map((e) => e.textContent)"
    )
    assert any(line.startswith("<extension name=") for line in lines)
    assert any(line.startswith("originate {") for line in lines)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_it_stands_on(page: Page, scheme: str) -> None:
    """4.5 to 1, the contrast that WCAG asks for, of everything that has a colour of its own."""
    page.emulate(**{"color-scheme": scheme})
    faint = page.evaluate(_FAINT)
    page.emulate()
    assert faint == []


_FAINT = """(() => {
    const parsed = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = (text) => {
        const [r, g, b] = parsed(text).map((n) => n / 255)
            .map((n) => n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const color = getComputedStyle(one).backgroundColor, alpha = parsed(color)[3];
            if (alpha === undefined || alpha === 1) return color;
        }
    };
    const texts = '.badge, .quiet, .level, .why, .count, dt, dd, a, h1, h3, figcaption, code, pre, '
        + 'th, td, summary, option, button';
    const bad = new Set();
    for (const element of document.querySelectorAll(texts)) {
        const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < 4.5) bad.add(`${element.tagName}.${element.className}: ${contrast}`);
    }
    return [...bad];
})()"""


def test_dark_is_another_page(page: Page) -> None:
    color = "getComputedStyle(document.body).backgroundColor"
    page.emulate(**{"color-scheme": "light"})
    light = page.evaluate(color)
    page.emulate(**{"color-scheme": "dark"})
    dark = page.evaluate(color)
    page.emulate()
    assert light != dark


def test_a_narrow_window_scrolls_down_only(page: Page) -> None:
    page.resize(390, 800)
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.resize(1280, 900)
    assert wider <= 0


def test_print_is_without_controls_and_in_light(page: Page, tmp_path: Path) -> None:
    page.emulate(media="print", **{"color-scheme": "dark"})
    assert number(page, ".toolbar, .copy", "e.offsetHeight > 0") == 0
    assert number(page, ".panel .bar rect", "getComputedStyle(e).display !== 'none'") > 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate()
    page.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
