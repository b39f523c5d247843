"""The acceptance record: what it says, how it is written, and that nothing in it can be changed."""

from __future__ import annotations

import copy
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html import unescape
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from markupsafe import escape

import reports
from campaign import acceptance as making
from campaign.acceptance import acceptance_of, read_record, verify
from campaign.command_line import main
from campaign.report import report_of
from campaign.session import Run
from conformance.clause_set import clause_set_digest
from conformance.clauses import CLAUSES, Level
from conformance.divergences import Divergence, as_json, from_json, render
from conformance.observation import Placement
from conformance.scenario import Scenario
from conformance.verdicts import Verdict
from fixtures.recording import Recording, RecordingWriter
from fixtures.switches import UsageError
from reports.acceptance import OWN, Acceptance, Waiver, digest_of, statement
from reports.acceptance import render as record_of
from reports.acceptance_page import page
from reports.visible import visible
from tests.every_verdict import (
    CONFORMING_RUN,
    FINDINGS_RUN,
    LOST_RUN,
    MUST,
    SHOULD,
    UNDECIDED_RUN,
    run_of,
    with_value,
)
from tests.recorded_calls import SHIPPED
from tests.test_divergences import ENTRY

SCHEMA = json.loads((Path(reports.__file__).parent / "acceptance.schema.json").read_text())
DAY = date(2026, 12, 24)
CALLS = 40
"""How many recorded calls are judged here: enough that clauses pass, few enough to be quick."""

LISTS = ("passedTests", "warnedTests", "failedTests")

RUNS = {
    "findings": FINDINGS_RUN,
    "undecided": UNDECIDED_RUN,
    "lost": LOST_RUN,
    "conforming": CONFORMING_RUN,
}


def accepted(done: Run, *waivers: Waiver) -> Acceptance:
    """The record of a run that was never recorded."""
    return Acceptance(report_of(done), "run.jsonl.gz", "a" * 64, DAY, "0.1.0", 3, waivers)


def check(value: Any) -> None:
    checker = Draft202012Validator.FORMAT_CHECKER
    Draft202012Validator(SCHEMA, format_checker=checker).validate(value)


def record(path: Path) -> Any:
    return json.loads((path / "acceptance.json").read_text())


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first calls of a recording that comes with the suite."""
    return rewritten(tmp_path_factory.mktemp("recorded") / "vendor.jsonl.gz", lambda _, one: one)


def rewritten(path: Path, change: Callable[[Scenario, Placement], Placement]) -> Path:
    source = Recording(SHIPPED)
    with RecordingWriter(path, source.header) as writer:
        for one in islice(source, CALLS):
            placements = [change(one.scenario, placement) for placement in one.attempts]
            writer.write_scenario(one.scenario, placements)
    return path


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same calls, but every CDR tells a wrong duration."""

    def spoil(_: Scenario, placement: Placement) -> Placement:
        cdrs = {
            uuid: {module: {**cdr, "variables.duration": "99"} for module, cdr in modules.items()}
            for uuid, modules in placement.cdrs.items()
        }
        return replace(placement, cdrs=cdrs)

    return rewritten(tmp_path_factory.mktemp("spoilt") / "spoilt.jsonl.gz", spoil)


@pytest.fixture(scope="module")
def made(recording: Path) -> Any:
    """The record of these calls."""
    return json.loads(record_of(acceptance_of(recording, (), DAY)))


def written(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "acceptance.json"
    path.write_text(json.dumps(value))
    return path


# --- what it says --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RUNS)
def test_a_record_fits_its_schema(name: str) -> None:
    check(json.loads(record_of(accepted(RUNS[name], Waiver(ENTRY, 2)))))


def test_the_schema_refuses_what_is_no_record() -> None:
    whole = json.loads(record_of(accepted(FINDINGS_RUN)))
    for name, value in (("_type", "x"), ("predicateType", "x"), ("subject", []), ("more", 1)):
        assert not Draft202012Validator(SCHEMA).is_valid({**whole, name: value})
    del whole["predicate"][OWN]["recording"]
    assert not Draft202012Validator(SCHEMA).is_valid(whole)


@pytest.mark.parametrize(
    ("done", "result"),
    [
        (CONFORMING_RUN, "PASSED"),
        (run_of((MUST[0], Verdict.NOT_IN_RELEASE)), "PASSED"),
        (run_of((MUST[0], Verdict.KNOWN)), "WARNED"),
        (run_of((SHOULD[0], Verdict.NOT_VERIFIED)), "WARNED"),
        (run_of((SHOULD[0], Verdict.ERROR)), "WARNED"),
        (run_of((SHOULD[0], Verdict.FAIL)), "FAILED"),
        (run_of((MUST[0], Verdict.NOT_VERIFIED)), "FAILED"),
        (LOST_RUN, "FAILED"),
        (FINDINGS_RUN, "FAILED"),
    ],
)
def test_only_what_conforms_has_passed(done: Run, result: str) -> None:
    """A program that reads nothing but `result` accepts no switch of which too little is known."""
    assert statement(accepted(done))["predicate"]["result"] == result


def test_each_clause_is_in_the_list_of_its_verdict() -> None:
    """Once at most, and in none if nobody exercised it: then it was no test that ran."""
    predicate = statement(accepted(FINDINGS_RUN))["predicate"]
    for name, one in FINDINGS_RUN.result.clauses.items():
        lists = [each for each in LISTS if name in predicate[each]]
        unsure = "failedTests" if one.clause.level is Level.MUST else "warnedTests"
        expected = {
            Verdict.PASS: ["passedTests"],
            Verdict.KNOWN: ["warnedTests"],
            Verdict.FAIL: ["failedTests"],
            Verdict.FLAKY: [unsure],
            Verdict.INCONCLUSIVE: [unsure],
            Verdict.ERROR: [unsure],
        }
        assert lists == expected.get(one.verdict, []), name


def test_subjects_are_what_has_a_digest(made: Any) -> None:
    """A digest that is none is not passed on as one."""
    switch = made["predicate"][OWN]["switch"]
    assert {one["annotations"]["is"]: one["digest"]["sha256"] for one in made["subject"]} == {
        "recording": made["predicate"][OWN]["recording"]["sha256"],
        "module": switch["loopback_sha256"],
        "image": switch["image_digest"].removeprefix("sha256:"),
    }
    assert [one["annotations"]["is"] for one in statement(accepted(FINDINGS_RUN))["subject"]] == [
        "recording"
    ]


def test_it_says_how_the_switch_was_set_and_what_was_asked(made: Any) -> None:
    own = made["predicate"][OWN]
    header = Recording(SHIPPED).header
    assert (own["calls"]["seed"], own["calls"]["scenarios_asked"]) == (1, header.scenarios_asked)
    assert own["calls"]["scenarios"] == CALLS
    assert sum(one["calls"] for one in own["settings"]) == own["calls"]["attempts"]
    assert all("bowout-hangup-cause" in one["loopback_conf"] for one in own["settings"])


def test_the_digest_of_the_clauses_changes_with_each_of_them() -> None:
    """Whatever their order; a name, a level, a statement, one more or less."""
    clauses = list(CLAUSES.values())
    first = clauses[0]
    others = [
        [replace(first, name="legs.other"), *clauses[1:]],
        [replace(first, level=Level.MAY), *clauses[1:]],
        [replace(first, statement="otherwise"), *clauses[1:]],
        clauses[1:],
    ]
    digests = {clause_set_digest(one) for one in others}
    assert len(digests) == len(others)
    assert clause_set_digest() not in digests
    assert clause_set_digest(reversed(clauses)) == clause_set_digest()


def test_divergences_are_read_as_they_are_written() -> None:
    entry = replace(ENTRY, leg="a-leg", versions=">=1.10", scenario=(("plan.0.kind", True),))
    assert from_json(json.loads(json.dumps([as_json(ENTRY), as_json(entry)]))) == (ENTRY, entry)


# --- the page ------------------------------------------------------------------------------------

HOSTILE = {
    "markup": "<script>alert(1)</script></style></title><img src=x onerror=alert(1)>",
    "quotes": "\"' onmouseover=alert(1) x='",
    "right to left": "\u202eabc\u202c \u2066x\u2069",
    "control characters": "a\x00\x1b[31m\r\nb\x9b",
    "not UTF-8": "caf\udce9",
}


class Tags(HTMLParser):
    """The tags of a page, their attributes, its text, and the verdict of each clause."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.verdicts: dict[str, str] = {}
        self._clause = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._clause = dict(attrs).get("data-clause") or ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._clause:
            self.verdicts[self._clause] = data
        self._clause = ""


def read(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    return tags


@pytest.mark.parametrize("name", RUNS)
def test_the_page_says_what_the_record_says(name: str) -> None:
    """The verdict of each clause, why what is not verified is not, and the digest of the record."""
    made = accepted(RUNS[name], Waiver(ENTRY, 2))
    told = read(page(made))
    results = made.report.result.clauses
    assert told.verdicts == {name: one.verdict for name, one in results.items()}
    for one in results.values():
        assert one.note in told.text
    for text in (ENTRY.reason, ENTRY.owner, ENTRY.link, ENTRY.expires.isoformat()):
        assert text in told.text
    assert digest_of(record_of(made)) in told.text
    assert told.text.count("Signature") == 2 + told.text.count("Signatures")
    assert ("The run is not whole" in told.text) is (name == "lost")


def test_the_page_needs_nothing_else_and_prints() -> None:
    """No script, no address that a browser would ask for; a style that was meant for paper."""
    text = page(accepted(FINDINGS_RUN))
    told = read(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(told.tags)
    assert not {"src", "href"} & {name for name, _ in told.attributes}
    assert "default-src 'none'" in unescape(text)
    assert "script-src 'none'" in unescape(text)
    assert "@media print" in text


def saying(value: str) -> Acceptance:
    """A record in which whatever somebody else wrote is this."""
    waiver = Waiver(replace(ENTRY, reason=value, owner=value, link=value), 1)
    return replace(accepted(with_value(FINDINGS_RUN, value), waiver), recording=value)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_switch_sends_is_text(name: str) -> None:
    """In the page and in the JSON, and so is what a divergence says."""
    value = HOSTILE[name]
    made = saying(value)
    text = page(made)
    assert read(text).tags == read(page(saying("x"))).tags
    assert not {"script", "img"} & set(read(text).tags)
    assert not [name for name, _ in read(text).attributes if name.startswith("on")]
    assert str(escape(visible(value))) in text
    assert text.replace("\n", "").isprintable()
    assert record_of(made).isascii()
    assert json.loads(record_of(made))["predicate"][OWN]["switch"]["version"] == value


def test_a_password_in_a_url_is_left_out() -> None:
    """Of a recording that another tool wrote, too."""
    switch = replace(FINDINGS_RUN.header.switch, url="esl://user:tell-nobody@pbx:8021")
    done = replace(FINDINGS_RUN, header=replace(FINDINGS_RUN.header, switch=switch))
    made = accepted(done)
    assert "tell-nobody" not in record_of(made) + page(made)
    assert "esl://pbx:8021" in page(made)


# --- verifying -----------------------------------------------------------------------------------


def differing(path: Path, recording: Path, known: tuple[Divergence, ...] | None = None) -> Any:
    checked = verify(read_record(path), recording, known)
    return {one.section: one.differences for one in checked if one.differences}


def test_a_record_matches_the_recording_it_was_made_of(
    tmp_path: Path, recording: Path, made: Any
) -> None:
    """Whatever either file is called by then, and however the JSON is indented."""
    moved = tmp_path / "moved.jsonl.gz"
    moved.write_bytes(recording.read_bytes())
    assert differing(written(tmp_path, made), moved) == {}


def changes() -> dict[str, tuple[str, Callable[[Any], object]]]:
    """What somebody might change in a record, and the section that tells of it."""

    def own(name: str) -> Callable[[Any], Any]:
        return lambda value: value["predicate"][OWN][name]

    def put(inside: Callable[[Any], Any], name: Any, new: object) -> Callable[[Any], object]:
        return lambda value: inside(value).__setitem__(name, new)

    def predicate(value: Any) -> Any:
        return value["predicate"]

    zeros = {"sha256": "0" * 64}
    return {
        "result": ("in-toto", put(predicate, "result", "PASSED")),
        "a list": ("in-toto", lambda value: predicate(value)["passedTests"].append("cdr.other")),
        "a field more": ("in-toto", put(predicate, "url", "https://ci.example/1")),
        "the subject": ("in-toto", put(lambda value: value["subject"][1], "digest", zeros)),
        "fields as one": ("in-toto", put(predicate, "failedTests[0]", "cdr.duration")),
        "digest": ("recording", put(own("recording"), "sha256", "0" * 64)),
        "outcome": ("outcome", put(own("outcome"), "exit_status", 0)),
        "version": ("switch", put(own("switch"), "version", "FreeSWITCH 1.10.13")),
        "a module": ("switch", lambda value: own("switch")(value)["modules"].pop()),
        "seed": ("calls", put(own("calls"), "seed", 2)),
        "a number as a text": ("calls", put(own("calls"), "seed", "1")),
        "true for 1": ("calls", put(own("calls"), "seed", True)),
        "scenarios": ("calls", put(own("calls"), "scenarios", 4000)),
        "settings": ("settings", put(lambda value: own("settings")(value)[0], "calls", 7)),
        "verdict": ("clauses", put(lambda value: own("clauses")(value)[0], "verdict", "fail")),
        "statement": ("clauses", put(lambda value: own("clauses")(value)[0], "statement", "x")),
        "a clause less": ("clauses", lambda value: own("clauses")(value).pop()),
        "a clause twice": (
            "clauses",
            lambda value: own("clauses")(value).append(own("clauses")(value)[0]),
        ),
        "the order": ("clauses", lambda value: own("clauses")(value).reverse()),
        "not observable": ("not observable", lambda value: own("not_observable")(value).pop()),
        "a section more": ("remarks", lambda value: predicate(value)[OWN].update(remarks="as is")),
        "an early day": ("judged", put(own("judged"), "on", "2026-11-23")),
    }


@pytest.fixture(scope="module")
def quickly(made: Any, recording: Path) -> Callable[..., Acceptance]:
    """What judging the recording gives, which is the same each time."""
    whole = acceptance_of(recording, (), DAY)
    return lambda *_, name, judged_by: replace(whole, recording=name, judged_by=judged_by)


@pytest.mark.parametrize("name", changes())
def test_a_change_is_found(
    tmp_path: Path,
    recording: Path,
    made: Any,
    quickly: Callable[..., Acceptance],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Wherever in the record it is, and in its section alone."""
    monkeypatch.setattr(making, "acceptance_of", quickly)
    section, change = changes()[name]
    value = copy.deepcopy(made)
    change(value)
    found = differing(written(tmp_path, value), recording)
    assert list(found) == [section], found


@pytest.mark.parametrize("name", ["in-toto", "subject", "predicate", "predicate.result"])
@pytest.mark.parametrize("inside", ["statement", "predicate", "own"])
@pytest.mark.parametrize("lie", ["result", "subject"])
def test_what_a_tool_reads_is_hidden_by_no_other_field(
    tmp_path: Path,
    recording: Path,
    made: Any,
    quickly: Callable[..., Acceptance],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    inside: str,
    lie: str,
) -> None:
    """Not by one of the same name elsewhere that says what would be right."""
    monkeypatch.setattr(making, "acceptance_of", quickly)
    value = copy.deepcopy(made)
    predicate = value["predicate"]
    right = {key: one for key, one in predicate.items() if key != OWN}
    statement = {key: one for key, one in made.items() if key != "predicate"}
    fields = {"in-toto": {**statement, **right}, "predicate": right, **statement}
    place = {"statement": value, "predicate": predicate, "own": predicate[OWN]}[inside]
    place.setdefault(name, copy.deepcopy(fields.get(name, right["result"])))
    if lie == "result":
        predicate["result"] = "PASSED"
    else:
        value["subject"] = [{"name": "other.jsonl.gz", "digest": {"sha256": "0" * 64}}]
    first, *_ = verify(read_record(written(tmp_path, value)), recording)
    assert first.section == "in-toto"
    assert first.differences


def test_another_recording_does_not_match(tmp_path: Path, spoilt: Path, made: Any) -> None:
    """Each verdict that is another one is told, and what in-toto would read of it."""
    found = differing(written(tmp_path, made), spoilt)
    assert {"recording", "clauses", "outcome", "in-toto"} <= set(found)
    assert any(
        re.search(r'^\[cdr\..*\]\.verdict: the record has "pass", .* "fail"$', line)
        for line in found["clauses"]
    )


def test_another_clause_set_is_told_plainly(
    tmp_path: Path, recording: Path, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything else of it: what follows is of other clauses. It names the suite to take."""
    value = copy.deepcopy(made)
    own = value["predicate"][OWN]
    own["clause_set"] = {"sha256": "0" * 64, "clauses": 121}
    own["judged"]["by"] = "9.9.9"
    own["divergences"] = [{**as_json(ENTRY), "clause": "legs.of-tomorrow", "scenarios": 1}]
    found = differing(written(tmp_path, value), recording)
    first = found["clause set"][0]
    assert "has another clause set than the record (suite 9.9.9)" in first
    assert "verify it with that suite" in first


def a_divergence(spoilt: Path, expires: date) -> tuple[Divergence, ...]:
    """What covers all that the spoilt recording shows."""
    result = acceptance_of(spoilt, (), DAY).report.result
    failing = [one for one in result.clauses.values() if one.verdict is Verdict.FAIL]
    assert failing
    return tuple(
        replace(ENTRY, clause=one.clause.name, witness=one.failing[0].scenario, expires=expires)
        for one in failing
    )


def test_what_is_waived_is_in_the_record_and_verified(tmp_path: Path, spoilt: Path) -> None:
    """As of its day: that it has expired since makes no difference; that it had, does."""
    known = a_divergence(spoilt, DAY)
    value = json.loads(record_of(acceptance_of(spoilt, known, DAY)))
    check(value)
    own = value["predicate"][OWN]
    (one, *_) = own["divergences"]
    assert (one["reason"], one["owner"], one["link"]) == (ENTRY.reason, ENTRY.owner, ENTRY.link)
    assert (one["expires"], one["scenarios"] > 0) == ("2026-12-24", True)
    assert set(value["predicate"]["warnedTests"]) >= {one.clause for one in known}
    assert value["predicate"][OWN]["to_go_over"]["stale"] == []
    path = written(tmp_path, value)
    assert differing(path, spoilt) == {}
    assert differing(path, spoilt, known) == {}
    assert "divergences" in differing(path, spoilt, ())
    own["judged"]["on"] = "2026-12-25"
    found = differing(written(tmp_path, value), spoilt)
    assert "to go over" in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "is no acceptance record"),
        ("[]", "is no acceptance record"),
        ("no JSON", "is no acceptance record"),
        ('{"predicate": {"result": "PASSED", "result": "FAILED"}}', "twice in one object"),
        ("[" * 100_000, "is no acceptance record"),
        ('{"predicate": {"loopback_conformance": {"format": 1}}}', "version 1 of the format"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Of two fields of one name, one program would read the one and the next the other."""
    path = tmp_path / "acceptance.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_record(path)


# --- the command ---------------------------------------------------------------------------------


def test_a_run_is_recorded_accepted_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """On the embedded switch with a fault: exit statuses are those of `run`; no password shows."""
    password = "tell-nobody-" + secrets.token_hex(8)
    monkeypatch.setattr("fixtures.switches.private.secrets.token_urlsafe", lambda _: password)
    path, out = tmp_path / "run.jsonl.gz", tmp_path / "acceptance"
    switch = ["--switch", "embedded:?fault=three-seconds", "--scenarios", "12", "--no-minimise"]
    asked = ["--record", str(path), "--out", str(out)]
    assert main(["accept", "run", *switch, *asked, "--quiet"]) == 1
    value = record(out)
    check(value)
    assert value["predicate"]["result"] == "FAILED"
    assert value["predicate"]["failedTests"]
    assert main(["accept", "verify", str(out / "acceptance.json"), str(path)]) == 0
    told = capfd.readouterr()
    assert "verified: everything matches" in told.out
    files = [one.read_bytes() for one in (*out.iterdir(), path)]
    assert len(files) == 3
    for data in [*files, told.out.encode(), told.err.encode()]:
        assert password.encode() not in data


def test_a_recording_is_accepted_and_verified(
    tmp_path: Path, recording: Path, spoilt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So few calls decide nothing: 3, and a record of that. The wrong recording ends with 1."""
    out = str(tmp_path)
    assert main(["accept", "judge", str(recording), "--out", out, "--quiet"]) == 3
    path = str(tmp_path / "acceptance.json")
    assert read_record(Path(path)).sha256 in (tmp_path / "acceptance.html").read_text()
    assert main(["accept", "verify", path, str(recording), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["accept", "verify", path, str(spoilt)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "matches  switch" in lines
    assert "DIFFERS  clauses" in lines
    assert lines[-1].startswith("does not match: in-toto, ")


def test_known_divergences_are_taken_from_a_file(tmp_path: Path, spoilt: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text("\n".join(map(render, a_divergence(spoilt, date(2999, 1, 1)))))
    given = ["--out", str(tmp_path), "--known", str(known), "--quiet"]
    assert main(["accept", "judge", str(spoilt), *given]) == 3
    path = str(tmp_path / "acceptance.json")
    assert record(tmp_path)["predicate"][OWN]["divergences"]
    assert main(["accept", "verify", path, str(spoilt), "--known", str(known), "--quiet"]) == 0
    known.write_text("")
    assert main(["accept", "verify", path, str(spoilt), "--known", str(known), "--quiet"]) == 1


def test_a_record_that_is_there_is_not_replaced_unasked(
    tmp_path: Path, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The paper that was signed names its digest."""
    (tmp_path / "acceptance.html").write_text("signed")
    given = ["accept", "judge", str(recording), "--out", str(tmp_path), "--quiet"]
    assert main(given) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "is already there, and may be signed; name another folder" in said
    assert (tmp_path / "acceptance.html").read_text() == "signed"
    assert main([*given, "--overwrite"]) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["judge", "nowhere.jsonl", "--out", "{}"], "cannot read nowhere.jsonl"),
        (["judge", "nowhere.jsonl", "--out", "{}/file/x"], "is not a folder"),
        (["verify", "nowhere.json", "nowhere.jsonl"], "cannot read nowhere.json"),
        (["verify", "{}/file", "nowhere.jsonl"], "is no acceptance record"),
    ],
)
def test_usage(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with the cause and what to do about it."""
    (tmp_path / "file").write_text("{}")
    assert main(["accept", *(one.format(tmp_path) for one in arguments)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert said in err
    assert "; " in err
