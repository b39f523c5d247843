"""The catalogue of clauses: what a row must say, and the forms in which people read it."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from io import StringIO

import pytest
from rich.console import Console

from conformance.clauses import CLAUSES, Clause, Documentation, Level
from conformance.not_observable import NOT_OBSERVABLE
from reports.catalogue import as_json, page, print_table
from tests.command import ROOT

ALL = tuple(CLAUSES.values())
PAGE = page(ALL)

MARKUP = Clause(
    "legs.made-up",
    Level.MAY,
    Documentation.DIFFERS,
    "A <b>bold</b> [link](x) *here*, {a|b}, and `<code>`.",
    "facts 0",
    documented="a | b",
)


# --- the rows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("clause", ALL, ids=lambda clause: clause.name)
def test_a_row_is_complete(clause: Clause) -> None:
    """Names are stable and searched for; statements are sentences; each has a source."""
    assert re.fullmatch(rf"{clause.area}\.[a-z]+(-[a-z]+)*", clause.name)
    assert clause.statement.endswith(".")
    assert clause.statement.count("`") % 2 == 0
    assert re.match(r"(wiki|facts|mod_loopback|measured|history)\b", clause.source)
    assert re.fullmatch(r"|1\.\d+\.\d+", clause.since)


@pytest.mark.parametrize("clause", ALL, ids=lambda clause: clause.name)
def test_a_level_follows_from_the_documentation(clause: Clause) -> None:
    """What the documentation does not mention it does not promise, and what it promises binds."""
    if clause.level is Level.MUST:
        assert clause.documentation is not Documentation.SILENT
    if clause.level is Level.SHOULD:
        assert clause.documentation is not Documentation.AGREES


@pytest.mark.parametrize("clause", ALL, ids=lambda clause: clause.name)
def test_what_the_documentation_says_is_told_where_it_differs(clause: Clause) -> None:
    assert bool(clause.documented) is (clause.documentation is Documentation.DIFFERS)


@pytest.mark.parametrize(
    "place",
    [
        *("README.md", "docs/clauses.md", "docs/report-with-findings.html"),
        *("conformance/clauses.py", "campaign/command_line.py", "reports/templates/report.html.j2"),
    ],
)
def test_a_level_is_defined_alike_everywhere(place: str) -> None:
    """What the documentation promises with other figures than releases have is a MUST."""
    text = " ".join((ROOT / place).read_text(encoding="utf-8").split())
    assert "MUST" in text
    assert "releases do" in text
    assert text.count("if with other figures or an exception") == 1


def test_what_the_documentation_promises_is_cited() -> None:
    for clause in ALL:
        if clause.documentation is Documentation.AGREES:
            assert clause.source.startswith("wiki"), clause.name


def test_what_is_not_observable_has_a_reason() -> None:
    """Clauses that a reason names exist: they hold what can be seen of the statement."""
    assert len({one.statement for one in NOT_OBSERVABLE}) == len(NOT_OBSERVABLE) > 0
    for one in NOT_OBSERVABLE:
        assert one.statement.endswith(".")
        assert one.reason.endswith(".")
        assert one.source
        assert set(re.findall(r"[a-z]+\.[a-z]+(?:-[a-z]+)+", one.reason)) <= set(CLAUSES)


# --- the page ------------------------------------------------------------------------------------


def test_the_page_is_up_to_date() -> None:
    """If not: `loopback-conformance clauses --markdown docs/clauses.md`."""
    assert (ROOT / "docs" / "clauses.md").read_text(encoding="utf-8") == PAGE


def test_the_page_has_every_clause_as_an_anchor() -> None:
    assert re.findall(r'^### <a id="([^"]+)"></a>\1$', PAGE, re.MULTILINE) == list(CLAUSES)


def test_links_of_the_page_lead_to_its_anchors() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings} | set(CLAUSES)
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors


def test_the_page_tells_where_the_documentation_differs() -> None:
    differing = PAGE.partition("## Differs from the documentation")[2].partition("\n## ")[0]
    named = re.findall(r"^\| \[([^]]+)\]", differing, re.MULTILINE)
    expected = [one.name for one in ALL if one.documentation is Documentation.DIFFERS]
    assert named == expected


def test_the_page_tells_what_is_not_observable() -> None:
    last = PAGE.partition("## Not observable from outside")[2]
    assert len(re.findall(r"^\| (?!statement)", last, re.MULTILINE)) == len(NOT_OBSERVABLE)


def test_sections_of_the_notes_that_are_cited_are_told() -> None:
    """The notes are not in the repository: the page says what each number is about."""
    head, _, entries = PAGE.partition("## Legs")
    sections = re.findall(r"\bfacts ([0-9.]+(?:(?:, | and )[0-9.]+)*)", entries)
    cited = {number for one in sections for number in re.split(r", | and ", one)}
    assert cited
    assert "not part of the repository" in head
    assert cited <= set(re.findall(r"\b([0-9](?:\.[0-9]+)?)\s\(", head))


def test_each_kind_of_source_is_explained() -> None:
    """What a source begins with, and each further part of one that is no name of the code."""
    head = PAGE.partition("## Legs")[0]
    kinds = {part.split()[0].strip(",:") for one in ALL for part in one.source.split("; ")}
    words = {kind for kind in kinds if kind.isalpha() and kind.islower()}
    assert {"wiki", "facts", "history", "measured", "issue"} <= words
    assert [kind for kind in sorted(words) if f"*{kind}*" not in head] == []


def test_commits_and_issues_that_are_named_are_linked() -> None:
    sources = " ".join([one.source for one in ALL] + [one.source for one in NOT_OBSERVABLE])
    repository = "https://github.com/signalwire/freeswitch"
    commits = set(re.findall(r"\b[0-9a-f]{10}\b", sources))
    issues = set(re.findall(r"signalwire/freeswitch#([0-9]+)", sources))
    assert commits
    assert issues
    assert commits == set(re.findall(rf"\[([0-9a-f]{{10}})\]\({repository}/commit/\1\)", PAGE))
    linked = rf"\[signalwire/freeswitch#([0-9]+)\]\({repository}/issues/\1\)"
    assert issues == set(re.findall(linked, PAGE))


def test_text_is_not_taken_for_markup() -> None:
    """`<extension>` would vanish from a page, and a bar would end the cell of a table."""
    made = page([MARKUP])
    assert r"A \<b>bold\</b> \[link\](x) \*here\*, {a\|b}, and `<code>`." in made
    assert r"a \| b |" in made


def test_a_page_of_some_clauses_has_no_empty_areas() -> None:
    assert re.findall(r"^## (.+)$", page([MARKUP]), re.MULTILINE)[0] == "Legs"
    assert "## Targets" not in page([MARKUP])


# --- table and JSON ------------------------------------------------------------------------------


def test_the_table_is_readable_at_100_columns() -> None:
    """Names stay whole, nothing is cut, and statements have room for some words a line."""
    out = StringIO()
    print_table(Console(file=out, width=100, soft_wrap=True), ALL)
    header, *lines = out.getvalue().splitlines()
    assert all(len(line.rstrip()) <= 100 for line in lines)
    assert [line.split()[0] for line in lines if line[0] != " "][: len(ALL)] == list(CLAUSES)
    said = "".join(line[header.index("statement") :] for line in lines).replace(" ", "")
    for clause in ALL:
        assert clause.statement.replace(" ", "") in said


@pytest.mark.parametrize("width", [40, 80])
def test_on_a_narrow_terminal_the_table_is_a_list(width: int) -> None:
    """Each clause with its level, its release, the documentation, and all of its statement."""
    out = StringIO()
    print_table(Console(file=out, width=width, soft_wrap=True), ALL)
    entries = re.split(r"\n(?! )", out.getvalue())[: len(ALL)]
    for clause, entry in zip(ALL, entries, strict=True):
        head, *statement = entry.split("\n")
        words = (clause.name, clause.level, clause.since, f"wiki {clause.documentation}")
        assert head == "  ".join(filter(None, words))
        assert all(len(line.rstrip()) <= width for line in statement)
        assert "".join(statement).replace(" ", "") == clause.statement.replace(" ", "")


def test_json_has_all_fields() -> None:
    made = json.loads(as_json(ALL))
    names = {field.name for field in fields(Clause)} | {"area"}
    assert [row["name"] for row in made["clauses"]] == list(CLAUSES)
    assert all(set(row) == names for row in made["clauses"])
    assert [row["statement"] for row in made["not_observable"]] == [
        one.statement for one in NOT_OBSERVABLE
    ]
