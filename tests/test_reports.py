"""All reports of a run say the same, show what a switch sends as text, and hold no secret."""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from markupsafe import escape

import reports
from campaign import command_line
from campaign.command_line import main
from campaign.report import report_of
from campaign.session import Run
from conformance.clauses import CLAUSES, Level
from conformance.verdicts import Verdict
from reports import allure, html, json_report, junit, markdown
from reports.diagram import printable
from reports.standing import OUTCOMES, Standing, standing
from reports.visible import visible
from tests.every_verdict import (
    CONFORMING_RUN,
    EVERY,
    FINDINGS_RUN,
    LOST_RUN,
    MUST,
    STALE_RUN,
    UNDECIDED_RUN,
    run_of,
    with_stale,
    with_value,
)

RUNS = {
    "findings": FINDINGS_RUN,
    "undecided": UNDECIDED_RUN,
    "lost": LOST_RUN,
    "conforming": CONFORMING_RUN,
    "stale": STALE_RUN,
    "stale and undecided": with_stale(UNDECIDED_RUN),
}
SCHEMA = json.loads((Path(reports.__file__).parent / "report.schema.json").read_text())


@dataclass(frozen=True)
class Said:
    """What a report says of a run: the verdict of each clause, counts, the exit status."""

    verdicts: Mapping[str, str]
    counts: Mapping[str, int]
    exit_status: int


@dataclass(frozen=True)
class Told:
    """What the command told of a run, in every form."""

    status: int
    out: str
    folder: Path

    def text(self, name: str) -> str:
        """A report file."""
        return (self.folder / name).read_text()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """All that was written, by name, and what was printed."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                yield path.name, path.read_bytes()
        yield "standard output", self.out.encode()


def tell(done: Run, place: Path, *more: str) -> Told:
    """Have the command judge a run and report it in every form."""
    asked = ["--html", "r.html", "--json", "r.json", "--junit", "r.xml", "--markdown", "r.md"]
    asked += ["--allure", "allure"]
    paths = [one if one.startswith("-") else str(place / one) for one in asked]
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(command_line, "judge_recording", lambda *_: done)
        # that what is written is brought to the disk takes long, and is tested elsewhere
        patch.setattr("reports.files.os.fsync", lambda _: None)
        status = main(["judge", "run.jsonl", *paths, *more])
    assert err.getvalue() == ""
    return Told(status, out.getvalue(), place)


@pytest.fixture(scope="module", params=list(RUNS))
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What was told of one of the runs."""
    return tell(RUNS[request.param], tmp_path_factory.mktemp("told"), "--verbose")


# --- each form, read again -----------------------------------------------------------------------


def said_by_html(told: Told) -> Said:
    page = Page()
    page.feed(told.text("r.html"))
    names = {verdict.name.lower(): str(verdict) for verdict in Verdict}
    verdicts = {name: names[verdict] for name, verdict in page.verdicts.items()}
    counts = {str(verdict): page.counts[verdict.name.lower()] for verdict in Verdict}
    statuses = {text.capitalize(): status for status, text in OUTCOMES.items()}
    outcome, stale, _ = page.heading.partition("; a known divergence is stale")
    return Said(verdicts, counts, 1 if stale else statuses[outcome])


class Page(HTMLParser):
    """What the HTML report says: its heading, the rows of its clauses, the counts of its areas."""

    def __init__(self) -> None:
        super().__init__()
        self.heading = ""
        self.verdicts: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self._within: tuple[str, str] = ("", "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._within = (tag, found.get("data-verdict", ""))
        if tag == "tr" and "data-clause" in found:
            assert found["data-clause"] not in self.verdicts, "one row a clause"
            self.verdicts[found["data-clause"]] = found["data-verdict"]

    def handle_endtag(self, tag: str) -> None:
        self._within = ("", "")

    def handle_data(self, data: str) -> None:
        tag, verdict = self._within
        if tag == "h1":
            self.heading += data
        elif tag == "a" and verdict:
            self.counts[verdict] += int(data)


def said_by_json(told: Told) -> Said:
    read = json.loads(told.text("r.json"))
    verdicts = {clause["name"]: clause["verdict"] for clause in read["clauses"]}
    return Said(verdicts, read["counts"], read["exit_status"])


def said_by_junit(told: Told) -> Said:
    (suite,) = ElementTree.fromstring(told.text("r.xml"))
    verdicts = {}
    for case in suite.iter("testcase"):
        name = case.attrib["name"]
        assert name not in verdicts, "one case a clause"
        results = [child for child in case if child.tag != "system-out"]
        verdicts[name] = results[0].attrib["type"] if results else "pass"
    for beside in (junit.RUN, junit.DIVERGENCES):
        verdicts.pop(beside, None)
    facts = {one.attrib["name"]: one.attrib["value"] for one in suite.iter("property")}
    counts = {str(verdict): int(facts[f"clauses.{verdict}"]) for verdict in Verdict}
    return Said(verdicts, counts, int(facts["exit_status"]))


def said_by_markdown(told: Told) -> Said:
    text = told.text("r.md")
    verdicts = dict.fromkeys(CLAUSES, "pass")
    found = re.findall(r"^- \*\*([a-z ]+)\*\* ([a-z]+\.[a-z-]+) ", text, re.MULTILINE)
    assert len(found) == len({name for _, name in found}), "one line a clause"
    verdicts |= {name: verdict for verdict, name in found}
    (row,) = re.findall(r"^\| \*\*all\*\* \| (.*) \|$", text, re.MULTILINE)
    cells = [0 if cell == "-" else int(cell) for cell in row.split(" | ")]
    (status,) = re.findall(r"Exit status (\d)\.", text)
    return Said(verdicts, dict(zip(map(str, Verdict), cells, strict=True)), int(status))


def said_by_allure(told: Told) -> Said:
    verdicts = {}
    for result in results_in(told.folder / "allure"):
        if result["name"] not in (allure.RUN, allure.DIVERGENCES):
            (tag,) = (one["value"] for one in result["labels"] if one["name"] == "tag")
            verdicts[result["name"]] = tag
    facts = dict(
        line.split("=", 1) for line in told.text("allure/environment.properties").splitlines()
    )
    found = Counter(verdicts.values())
    return Said(verdicts, {str(one): found[str(one)] for one in Verdict}, int(facts["exit_status"]))


def said_by_terminal(told: Told) -> Said:
    names = "|".join(re.escape(name) for name in CLAUSES)
    found = re.findall(rf"^({names}) +(?:MUST|SHOULD|MAY) +([a-z ]+?) +\d", told.out, re.MULTILINE)
    areas = re.findall(r"^(?:legs|targets|bowout|exports|cdr) +([-\d ]+)$", told.out, re.MULTILINE)
    rows = [[0 if cell == "-" else int(cell) for cell in row.split()] for row in areas]
    counts = [sum(column) for column in zip(*rows, strict=True)]
    return Said(dict(found), dict(zip(map(str, Verdict), counts, strict=True)), told.status)


READERS = (
    said_by_html,
    said_by_json,
    said_by_junit,
    said_by_markdown,
    said_by_allure,
    said_by_terminal,
)


def results_in(folder: Path) -> list[dict[str, Any]]:
    """The results for Allure in a folder."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*-result.json"))]


@pytest.mark.parametrize("name", RUNS)
def test_all_reports_say_the_same(tmp_path: Path, name: str) -> None:
    """Whoever reads another form must not come to another conclusion."""
    result = RUNS[name].result
    verdicts = {name: str(one.verdict) for name, one in result.clauses.items()}
    found = Counter(verdicts.values())
    counts = {str(verdict): found[str(verdict)] for verdict in Verdict}
    told = tell(RUNS[name], tmp_path, "--verbose")
    for reader in READERS:
        assert reader(told) == Said(verdicts, counts, result.exit_status), reader.__name__


def test_every_kind_of_verdict_is_among_them() -> None:
    """Else the agreement above would say less than it seems to."""
    verdicts = {one.verdict for one in FINDINGS_RUN.result.clauses.values()}
    assert verdicts == set(Verdict)
    assert {run.result.exit_status for run in RUNS.values()} == {0, 1, 3}


def test_all_reports_show_the_same_call(tmp_path: Path) -> None:
    told = tell(FINDINGS_RUN, tmp_path, "--verbose")
    (shown,) = FINDINGS_RUN.shown
    for name in ("r.html", "r.json", "r.xml", "r.md"):
        assert shown in told.text(name)
    assert shown in told.out
    failed = [one for one in results_in(tmp_path / "allure") if one["status"] == "failed"]
    assert failed
    assert all(shown in one["statusDetails"]["trace"] for one in failed)


def test_two_runs_of_the_command_give_the_same_files(tmp_path: Path) -> None:
    """A recording that is judged twice says the same, and no result is there twice."""
    first = dict(tell(FINDINGS_RUN, tmp_path).files())
    assert dict(tell(FINDINGS_RUN, tmp_path).files()) == first


# --- CI tools: green only if the run conforms ----------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "level", "word"),
    [
        (Verdict.PASS, Level.MUST, Standing.PASSED),
        (Verdict.FAIL, Level.MUST, Standing.FAILED),
        (Verdict.FAIL, Level.SHOULD, Standing.FAILED),
        (Verdict.ERROR, Level.MUST, Standing.BROKEN),
        (Verdict.ERROR, Level.SHOULD, Standing.BROKEN),
        (Verdict.FLAKY, Level.MUST, Standing.BROKEN),
        (Verdict.FLAKY, Level.SHOULD, Standing.SKIPPED),
        (Verdict.INCONCLUSIVE, Level.MUST, Standing.BROKEN),
        (Verdict.INCONCLUSIVE, Level.SHOULD, Standing.SKIPPED),
        (Verdict.KNOWN, Level.MUST, Standing.SKIPPED),
        (Verdict.NOT_VERIFIED, Level.MUST, Standing.SKIPPED),
        (Verdict.NOT_IN_RELEASE, Level.MUST, Standing.SKIPPED),
    ],
)
def test_what_a_verdict_is_to_a_ci_tool(verdict: Verdict, level: Level, word: Standing) -> None:
    clause = next(one for one in CLAUSES.values() if one.level is level)
    assert standing(run_of((clause, verdict)).result.clauses[clause.name]) is word


GATES = {
    **RUNS,
    **{f"only {verdict}": run_of((MUST[0], verdict)) for verdict in Verdict},
}


@pytest.mark.parametrize("name", GATES)
def test_what_ci_reads_is_green_only_where_the_exit_status_is(name: str) -> None:
    """A MUST clause that nobody exercised is only skipped; the run is then in error itself."""
    report = report_of(GATES[name])
    red = re.search(rb"<(failure|error)", junit.render(report)) is not None
    statuses = {one.result.status for one in allure.results(report)}
    assert red is bool(statuses & {"failed", "broken"})
    assert red is (report.result.exit_status != 0)


# --- how long it took: the same everywhere, and nothing where nothing is known -------------------


def test_calls_a_second_are_all_calls_that_were_placed(tmp_path: Path) -> None:
    """Those to minimise as well: 5 attempts and 20 further calls in 12.5 s."""
    done = replace(FINDINGS_RUN, result=replace(FINDINGS_RUN.result, minimising=20))
    told = tell(done, tmp_path)
    placed = "3 scenarios in 5 attempts"
    assert "seed 7, 12.5 s, 2.0 calls a second" in told.out.splitlines()
    assert f"{placed}, " in told.out
    assert "(20 further calls to minimise)" in told.out
    assert "<dd>12.5 s, 2.0 calls a second</dd>" in told.text("r.html")
    assert f"<dd>{placed} and 20 further calls to minimise</dd>" in told.text("r.html")
    assert f"{placed}, 12.5 s, 2.0 calls a second. Exit" in told.text("r.md")


def test_of_a_recording_without_its_end_no_time_is_said(tmp_path: Path) -> None:
    told = tell(replace(LOST_RUN, seconds=0.0), tmp_path)
    assert "seed 7" in told.out.splitlines()
    for text in (told.out, told.text("r.html"), told.text("r.md")):
        assert not re.search(r"\b0\.0 s|a second\b|<dt>Duration", text)
    assert json.loads(told.text("r.json"))["seconds"] is None
    Draft202012Validator(SCHEMA).validate(json.loads(told.text("r.json")))
    (suite,) = root = ElementTree.fromstring(told.text("r.xml"))
    assert "time" not in {*suite.attrib, *root.attrib}


# --- a known divergence that is stale speaks against itself, not against the switch ---------------


@pytest.mark.parametrize(
    ("name", "outcome"), [("stale", "conforms"), ("stale and undecided", "not decided")]
)
def test_a_stale_divergence_is_told_beside_what_the_switch_does(
    tmp_path: Path, name: str, outcome: str
) -> None:
    told = tell(RUNS[name], tmp_path)
    assert told.status == 1
    words = f"{outcome}; a known divergence is stale"
    last = told.out.splitlines()[-2]
    assert last.startswith(f"{words}: 3 scenarios in 5 attempts, ")
    for text in (told.out, told.text("r.html"), told.text("r.md")):
        assert "does not conform" not in text
        assert "in the clauses that fail" not in text
    page = Page()
    page.feed(told.text("r.html"))
    assert page.heading == words.capitalize()
    assert "The switch differs from released FreeSWITCH." not in told.text("r.html")
    assert told.text("r.md").splitlines()[0] == f"## loopback-conformance: {words}"
    assert json.loads(told.text("r.json"))["outcome"] == outcome


@pytest.mark.parametrize("name", ["stale", "stale and undecided"])
def test_a_stale_divergence_is_a_failure_of_its_own_to_ci_tools(name: str) -> None:
    report = report_of(RUNS[name])
    undecided = report.result.outcome != 0
    root = ElementTree.fromstring(junit.render(report))
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert (junit.RUN in cases) is undecided
    (failure,) = [one for one in cases[junit.DIVERGENCES] if one.tag == "failure"]
    assert failure.attrib["type"] == "stale"
    assert report.result.stale[0] in failure.attrib["message"]
    results = {one.result.name: one.result for one in allure.results(report)}
    assert (allure.RUN in results) is undecided
    assert results[allure.DIVERGENCES].status == "failed"
    assert report.result.stale[0] in results[allure.DIVERGENCES].statusDetails.message


def test_what_is_known_is_not_said_to_conform() -> None:
    """Its calls differ, as was accepted."""
    page = html.page(report_of(run_of((MUST[0], Verdict.KNOWN))))
    assert "No call differs" not in page
    assert "but what is known" in page
    assert "No call differs" in html.page(report_of(CONFORMING_RUN))


# --- JSON, JUnit ---------------------------------------------------------------------------------


def test_json_fits_its_schema(told: Told) -> None:
    checker = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(SCHEMA, format_checker=checker)
    validator.validate(json.loads(told.text("r.json")))


def test_the_schema_refuses_what_is_no_report() -> None:
    validator = Draft202012Validator(SCHEMA)
    whole = json.loads(json_report.render(report_of(FINDINGS_RUN)))
    assert not validator.is_valid({})
    assert not validator.is_valid({**whole, "exit_status": 2})
    assert not validator.is_valid({**whole, "more": 1})
    assert not validator.is_valid({**whole, "clauses": [{}]})


def test_junit_fits_the_schema_of_jenkins(told: Told) -> None:
    """junit-10.xsd of Jenkins' xUnit plugin, the one that is published."""
    xmlschema = pytest.importorskip("xmlschema", reason="the package xmlschema is not installed")
    schema = xmlschema.XMLSchema(str(Path(__file__).parent / "junit-10.xsd"))
    schema.validate(str(told.folder / "r.xml"))


def test_junit_says_what_was_tested() -> None:
    root = ElementTree.fromstring(junit.render(report_of(FINDINGS_RUN)))
    facts = {one.attrib["name"]: one.attrib["value"] for one in root.iter("property")}
    assert facts["seed"] == "7"
    assert facts["switch"] == "process:///fs"
    assert facts["switch.version"] == "1.10.12"
    classes = {case.attrib["classname"] for case in root.iter("testcase")}
    assert classes == {f"loopback-conformance.{clause.area}" for clause in CLAUSES.values()}


def test_junit_counts_what_it_holds(told: Told) -> None:
    """A CI system shows the numbers of the attributes."""
    (suite,) = root = ElementTree.fromstring(told.text("r.xml"))
    for attribute, tag in (
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ):
        assert int(suite.attrib[attribute]) == len(list(suite.iter(tag)))
        assert root.attrib.get(attribute, suite.attrib[attribute]) == suite.attrib[attribute]


# --- what a switch sends is text -----------------------------------------------------------------

HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)></details></pre>&lt;",
    "quotes": '"\'`` ``` ```` ~~~~ ]]> --> \\" \\| | a=b; $(id) %s {0}',
    "markdown": "# x **b** [a](javascript:x) ![i](http://h/x.png) <http://h/> @all | - 1. `c`",
    "rich": "[red]x[/] [/nonsense] [link=http://h]y[/link] :smile:",
    "10 kB": "0123456789" * 1024,
    "10 kB of emoji": "\U0001f600" * 2560,
    "control characters": "a\x00\x01\x08\x0b\x1b[31m\x1b]0;t\x07\x7f\x85\x9b31m\r\nb\tc\u2028",
    "right to left": "שלום مرحبا \u202eabc\u202c \u2066x\u2069 \u200f",
    "not UTF-8": "caf\udce9\ud83d\ufffe",
    "properties": "a\\u0041=b:c\n#d\\",
}


class Tags(HTMLParser):
    """The tags, and the text, of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name not in ("class", "style")], attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass(frozen=True)
class Shown:
    """A value that a switch sends wherever it can, and what was told of such a run."""

    value: str
    told: Told


@pytest.fixture(scope="module", params=list(HOSTILE))
def hostile(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """One of the values, in every report."""
    value = HOSTILE[request.param]
    done = with_value(FINDINGS_RUN, value)
    return Shown(value, tell(done, tmp_path_factory.mktemp("hostile"), "--verbose"))


def test_nothing_that_a_switch_sends_steers_who_reads(hostile: Shown) -> None:
    """No report holds a character that a terminal or a page would obey instead of showing."""
    for name, data in hostile.told.files():
        text = data.decode().replace("\n", "")
        assert printable(text) == text, name


def test_json_keeps_what_a_switch_sends(hostile: Shown) -> None:
    read = json.loads(hostile.told.text("r.json"))
    assert read["switch"]["version"] == hostile.value
    (example, *_) = [one["example"] for one in read["clauses"] if one["example"]]
    sentence = f"it was {hostile.value}; expected otherwise"
    assert example["findings"][0]["sentence"] == sentence
    assert example["scenario"]["variables"]["originate"] == [["x", hostile.value]]


def test_junit_shows_what_a_switch_sends(hostile: Shown) -> None:
    root = ElementTree.fromstring(hostile.told.text("r.xml"))
    for failure in root.iter("failure"):
        assert len(failure) == 0
        assert printable(f"it was {hostile.value}; expected otherwise") in str(failure.text)


def test_markdown_shows_what_a_switch_sends(hostile: Shown) -> None:
    """Read as GitHub reads it, no tag, link or picture comes of a value."""
    text = hostile.told.text("r.md")
    page = Tags()
    page.feed(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text))
    own = "h2 p ul li code pre strong table thead tbody tr th td details summary"
    assert page.tags <= set(own.split())
    assert printable(hostile.value)[:100] in page.text
    assert len(text.encode()) <= markdown.LIMIT


def test_html_shows_what_a_switch_sends(hostile: Shown) -> None:
    """As text that can be seen; tests/test_html_report.py says more."""
    page = Page()
    page.feed(hostile.told.text("r.html"))
    assert set(page.verdicts) == set(CLAUSES)
    assert escape(visible(hostile.value[:100])) in hostile.told.text("r.html")


def test_allure_shows_what_a_switch_sends(hostile: Shown) -> None:
    told, value = hostile.told, hostile.value
    for one in results_in(told.folder / "allure"):
        assert "<" not in one["description"].replace("\\<", "")
        if one["status"] != "failed":
            continue
        assert printable(value)[:100] in one["statusDetails"]["message"]
        kinds = {found["name"]: found["source"] for found in one["attachments"]}
        named = {"timelines", "events", "scenario", "Event Socket transcript", "CDRs"}
        assert set(kinds) == named
        texts = {name: told.text(f"allure/{source}") for name, source in kinds.items()}
        assert f"variable_x: {printable(value)}" in texts["Event Socket transcript"]
        assert json.loads(texts["CDRs"])["loopback-a"]["json_cdr"]["variables.x"] == value


def test_the_terminal_shows_what_a_switch_sends(hostile: Shown) -> None:
    """As it is, not as markup of the library that prints it."""
    for line in (f"process:///{hostile.value}: {hostile.value} c", f"not whole {hostile.value}"):
        assert printable(line) in hostile.told.out


def test_allure_reads_the_environment_as_java_does(hostile: Shown) -> None:
    """One line a property, whatever is in it."""
    lines = hostile.told.text("allure/environment.properties").splitlines()
    facts = dict(line.split("=", 1) for line in lines)
    assert len(facts) == len(lines)
    units = re.sub(r"\\u([0-9a-f]{4})|\\(.)", java_character, facts["version"])
    shown = units.encode("utf-16", "surrogatepass").decode("utf-16")
    assert shown == printable(hostile.value)


def java_character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else found[2]


# --- Markdown has room for so much ---------------------------------------------------------------


@pytest.mark.parametrize("value", ["x", "\U0001f600" * 2560, "`" * 10_240, "|\\" * 5000])
def test_a_summary_is_never_longer_than_it_may_be(value: str) -> None:
    """GitHub drops a summary that is too long; every clause is in it nevertheless."""
    done = run_of(*((clause, Verdict.FAIL) for clause in CLAUSES.values()))
    text = markdown.render(report_of(with_value(done, value)))
    assert len(text.encode()) <= markdown.LIMIT == 60_000
    for name in CLAUSES:
        assert f"- **fail** {name} " in text
    shown = text.count("<details>")
    assert 0 < shown < len(CLAUSES)
    assert f"{len(CLAUSES) - shown} of {len(CLAUSES)} findings are not shown in full here" in text


def test_a_summary_that_fits_leaves_nothing_out() -> None:
    text = markdown.render(report_of(FINDINGS_RUN))
    assert text.count("<details>") == sum(one in AGAINST for _, one in EVERY)
    assert "not shown in full" not in text


AGAINST = (Verdict.FAIL, Verdict.KNOWN, Verdict.FLAKY)


# --- the password --------------------------------------------------------------------------------


def test_the_password_is_in_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A run with findings on the embedded switch: recording, reports, all that is printed."""
    password = "tell-nobody-" + secrets.token_hex(8)
    given = []

    def token(_: int) -> str:
        given.append(password)
        return password

    monkeypatch.setattr("fixtures.switches.private.secrets.token_urlsafe", token)
    asked = ["--record", "run.jsonl", "--json", "r.json", "--junit", "r.xml"]
    asked += ["--markdown", "r.md", "--allure", "allure", "--html", "r.html"]
    paths = [one if one.startswith("-") else str(tmp_path / one) for one in asked]
    switch = ["--switch", "embedded:?fault=three-seconds", "--scenarios", "12"]
    assert main(["run", "--verbose", *switch, *paths]) == 1
    captured = capfd.readouterr()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > len(CLAUSES)
    assert given, "the switch took another password"
    for data in [*written, captured.out.encode(), captured.err.encode()]:
        assert password.encode() not in data
