"""The commands compare, record and bisect."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from campaign.admission import Pace
from campaign.bisect import MISSED, MOST, SURE, Probe, bisect, enough
from campaign.command_line import main
from campaign.compare import baseline
from campaign.compare import compare as side_by_side
from campaign.faults import chosen, run_faults
from campaign.session import AHEAD_FROM, Plan
from conformance.changes import Side
from fixtures.recording import Recording
from fixtures.switches import UsageError
from fixtures.switches.interface import Manners
from reports.changes import SCREEN
from tests.command import Ended, at_once, calls_in, least_gap, run
from tests.fake_switch import Fake, hurry
from tests.recorded_calls import SHIPPED

FULL = Path("/dev/full")
FAULTLESS, SWAPPED = "embedded:", "embedded:?fault=legs-swapped"


def compare(old: str, new: str, *more: str) -> Ended:
    return run("compare", "--old", old, "--new", new, *more, seconds=120)


def test_the_same_switch_twice_shows_nothing(tmp_path: Path) -> None:
    told = tmp_path / "changes.json"
    ended = compare(FAULTLESS, FAULTLESS, "--scenarios", "25", "--json", str(told))
    read = json.loads(told.read_text())
    assert ended.status == 0, ended.out
    assert read["failures"] == read["raw"] == read["distributions"] == []
    assert read["scenarios"] == 25
    assert {
        kind for one in read["clauses"] for kind, cases in one["cases"].items() if cases
    } == set()


def test_a_fault_is_a_regression_and_a_fix_an_improvement(tmp_path: Path) -> None:
    """Side by side; in JSON, on one screen of Markdown, on the terminal."""
    kept = tmp_path / "kept"
    told, page = kept / "changes.json", tmp_path / "changes.md"
    reports = ("--json", str(told), "--markdown", str(page), "--record", str(kept))
    ended = compare(FAULTLESS, SWAPPED, "--scenarios", "25", *reports)
    assert ended.status == 1
    assert "the gate fails" in ended.out
    read = json.loads(told.read_text())
    worse = {one["name"] for one in read["clauses"] if one["counts"]["regression"]}
    assert "exports.loopback-leg" in worse
    assert all(any(name in line for line in read["failures"]) for name in worse)
    text = page.read_text()
    assert len(text.splitlines()) <= SCREEN
    assert "**regression**" in text
    recordings = [str(kept / name) for name in ("new.jsonl.gz", "old.jsonl.gz")]
    ended = compare(*recordings, "--json", str(told))
    read = json.loads(told.read_text())
    better = {one["name"] for one in read["clauses"] if one["counts"]["improvement"]}
    assert ended.status == 0
    assert better == worse
    assert read["failures"] == []


def test_a_recording_and_a_switch(tmp_path: Path) -> None:
    """The calls of the baseline are placed; each was recorded twice."""
    path = tmp_path / "baseline.jsonl.gz"
    ended = run("record", str(path), "--switch", FAULTLESS, "--scenarios", "6", "--quiet")
    assert ended.status == 0, ended.err
    attempts = [len(one.attempts) for one in Recording(path)]
    assert sum(attempts) == 12
    kept = tmp_path / "kept"
    ended = compare(str(path), SWAPPED, "--quiet", "--record", str(kept), "--scenarios", "5")
    assert ended.status == 1
    assert "5 scenarios on both" in ended.out
    assert [one.name for one in kept.iterdir()] == ["new.jsonl.gz"]


@pytest.mark.parametrize("lost", Side)
def test_a_switch_that_is_lost_leaves_the_other_its_scenarios(
    lost: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that are made only then, whichever of the two had them made."""
    monkeypatch.setattr("campaign.blocks.AHEAD", 10)
    monkeypatch.setattr("campaign.placer.patience", lambda _: 0.3)
    old, new = Fake(), Fake()
    switches = {Side.OLD: old, Side.NEW: new}
    calls = 0

    async def losing(token: str, uuid: str) -> str:
        nonlocal calls
        calls += 1
        if calls == 20:
            for line in switches[lost].lines:
                line.lose()
        return await switches[lost].short_call(token, uuid)

    switches[lost].script = losing
    plan = Plan(AHEAD_FROM, seed=1, pace=Pace(window=8, rate=1000))
    done = side_by_side(old, new, plan, attempts=1)
    assert [one.partition(":")[0] for one in done.shortfalls] == [lost.name.lower()]


PLACING = {
    "record": ("{}/new.jsonl.gz", "--switch", FAULTLESS, "--scenarios", "5"),
    "compare": ("--old", FAULTLESS, "--new", FAULTLESS, "--scenarios", "5", "--record", "{}"),
}


@pytest.mark.parametrize(("command", "seconds"), [("record", 1.0), ("compare", 1.0 / 0.75)])
def test_calls_are_placed_no_faster_than_is_asked_for(
    command: str, seconds: float, tmp_path: Path
) -> None:
    """On somebody's switch that is what keeps the suite in its bounds, whatever the command.

    What the suite is late with it makes up for, a quarter of a second at most.
    """
    given = [text.format(tmp_path) for text in PLACING[command]]
    ended = run(command, *given, "--quiet", "--max-rate", "1")
    assert ended.status in (0, 3), ended.err
    gap = least_gap(calls_in(tmp_path / "new.jsonl.gz"))
    assert gap == pytest.approx(seconds, abs=0.26)


@pytest.mark.parametrize("option", ["--window", "--max-calls"])
@pytest.mark.parametrize("command", PLACING)
def test_no_more_calls_at_once_than_are_asked_for(
    command: str, option: str, tmp_path: Path
) -> None:
    """Under both names that `run` has for it."""
    given = [text.format(tmp_path) for text in PLACING[command]]
    ended = run(command, *given, "--quiet", option, "2")
    assert ended.status in (0, 3), ended.err
    assert at_once(calls_in(tmp_path / "new.jsonl.gz")) == 2


class Guest(Fake):
    """A switch with room for seven legs of ours, which notes how many calls it has at most."""

    def __init__(self) -> None:
        """Begin without any call."""
        super().__init__()
        self.manners = Manners(legs=7, legs_a_second=1000.0)
        self.script = self.counted
        self.most = self._calls = 0

    async def counted(self, token: str, uuid: str) -> str:
        """Create the a-leg, which goes after a while."""
        self._calls += 1
        self.most = max(self.most, self._calls)
        self.create(uuid, f"null/{token}")
        await asyncio.sleep(0.1)
        self._calls -= 1
        self.send("CHANNEL_DESTROY", uuid)
        return f"+OK {uuid}"


@pytest.mark.parametrize("command", PLACING)
def test_a_guest_keeps_to_what_the_switch_has_left(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the calls at once that are the default: no call has fewer than three legs."""
    guests: list[Guest] = []

    def opened(*_: object, **__: object) -> Fake:
        guests.append(Guest())
        return guests[-1]

    hurry(monkeypatch)
    for module in ("record", "compare_command"):
        monkeypatch.setattr(f"campaign.{module}.open_switch", opened)
    given = [
        text.format(tmp_path).replace(FAULTLESS, f"esl://switch{place}")
        for place, text in enumerate(PLACING[command])
    ]
    assert main([command, *given, "--quiet"]) in (0, 1, 3)
    assert {one.most for one in guests} == {2}


def test_two_recordings_take_no_time(tmp_path: Path) -> None:
    """None is said: what was placed, was placed before."""
    path, told = tmp_path / "baseline.jsonl.gz", tmp_path / "changes.json"
    run("record", str(path), "--switch", FAULTLESS, "--scenarios", "3", "--quiet")
    ended = compare(str(path), str(path), "--quiet", "--json", str(told))
    assert "3 scenarios on both, 12 attempts; " in ended.out
    assert json.loads(told.read_text())["seconds"] is None


def test_a_switch_that_cannot_be_started_ends_both(tmp_path: Path) -> None:
    ended = compare(FAULTLESS, f"process://{tmp_path}/freeswitch", "--scenarios", "5", "--quiet")
    assert ended.status == 2
    assert ended.err.count("\n") == 1, ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--old", "freeswitch:1.0.0", "--new", "embedded:"], "there are freeswitch:1.10.12"),
        (["--old", "nowhere.jsonl.gz", "--new", "embedded:"], "cannot read nowhere.jsonl.gz"),
        (["--old", "embedded:", "--new", "embedded:", "--known", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("new", "option", "value", "why"),
    [
        (str(SHIPPED), "--scenarios", "7", "nothing is placed where both sides are recordings"),
        (str(SHIPPED), "--seed", "99", "nothing is placed where both sides are recordings"),
        (str(SHIPPED), "--window", "3", "nothing is placed where both sides are recordings"),
        (str(SHIPPED), "--max-rate", "3", "nothing is placed where both sides are recordings"),
        (str(SHIPPED), "--record", "{}/kept", "nothing is placed where both sides are recordings"),
        (FAULTLESS, "--seed", "1", "beside a recording its own calls are placed"),
    ],
)
def test_what_would_change_nothing_is_refused(
    new: str,
    option: str,
    value: str,
    why: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [option, value.format(tmp_path)]
    assert main(["compare", "--old", str(SHIPPED), "--new", new, *given]) == 2
    said = f"loopback-conformance: {option} is of no use: {why}; leave it out\n"
    assert capsys.readouterr().err == said
    assert not list(tmp_path.iterdir())


def lay(path: Path) -> bytes:
    """Put a recording there."""
    shutil.copy(SHIPPED, path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("side", "place", "options"),
    [
        ("old", "b.jsonl.gz", ["--json", "{}/b.jsonl.gz"]),
        ("new", "b.jsonl.gz", ["--markdown", "{}/b.jsonl.gz"]),
        ("old", "new.jsonl.gz", ["--record", "{}", "--overwrite"]),
        ("new", "old.jsonl.gz", ["--record", "{}", "--overwrite"]),
        ("old", "b.jsonl.gz", ["--record", "{}", "--json", "{}/new.jsonl.gz"]),
        ("old", "b.jsonl.gz", ["--known", "{}/known.toml", "--json", "{}/known.toml"]),
        ("old", "b.jsonl.gz", ["--json", "{}/same", "--markdown", "{}/same"]),
    ],
)
def test_what_is_read_or_written_is_not_written_again(
    side: str, place: str, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / place
    before = lay(path)
    (tmp_path / "known.toml").touch()
    given = [text.format(tmp_path) for text in options]
    other = "new" if side == "old" else "old"
    assert main(["compare", f"--{side}", str(path), f"--{other}", FAULTLESS, *given]) == 2
    captured = capsys.readouterr()
    assert captured.err.endswith(": it is asked for twice; name another file\n")
    assert captured.out == ""
    assert path.read_bytes() == before
    assert {one.name for one in tmp_path.iterdir()} == {place, "known.toml"}


def test_a_report_that_nothing_can_be_made_of_is_refused_before_a_switch_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "none" / "x.json")
    assert main(["compare", "--old", FAULTLESS, "--new", "process:///x", "--json", nowhere]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"cannot write {nowhere}: nothing can be made in" in line


@pytest.fixture(scope="module")
def swapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that is a regression beside one that is shipped."""
    path = tmp_path_factory.mktemp("swapped") / "swapped.jsonl.gz"
    ended = run("record", str(path), "--switch", SWAPPED, "--scenarios", "6", "--quiet")
    assert ended.status == 0, ended.err
    return path


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("shipped", "gate", "status", "without"),
    [(True, [], 0, 2), (False, ["--fail-on", "differs-alike"], 1, 1), (False, [], 3, 3)],
    ids=["passed", "fails", "undecided"],
)
def test_a_report_on_a_full_disk_does_not_hide_the_result(
    shipped: bool,
    gate: list[str],
    status: int,
    without: int,
    swapped: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A gate that fails stays one; one that is passed is not, without what was asked for."""
    page = tmp_path / "page.md"
    side = str(SHIPPED if shipped else swapped)
    arguments = ["compare", "--old", side, "--new", side, *gate]
    assert main(arguments) == status
    said = capsys.readouterr().out
    assert main([*arguments, "--json", str(FULL), "--markdown", str(page)]) == without
    captured = capsys.readouterr()
    assert captured.out == said
    (line,) = captured.err.splitlines()
    assert line.startswith("loopback-conformance: cannot write /dev/full: No space left on device;")
    assert page.read_text()


def test_baselines_are_shipped() -> None:
    assert baseline("freeswitch:1.10.12") == SHIPPED
    assert baseline("some/recording.jsonl") == Path("some/recording.jsonl")
    with pytest.raises(UsageError, match="no baseline"):
        baseline("freeswitch:0.1")


def test_releases_that_are_shipped_differ_in_nothing(tmp_path: Path) -> None:
    """Their mod_loopback is the same; no race of a recorded call may look like a change."""
    told = tmp_path / "changes.json"
    ended = compare("freeswitch:1.10.12", "freeswitch:1.11.2", "--json", str(told))
    read = json.loads(told.read_text())
    assert ended.status == 0, ended.out
    assert read["failures"] == read["raw"] == read["distributions"] == []


@pytest.mark.parametrize("name", ["legs-swapped", "x-not-in-cdr", "event-lost"])
def test_a_seeded_fault_is_a_regression_beside_the_faultless_switch(name: str) -> None:
    """One that a clause names, one that only shows raw, one of the transport, which is none.

    All of them: `loopback-conformance faults --compare`.
    """
    (caught,) = run_faults(chosen([name], 1, 1), Plan(scenarios=60), comparing=True)
    assert caught.right, caught


# --- bisect --------------------------------------------------------------------------------------


def asked(shares: Sequence[float | None]) -> tuple[list[str], Callable[[str, int, bool], Probe]]:
    """Switches that show a finding in this share of the attempts; None exercises nothing."""

    def ask(url: str, attempts: int, further: bool) -> Probe:
        share = shares[int(url)]
        if share is None:
            return Probe(url, 0, 0)
        return Probe(url, attempts, math.ceil(share * attempts))

    return [str(number) for number in range(len(shares))], ask


@pytest.mark.parametrize("count", [2, 3, 8, 100])
def test_bisect_finds_the_first_with_few_runs(count: int) -> None:
    for first in range(count):
        urls, ask = asked([0.0] * first + [1.0] * (count - first))
        probes = list(bisect(urls, ask))
        shown = [int(probe.url) for probe in probes if probe.shown]
        assert min(shown) == first
        assert len(probes) <= 2 + math.ceil(math.log2(count))
        assert len({probe.url for probe in probes}) == len(probes)
        assert first == 0 or str(first - 1) in {probe.url for probe in probes}


def test_bisect_ends_where_there_is_nothing_to_find() -> None:
    urls, ask = asked([0.0, 0.0, 0.0])
    assert [probe.url for probe in bisect(urls, ask)] == ["2"]
    urls, ask = asked([None, 1.0, 1.0])
    assert [probe.url for probe in bisect(urls, ask)] == ["2", "0"]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 1.0])
def test_a_flaky_finding_is_asked_for_more_often(share: float) -> None:
    attempts = enough(share)
    assert SURE <= attempts <= MOST
    assert attempts == MOST or (1 - share) ** attempts <= MISSED


def test_bisect_over_switches(tmp_path: Path) -> None:
    report = tmp_path / "run.json"
    place = ("run", "--switch", SWAPPED, "--scenarios", "12", "--quiet", "--json", str(report))
    assert run(*place).status == 1
    urls = ("embedded:?seed=1", "embedded:?seed=2", SWAPPED, f"{SWAPPED}&seed=3")
    ended = run("bisect", str(report), "exports.loopback-leg", "--switches", ",".join(urls))
    assert ended.status == 1, ended.err
    assert f"first: {SWAPPED}; embedded:?seed=2 does not" in ended.out
    ended = run("bisect", str(report), "exports.loopback-leg", "--switches", ",".join(urls[:2]))
    assert ended.status == 0
