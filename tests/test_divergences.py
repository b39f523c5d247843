"""Known divergences: what they cover, how they are written, and when they fail the gate."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from campaign.bundles import write_bundles
from campaign.command_line import main
from campaign.report import report_of
from conformance.divergences import Divergence, DivergenceError, Known, parse, render
from conformance.judge import Finding, Judgement
from conformance.scenario import (
    ALegBridges,
    BridgeToNull,
    Direct,
    Event,
    ExtensionTarget,
    Moment,
    Park,
    Scenario,
    Stimulus,
    UuidKill,
    Variables,
)
from conformance.verdicts import Verdict, Verdicts
from fixtures.corpus import read_example
from fixtures.embedded.faults import WRONG_CAUSE_IN_CDR
from reports import json_report
from tests.command import run
from tests.every_verdict import FINDINGS_RUN

CLAUSE = "bowout.bridges-real-legs"
CALL = Scenario(ALegBridges(), ExtensionTarget("1000"), (BridgeToNull(),))
OTHER = Scenario(Direct(), ExtensionTarget("1000"), (Park(),))
FOUND = Finding(CLAUSE, "a-leg", "it was so; expected otherwise")
ENTRY = Divergence(
    clause=CLAUSE,
    reason="the vendor backports it",
    owner="voice platform",
    link="https://tracker.example/1",
    expires=date(2027, 3, 31),
    witness=CALL,
)
TODAY = date(2027, 1, 1)
BROKEN = Judgement((FOUND,), frozenset({CLAUSE}))
HELD = Judgement((), frozenset({CLAUSE}))


@pytest.mark.parametrize(
    ("entry", "covers"),
    [
        (ENTRY, True),
        (replace(ENTRY, leg="a-leg"), True),
        (replace(ENTRY, leg="b-leg"), False),
        (replace(ENTRY, clause="bowout.uuid-bridge-once"), False),
        (replace(ENTRY, versions=">=1.10.3, <1.10.13"), True),
        (replace(ENTRY, versions="<1.10.12"), False),
        (replace(ENTRY, versions="==1.10.12"), True),
        (replace(ENTRY, scenario=(("origin.kind", "a_leg_bridges"),)), True),
        (replace(ENTRY, scenario=(("plan.*.kind", "bridge_null"), ("ending", "x"))), False),
        (replace(ENTRY, scenario=(("plan.0.answer_delay_ms", 0),)), True),
        (replace(ENTRY, scenario=(("plan.*.early_media", True),)), False),
        (replace(ENTRY, scenario=(("plan.0.answer_delay_ms", False),)), False),
    ],
)
def test_what_an_entry_covers(entry: Divergence, covers: bool) -> None:
    version = "FreeSWITCH Version 1.10.12-release~64bit"
    assert entry.covers(CALL, FOUND, version) is covers


def test_an_entry_may_name_the_event_from_which_a_stimulus_counts() -> None:
    ending = Stimulus(Moment(Event.ANSWER, "a-leg", 100), UuidKill("a-leg"))
    call = structs.replace(CALL, ending=ending)
    entry = replace(ENTRY, scenario=(("ending.at.event", "CHANNEL_ANSWER"),))
    assert entry.covers(call, FOUND, "")
    assert not entry.covers(CALL, FOUND, "")


def test_a_finding_that_is_known_is_no_failure() -> None:
    verdicts = Verdicts(Known((ENTRY,), "1.10.12", TODAY))
    for _ in range(2):
        verdicts.add(CALL, BROKEN)
    one = verdicts.result().clauses[CLAUSE]
    assert (one.verdict, one.note) == (Verdict.KNOWN, "the vendor backports it (voice platform)")
    assert one.known[0].scenario == CALL
    assert verdicts.result().stale == verdicts.result().idle == ()


def test_another_finding_beside_it_fails() -> None:
    entry = replace(ENTRY, scenario=(("origin.kind", "a_leg_bridges"),))
    verdicts = Verdicts(Known((entry,), "1.10.12", TODAY))
    for scenario in (CALL, OTHER):
        for _ in range(2):
            verdicts.add(scenario, BROKEN)
    one = verdicts.result().clauses[CLAUSE]
    assert one.verdict is Verdict.FAIL
    assert [case.scenario for case in one.failing] == [OTHER]
    assert [case.scenario for case in one.known] == [CALL]


def test_a_witness_that_differs_no_more_fails_the_gate() -> None:
    verdicts = Verdicts(Known((ENTRY,), "1.10.12", TODAY))
    verdicts.add(CALL, HELD)
    result = verdicts.result()
    assert result.stale == (f"{ENTRY.name} no longer differs on its witness; take the entry out",)
    assert result.exit_status == 1


def test_one_that_has_expired_fails_the_gate() -> None:
    verdicts = Verdicts(Known((ENTRY,), "1.10.12", date(2027, 4, 1)))
    verdicts.add(CALL, BROKEN)
    (stale,) = verdicts.result().stale
    assert "expired on 2027-03-31; its owner is voice platform" in stale
    assert verdicts.result().clauses[CLAUSE].verdict is Verdict.KNOWN
    assert verdicts.result().exit_status == 1


def test_one_that_matched_nothing_is_named() -> None:
    verdicts = Verdicts(Known((ENTRY,), "1.10.12", TODAY))
    verdicts.add(OTHER, HELD)
    assert verdicts.result().idle == (f"{ENTRY.name} matched nothing",)
    assert verdicts.result().stale == ()


# --- TOML ----------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(texts, texts, texts, st.dictionaries(texts, st.integers(-9, 9) | st.booleans() | texts))
def test_what_is_written_is_read(
    reason: str, owner: str, link: str, places: dict[str, str | int | bool]
) -> None:
    """Whatever stands in a text: quotes, line ends, control characters."""
    entry = replace(ENTRY, reason=reason, owner=owner, link=link, scenario=tuple(places.items()))
    assert parse(render(entry)) == (entry,)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (f'clause = "{CLAUSE}"', 'clause = "bowout.nonsense"', "there is no clause"),
        ("expires = 2027-03-31", 'expires = "soon"', "expires is no date"),
        ("expires = 2027-03-31", "", "no expires"),
        ("reason =", "raison =", "'raison' is not known"),
        ('owner = "voice platform"', 'owner = " "', "owner is empty"),
        ('owner = "voice platform"', 'owner = "o"\nversions = "new"', "no bound"),
        ("[[divergence]]", "[[divergences]]", "'divergences' is not known"),
        ("clause =", "clause", "it is not TOML"),
        ('\\"kind\\": \\"scenario\\"', '\\"kind\\": \\"scenery\\"', "divergence 1"),
    ],
)
def test_what_cannot_be_read_is_told(old: str, new: str, why: str) -> None:
    text = render(ENTRY)
    assert old in text
    with pytest.raises(DivergenceError, match=why):
        parse(text.replace(old, new))


# --- the command ---------------------------------------------------------------------------------


def test_accept_a_finding_and_see_it_as_known(tmp_path: Path) -> None:
    """From a report to an entry to a run that shows it as known; without the fault it is stale."""
    report, known = tmp_path / "run.json", tmp_path / "known.toml"
    faulty = ("--switch", "embedded:?fault=legs-swapped", "--scenarios", "12", "--quiet")
    assert run("run", *faulty, "--json", str(report)).status == 1
    failing = [
        one["name"] for one in json.loads(report.read_text())["clauses"] if one["verdict"] == "fail"
    ]
    assert failing
    for clause in failing:
        told = ("--file", str(known), "--reason", "r", "--owner", "o", "--expires", "2999-01-01")
        assert main(["divergences", "accept", str(report), clause, *told, "--any-leg"]) == 0
    assert main(["divergences", "list", str(known)]) == 0
    ended = run("run", *faulty, "--known", str(known), "--json", str(report))
    verdicts = {one["name"]: one["verdict"] for one in json.loads(report.read_text())["clauses"]}
    assert {verdicts[name] for name in failing} == {"known"}, ended.out
    assert ended.status in (0, 3)
    healthy = ("--switch", "embedded:", "--scenarios", "12", "--quiet", "--known", str(known))
    ended = run("run", *healthy)
    assert ended.status == 1
    assert "no longer differs on its witness" in ended.out
    assert "does not conform" not in ended.out


REPORT = report_of(FINDINGS_RUN)
FAILING = next(n for n, one in REPORT.result.clauses.items() if one.verdict is Verdict.FAIL)
PASSING = next(n for n, one in REPORT.result.clauses.items() if one.verdict is Verdict.PASS)


@dataclass(frozen=True)
class Accepting:
    """The command `divergences accept` with a report in which `FAILING` fails."""

    report: Path
    known: Path

    def accept(self, clause: str = FAILING, *more: str, expires: str = "2999-01-01") -> int:
        return main(self.command(clause, *more, expires=expires))

    def command(self, *more: str, expires: str = "2999-01-01") -> list[str]:
        told = ("--file", str(self.known), "--reason", "r", "--owner", "o", "--expires", expires)
        return ["divergences", "accept", str(self.report), *more, *told]


@pytest.fixture
def accepting(tmp_path: Path) -> Accepting:
    report = tmp_path / "run.json"
    report.write_text(json_report.render(REPORT))
    return Accepting(report, tmp_path / "known.toml")


def test_what_has_expired_is_not_accepted(
    accepting: Accepting, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accepting.accept(expires="2020-01-01") == 2
    assert "2020-01-01 has passed" in capsys.readouterr().err
    assert not accepting.known.exists()


def test_the_same_is_accepted_once(
    accepting: Accepting, capsys: pytest.CaptureFixture[str]
) -> None:
    """For the same clause, leg, versions and call; the file keeps what its owner wrote."""
    assert accepting.accept() == 0
    accepting.known.write_text("# ours\n" + accepting.known.read_text())
    before = accepting.known.read_text()
    assert accepting.accept(expires="3000-01-01") == 2
    assert "is accepted there until 2999-01-01; edit that entry" in capsys.readouterr().err
    assert accepting.known.read_text() == before
    assert accepting.accept(FAILING, "--any-leg") == 0
    assert accepting.accept(FAILING, "--versions", "<1.10.3") == 0
    assert len(parse(accepting.known.read_text())) == 3


def test_a_clause_that_passes_has_no_finding(
    accepting: Accepting, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor has one that nobody asked; a comparison that shows nothing has none either."""
    bisect = ["bisect", str(accepting.report), PASSING, "--images", "1.10.6,1.10.7"]
    for command in (partial(accepting.accept, PASSING), partial(main, bisect)):
        assert command() == 2
        said = capsys.readouterr().err
        assert f"{PASSING} passes there" in said
        assert said.count("\n") == 1
    accepting.report.write_text(json.dumps({"clauses": [{"name": FAILING, "cases": {}}]}))
    assert accepting.accept() == 2
    assert "the new switch shows nothing against it" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["divergences accept", "bisect"])
def test_a_misspelt_clause_is_told_what_is_near(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "run.json", "bowout.bridge-real-leg"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "there is no clause 'bowout.bridge-real-leg'" in said
    assert "did you mean bowout.bridges-real-legs?" in said
    assert "`loopback-conformance clauses`" in said
    assert len(said) < 2000


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"clauses": []}', "\udc80"])
def test_what_shows_no_finding_is_refused(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.json"
    path.write_text(text, errors="surrogateescape")
    told = ("--file", str(tmp_path / "k"), "--reason", "r", "--owner", "o")
    status = main(["divergences", "accept", str(path), CLAUSE, *told, "--expires", "2999-01-01"])
    assert status == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "name a JSON report" in said
    assert not re.search(r"NoneType|object|unpack|: 'clause'|line 1 column", said)


# --- bundles -------------------------------------------------------------------------------------


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The bundle of `FAILING`, a folder with its .zip beside it."""
    return write_bundles(FINDINGS_RUN, tmp_path / "bundles")[FAILING]


@pytest.mark.parametrize("form", ["{}", "{}.zip", "{}/example.json"])
def test_a_bundle_in_any_form_is_accepted_alike(bundle: Path, form: str, tmp_path: Path) -> None:
    """As the report would be that it is of, and no clause has to be named."""
    accepting = Accepting(Path(form.format(bundle)), tmp_path / "known.toml")
    assert accepting.accept() == 0
    assert main([*accepting.command(), "--any-leg"]) == 0
    first, second = parse(accepting.known.read_text())
    case = FINDINGS_RUN.result.clauses[FAILING].shown
    assert case is not None
    (finding, *_) = case.findings
    assert (first.clause, first.leg, first.witness) == (FAILING, finding.leg, case.scenario)
    assert replace(first, leg="") == second


@pytest.mark.parametrize("form", ["{}", "{}.zip"])
def test_a_bundle_in_any_form_is_bisected(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The finding is that of the bundle: the switch that has the fault is the first to show it."""
    faulty = f"embedded:?fault={WRONG_CAUSE_IN_CDR}"
    place = ("--scenarios", "6", "--quiet", "--no-corpus", "--no-minimise")
    assert main(["run", "--switch", faulty, *place, "--bundles", str(tmp_path)]) == 1
    (found,) = (one for one in tmp_path.glob("cdr.hangup-cause-*") if one.is_dir())
    capsys.readouterr()
    switches = ("--switches", f"embedded:,{faulty}")
    assert main(["bisect", form.format(found), *switches]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("cdr.hangup-cause on ")
    assert said[-1].startswith(f"first: {faulty}; embedded: does not")


def packed(path: Path, name: str, text: bytes) -> Path:
    """Give a .zip that holds this file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(name, text)
    return path


@pytest.mark.parametrize("command", ["accept", "bisect"])
@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("example.json", b" " * (1 << 26), "is too large for an example"),
        ("example.json", b"{}", "is not an example: its format is None"),
        ("example.json", b"\x1b", "is not an example: Expecting value"),
        ("report.json", b"{}", "There is no item named 'example.json' in the archive"),
    ],
)
def test_a_zip_that_is_no_bundle_is_refused_in_a_line(
    command: str,
    name: str,
    text: bytes,
    why: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And no more of it is unpacked than an example may have."""
    path = packed(tmp_path / "x.zip", name, text)
    bisect = ["bisect", str(path), "--switches", "embedded:,embedded:?seed=2"]
    accept = Accepting(path, tmp_path / "known.toml").command()
    assert main(accept if command == "accept" else bisect) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert why in line
    assert "; name a bundle, or a file that --save-example wrote" in line


def test_a_bundle_of_another_clause_is_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accepting = Accepting(Path(f"{bundle}.zip"), tmp_path / "known.toml")
    assert accepting.accept(PASSING) == 2
    assert f"it is of '{FAILING}'" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["report", "folder", "zip"])
def test_a_call_that_would_run_a_command_is_neither_placed_nor_accepted(
    form: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bundles and reports come from others."""
    example = read_example(bundle)
    evil = Variables(braces=(("api_hangup_hook", "system touch x"),))
    text = replace(example, scenario=structs.replace(example.scenario, variables=evil)).text
    (bundle / "example.json").write_text(text)
    path = {"report": bundle / "example.json", "folder": bundle, "zip": tmp_path / "x.zip"}[form]
    packed(tmp_path / "x.zip", "example.json", text.encode())
    bisect = ["bisect", str(path), "--switches", "embedded:,embedded:?seed=2"]
    for command in (bisect, Accepting(path, tmp_path / "known.toml").command()):
        assert main(command) == 2
        assert "holds a call that cannot be sent as it is" in capsys.readouterr().err


def test_a_witness_that_would_run_a_command_is_not_placed(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of known divergences may be somebody else's, too."""
    known = tmp_path / "known.toml"
    accepting = Accepting(Path(f"{bundle}.zip"), known)
    assert main(accepting.command()) == 0
    evil = Variables(braces=(("api_hangup_hook", "system touch x"),))
    (one,) = parse(known.read_text())
    known.write_text(render(replace(one, witness=structs.replace(one.witness, variables=evil))))
    run = ["run", "--switch", "embedded:", "--scenarios", "1", "--known", str(known), "-q"]
    assert main(run) == 2
    assert "holds a call that cannot be sent as it is" in capsys.readouterr().err
