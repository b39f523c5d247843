"""The recording: exact round trips, what a cut-off file still tells, and what is refused."""

import gzip
import json
import math
import os
import subprocess
import sys
import tracemalloc
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from conformance.observation import AppliedStimulus, Headers, Placement
from conformance.scenario import ALegBridges, BridgeToNull, ExtensionTarget, Scenario, SetVariable
from fixtures import recording as module
from fixtures.recording import (
    Ending,
    Header,
    RecordedScenario,
    Recording,
    RecordingError,
    RecordingWriter,
    SwitchFacts,
)
from tests.full_disk import largest_file

HEADER = Header(
    suite_version="0.1.0",
    seed=7,
    switch=SwitchFacts(
        "docker://image:1@sha256:ab", "1.10.12", ("mod_loopback",), "sha256:ab", "c"
    ),
    started=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    clauses_asked=3,
    scenarios_asked=2,
)
EVENTS: tuple[Headers, ...] = (
    {
        "Event-Name": "CHANNEL_CREATE",
        "Unique-ID": "u1",
        "variable_x": "1",
        "variable_gone": "1",
        "Core-UUID": "c",
    },
    {"Event-Name": "CHANNEL_CREATE", "Unique-ID": "u2", "variable_x": "1"},
    {"Event-Name": "CUSTOM", "Event-Subclass": "loopback::bowout", "list": ["a", "b"]},
    {
        "Event-Name": "CHANNEL_HANGUP",
        "Unique-ID": "u1",
        "variable_x": "caf\udce9",
        "Core-UUID": "c",
    },
)
PLACEMENT = Placement(
    token="t1",
    a_leg_uuid="u1",
    reply="+OK u1",
    events=EVENTS,
    cdrs={
        "u1": {
            "json_cdr": {"variables.x": "caf\udce9", "core-uuid": "c"},
            "xml_cdr": {"variables.x": "caf\udce9", "core-uuid": "c", "variables.y": ""},
        },
        "unknown": {"json_cdr": {"variables.x": "1"}},
    },
    applied=(AppliedStimulus(0, 1_790_000_000_000_000, "+OK"), AppliedStimulus(1, None, "")),
    swept=("u2",),
    modules_with_cdrs=("json_cdr", "xml_cdr"),
    lateness=0.25,
    problem="no CDR of u2",
)


def scenario(number: int) -> Scenario:
    """Give one of many scenarios."""
    plan = (SetVariable("n", str(number)), BridgeToNull())
    return Scenario(ALegBridges(), ExtensionTarget("1000"), plan)


def placements(number: int, count: int = 1) -> tuple[Placement, ...]:
    """Give so many attempts at one of many scenarios, each with a token of its own."""
    return tuple(replace(PLACEMENT, token=f"t{number}x{n + 1}") for n in range(count))


def write(path: Path, scenarios: int = 2) -> bytes:
    """Write a recording with a control call and give its bytes."""
    with RecordingWriter(path, HEADER) as writer:
        for number in range(scenarios):
            writer.write_scenario(scenario(number), placements(number, 2))
        writer.write_control({"control": {"at": 1.5}, "late": 0.02})
    return path.read_bytes()


def lines(path: Path) -> list[dict[str, Any]]:
    """Read the lines as the format says, not by the module under test."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [json.loads(line) for line in text.splitlines()]


def rewrite(path: Path, changed: list[dict[str, Any]]) -> Recording:
    """Put these lines into the file and open it."""
    path.write_text("".join(json.dumps(line) + "\n" for line in changed))
    return Recording(path)


@pytest.fixture(params=["one.jsonl", "one.jsonl.gz"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give a place for a recording, plain and compressed."""
    return tmp_path / str(request.param)


# --- round trip ----------------------------------------------------------------------------------


def test_what_is_written_is_read(path: Path) -> None:
    write(path)
    recording = Recording(path)
    assert recording.header == HEADER
    assert not recording.complete
    recorded = [RecordedScenario(scenario(n).id, scenario(n), placements(n, 2)) for n in range(2)]
    assert list(recording) == recorded
    assert recording.incomplete is None
    assert recording.complete
    assert recording.controls == ({"control": {"at": 1.5}, "late": 0.02},)
    assert recording.footer is not None
    assert (recording.footer.scenarios, recording.footer.attempts) == (2, 4)
    assert recording.footer.ended is Ending.FINISHED
    assert list(recording) == recorded  # each iteration reads the file anew


SWITCHES = (replace(HEADER.switch, url="embedded:"), replace(HEADER.switch, url="embedded:?seed=2"))


def test_a_pool_is_read_as_it_was_written(path: Path) -> None:
    """All its switches, which of them each attempt was placed on, and which were lost."""
    pool = replace(HEADER, pool=SWITCHES)
    placed = tuple(replace(one, switch=2 * n) for n, one in enumerate(placements(1, 2)))
    with RecordingWriter(path, pool) as writer:
        writer.write_scenario(scenario(1), placed)
        writer.finish(lost=["switch 2 of 3: it ended"])
    recording = Recording(path)
    assert [one.switch for recorded in recording for one in recorded.attempts] == [0, 2]
    assert recording.header == pool
    assert recording.complete
    assert recording.footer is not None
    assert recording.footer.lost == ("switch 2 of 3: it ended",)
    schema = json.loads(Path(module.__file__).with_name("recording.schema.json").read_text())
    for line in lines(path):
        Draft202012Validator(schema).validate(line)


def test_an_attempt_on_a_switch_that_the_header_does_not_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    changed = lines(path)
    changed[1]["attempts"][0]["switch"] = 1
    with pytest.raises(RecordingError, match="a switch that the header does not"):
        list(rewrite(path, changed))


def test_only_changes_of_a_leg_are_written(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    first = lines(path)[1]
    attempt = first["attempts"][0]

    def names(number: int) -> list[str]:
        return [first["names"][one] for one in first["lists"][number]]

    def named(delta: dict[str, Any]) -> dict[str, Any]:
        return dict(zip(names(delta["set"]), delta["to"], strict=True))

    hangup = attempt["events"][3]
    assert hangup["on"] == 0
    assert named(hangup) == {"Event-Name": "CHANNEL_HANGUP", "variable_x": "caf\xed\xb3\xa9"}
    assert hangup["odd"] == [1], "what is no UTF-8 is written as bytes"
    assert names(hangup["unset"]) == ["variable_gone"]
    json_cdr, xml_cdr = attempt["cdrs"]["u1"]["json_cdr"], attempt["cdrs"]["u1"]["xml_cdr"]
    assert json_cdr["on"] == 3
    assert named(json_cdr) == {"core-uuid": "c"}
    assert xml_cdr["like"] == "json_cdr"
    assert named(xml_cdr) == {"variables.y": ""}
    assert lines(path)[2]["names"] == [], "a name is spelled out once"
    assert lines(path)[2]["lists"] == [], "and so is a list of names"


def test_names_beyond_those_that_have_numbers_are_spelled_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many names the calls of a long run have, writer and reader hold few of them."""
    monkeypatch.setattr("fixtures.recording.NUMBERED", 3)
    write(path)
    for numbered in ("names", "lists"):
        assert sum(len(line.get(numbered, ())) for line in lines(path)) == 3
    recorded = [RecordedScenario(scenario(n).id, scenario(n), placements(n, 2)) for n in range(2)]
    assert list(Recording(path)) == recorded
    schema = json.loads(Path(module.__file__).with_name("recording.schema.json").read_text())
    for line in lines(path):
        Draft202012Validator(schema).validate(line)


def test_version_1_is_read_as_well(tmp_path: Path) -> None:
    """Its lists of names have no numbers, and its lone surrogates are as JSON escapes them."""
    path = tmp_path / "one.jsonl"
    write(path)
    whole = list(Recording(path))
    changed = lines(path)
    changed[0]["header"]["version"] = 1
    lists: list[list[int]] = []
    for line in changed[1:3]:
        lists += line.pop("lists")
        for attempt in line["attempts"]:
            cdrs = [delta for modules in attempt["cdrs"].values() for delta in modules.values()]
            for delta in attempt["events"] + cdrs:
                for names in {"set", "unset"} & delta.keys():
                    delta[names] = lists[delta[names]]
                for at in delta.pop("odd", ()):
                    delta["to"][at] = "caf\udce9"
    assert list(rewrite(path, changed)) == whole


TAILS = ("-second--", "-third---")
"""Longer than any generated token, so that nothing with one of them is equal to one without."""

# lone surrogates are what bytes that are not UTF-8 become
TEXT = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
    max_size=8,
)
LEGS = st.sampled_from(["u1", "u2", "u3"])
NAMES = st.sampled_from(["Event-Name", "Core-UUID", "variable_x", "variable_y", "_body"]) | TEXT
VALUES = st.sampled_from(["1", "2"]) | TEXT | st.lists(TEXT, max_size=3)
EVENT = st.builds(
    lambda leg, headers: headers | ({"Unique-ID": leg} if leg else {}),
    st.none() | LEGS | st.lists(LEGS, max_size=2),
    st.dictionaries(NAMES, VALUES, max_size=6),
)
CDR_NAMES = st.sampled_from(["variables.x", "variables.y", "callflow.0.times.end_time"]) | TEXT
CDRS = st.dictionaries(
    st.sampled_from(["json_cdr", "xml_cdr", "cdr_csv"]),
    st.dictionaries(CDR_NAMES, st.sampled_from(["1", "2"]) | TEXT, max_size=5),
)
PLACEMENTS = st.builds(
    Placement,
    token=TEXT,
    a_leg_uuid=LEGS | TEXT,
    reply=TEXT,
    events=st.lists(EVENT, max_size=8).map(tuple),
    cdrs=st.dictionaries(LEGS | TEXT, CDRS, max_size=3),
    applied=st.lists(
        st.builds(AppliedStimulus, st.integers(0, 9), st.none() | st.integers(0, 2**62), TEXT),
        max_size=2,
    ).map(tuple),
    swept=st.lists(LEGS, max_size=2).map(tuple),
    modules_with_cdrs=st.lists(TEXT, max_size=2).map(tuple),
    lateness=st.floats(min_value=0, allow_nan=False),
    problem=TEXT,
)


def attempts(at_most: int) -> st.SearchStrategy[list[Placement]]:
    """Attempts whose tokens differ, as a recording's do."""
    return st.lists(PLACEMENTS, min_size=1, max_size=at_most, unique_by=lambda one: one.token)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(first=attempts(3), name=TEXT)
@example(first=[replace(PLACEMENT, lateness=math.inf)], name="caf\udce9")
def test_round_trip_is_exact(tmp_path: Path, first: list[Placement], name: str) -> None:
    path = tmp_path / "one.jsonl.gz"
    call = Scenario(ALegBridges(), ExtensionTarget(name), (SetVariable(name, name),))
    second, third = ([replace(p, token=p.token + more) for p in reversed(first)] for more in TAILS)
    with RecordingWriter(path, HEADER, overwrite=True) as writer:
        writer.write_scenario(call, first)
        writer.write_scenario(scenario(1), second)
        writer.write_scenario(call, third)
    recording = Recording(path)
    assert list(recording) == [
        RecordedScenario(call.id, call, tuple(first)),
        RecordedScenario(scenario(1).id, scenario(1), tuple(second)),
        RecordedScenario(call.id, call, tuple(third)),
    ]
    assert recording.complete


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(first=attempts(2))
def test_lines_fit_the_schema(tmp_path: Path, first: list[Placement]) -> None:
    schema = json.loads(Path(module.__file__).with_name("recording.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    path = tmp_path / "one.jsonl.gz"
    with RecordingWriter(path, HEADER, overwrite=True) as writer:
        writer.write_scenario(scenario(1), first)
        writer.write_scenario(scenario(2), [replace(PLACEMENT, token=TAILS[0])])
        writer.write_control({"late": 0.02})
    written = lines(path)
    assert [next(iter(line)) for line in written] == ["header", "id", "id", "control", "footer"]
    for line in written:
        Draft202012Validator(schema).validate(line)


def test_schema_refuses_other_lines() -> None:
    schema = json.loads(Path(module.__file__).with_name("recording.schema.json").read_text())
    validator = Draft202012Validator(schema)
    others: list[Any] = [{}, {"header": {}}, {"control": 1}, {"control": {}, "footer": {}}]
    for line in others:
        assert not validator.is_valid(line)


def test_decoded_events_do_not_share_state(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    attempt = next(iter(Recording(path))).attempts[0]
    dict.clear(attempt.events[0])  # type: ignore[arg-type]
    assert attempt.events[1:] == EVENTS[1:]


# --- what was cut off ----------------------------------------------------------------------------


def test_every_truncation_is_noticed_and_keeps_the_whole_lines(path: Path) -> None:
    data = write(path)
    whole = [one.attempts for one in Recording(path)]
    most = shortest = 0
    for size in range(len(data)):
        path.write_bytes(data[:size])
        try:
            recording = Recording(path)
        except RecordingError:
            shortest = size + 1
            continue
        recorded = list(recording)
        assert recording.incomplete
        assert len(recorded) >= most, "a longer file tells no less"
        assert [one.attempts for one in recorded] == whole[: len(recorded)]
        most = len(recorded)
    assert most == 2
    header = data[:shortest]
    assert len(header) < len(data) / 2, "once its header is whole a file can be read"


def test_a_killed_campaign_leaves_whole_lines(path: Path) -> None:
    program = (
        "import os, sys; sys.path.insert(0, '.')\n"
        "from pathlib import Path\n"
        "from tests.test_recording import HEADER, RecordingWriter, placements, scenario\n"
        "writer = RecordingWriter(Path(sys.argv[1]), HEADER)\n"
        "for number in range(3): writer.write_scenario(scenario(number), placements(number))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = Path(__file__).parent.parent
    killed = subprocess.run([sys.executable, "-c", program, str(path)], cwd=root, check=False)
    assert killed.returncode == -9
    recording = Recording(path)
    assert len(list(recording)) == 3
    assert recording.incomplete


@pytest.mark.parametrize("damaged", [b"{nonsense\n", b'{"id":1,"names"\n', b"[1]\n"])
def test_damage_inside_ends_the_reading(tmp_path: Path, damaged: bytes) -> None:
    """Also where what can be read of the line is of another kind."""
    path = tmp_path / "one.jsonl"
    whole = write(path, scenarios=3).splitlines(keepends=True)
    path.write_bytes(b"".join([*whole[:2], damaged, *whole[3:]]))
    recording = Recording(path)
    assert len(list(recording)) == 1
    assert recording.incomplete == "line 3 is damaged"


def test_damaged_compression_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl.gz"
    data = bytearray(write(path, scenarios=50))
    data[-5] ^= 0xFF  # in the checksum
    path.write_bytes(data)
    recording = Recording(path)
    assert len(list(recording)) == 50
    assert recording.incomplete == "its compressed data is damaged"


@pytest.mark.parametrize("damaged", [False, True])
def test_a_line_without_end_takes_little_memory(path: Path, damaged: bool) -> None:
    """In a file of some 16 kB as well, which is one for longer than any line of a campaign is."""
    write(path)
    endless = b'"' + b"a" * (2 * module.LONGEST)
    if path.suffix == ".gz":
        endless = gzip.compress(
            b"".join(gzip.decompress(path.read_bytes()).splitlines(True)[:2]) + endless
        )
        path.write_bytes(endless[:-8] + bytes(8) if damaged else endless)
    else:
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]) + endless)
    tracemalloc.start()
    recording = Recording(path)
    assert len(list(recording)) == 1
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert recording.incomplete == "it has a line of more than 8 MB"
    assert most < 4 * module.LONGEST


def test_something_behind_the_compressed_data(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl.gz"
    path.write_bytes(write(path) + b"more")
    recording = Recording(path)
    assert len(list(recording)) == 2
    assert recording.incomplete == "something follows its compressed data"


def test_stopping_early_is_not_complete(path: Path) -> None:
    write(path)
    recording = Recording(path)
    assert next(iter(recording)).scenario == scenario(0)
    assert recording.incomplete == "it was not read to its end"


def test_missing_footer(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    recording = rewrite(path, lines(path)[:-1])
    assert len(list(recording)) == 2
    assert recording.incomplete == "it has no footer: the campaign that wrote it was cut off"


@pytest.mark.parametrize("missing", [2, 3])
def test_footer_that_disagrees(tmp_path: Path, missing: int) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    kept = lines(path)
    del kept[missing]
    recording = rewrite(path, kept)
    list(recording)
    assert recording.incomplete is not None
    assert recording.incomplete.startswith(
        "its footer counts 2 scenarios, 4 attempts and 1 control calls, it has "
    )


def test_an_attempt_that_is_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    kept = lines(path)
    kept[2] = kept[1]
    recording = rewrite(path, kept)
    assert len(list(recording)) == 2
    assert recording.incomplete == "attempt t0x1 is there twice"


@pytest.mark.parametrize(
    ("error", "ended", "said"),
    [
        (
            KeyboardInterrupt(),
            Ending.INTERRUPTED,
            "its campaign was interrupted: KeyboardInterrupt",
        ),
        (OSError("a password"), Ending.FAILED, "its campaign failed: OSError"),
    ],
)
def test_a_campaign_that_did_not_finish(
    path: Path, error: BaseException, ended: Ending, said: str
) -> None:
    def campaign() -> None:
        with RecordingWriter(path, HEADER) as writer:
            writer.write_scenario(scenario(1), [PLACEMENT])
            raise error

    with pytest.raises(type(error)):
        campaign()
    recording = Recording(path)
    assert len(list(recording)) == 1
    assert recording.footer is not None
    assert recording.footer.ended is ended
    assert recording.incomplete == said


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\x00\xff\n",
        b"[1]\n",
        b'{"a": 1}\n',
        b'{"header": 1}\n',
        b'{"header": {"format": "other"}}\n',
        b"\x1f\x8b",
        b"\x1f\x8bnot gzip",
        gzip.compress(b"text\n", mtime=0),
        zlib.compress(b"text\n"),
    ],
)
def test_not_a_recording(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "one.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(RecordingError, match="is not a recording") as caught:
        Recording(path)
    assert "\n" not in str(caught.value)
    assert caught.value.hint == "name a file that a campaign wrote"


def test_another_version(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    changed = lines(path)
    changed[0]["header"]["version"] = 3
    with pytest.raises(RecordingError, match=r"has version 3 of the format; .* '0.1.0' wrote it"):
        rewrite(path, changed)


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (0, {"header": {"format": module.FORMAT, "version": 1}}),
        (1, {"other": 1}),
        (1, {"scenario": 1}),
        (1, {"scenario": {"kind": "answer"}, "id": "0", "attempts": []}),
        (1, {"control": 3}),
        (1, {"footer": {}}),
    ],
)
def test_a_whole_line_of_another_shape(tmp_path: Path, number: int, line: dict[str, Any]) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    changed = lines(path)
    changed[number] = line
    with pytest.raises(RecordingError, match="is not of a recording"):
        list(rewrite(path, changed))


def at(value: Any, place: str) -> tuple[Any, Any]:
    """What holds the value of a place such as "attempts.0.token", and its key there."""
    *inside, last = [int(one) if one.isdecimal() else one for one in place.split(".")]
    for key in inside:
        value = value[key]
    return value, last


@pytest.mark.parametrize(
    ("number", "place", "new"),
    [
        (1, "header.suite_version", 1),
        (1, "header.seed", "1"),
        (1, "header.switch.url", ["embedded:"]),
        (1, "header.switch.version", None),
        (1, "header.switch.modules", [1]),
        (1, "header.switch.image_digest", 1),
        (1, "header.started", "2026-01-01T00:00:00"),
        (1, "header.started", "0001-01-01T00:00:00+14:00"),
        (1, "header.clauses_asked", "3"),
        (1, "header.scenarios_asked", None),
        (1, "header.out_of_reach", {"legs.x": 1}),
        (2, "id", 1),
        (2, "names.0", None),
        (2, "attempts.0.token", []),
        (2, "attempts.0.a_leg_uuid", None),
        (2, "attempts.0.reply", 1),
        (2, "attempts.0.problem", None),
        (2, "attempts.0.lateness", "late"),
        (2, "attempts.0.swept", [None]),
        (2, "attempts.0.modules_with_cdrs.1", []),
        (2, "attempts.0.applied.0.0", "0"),
        (2, "attempts.0.applied.0.1", "1790000000000000"),
        (2, "attempts.0.applied.0.2", None),
        (2, "attempts.0.switch", "x"),
        (2, "attempts.0.events.3.odd.0", "x"),
        (2, "attempts.0.events.1.on", -1),
        (2, "lists.0.0", -1),
        (2, "attempts.0.applied.0.0", -1),
        (2, "attempts.0.events.0.to.0", None),
        (2, "attempts.0.events.0.to.0", 1),
        (2, "attempts.0.events.0.to.0", {}),
        (2, "attempts.0.events.0.to.0", [[]]),
        (2, "attempts.0.cdrs.unknown.json_cdr.to.0", None),
        (2, "attempts.0.cdrs.unknown.json_cdr.to.0", ["1"]),
        (5, "footer.finished", "2026-01-01T00:00:00"),
    ],
)
def test_a_value_of_another_kind(tmp_path: Path, number: int, place: str, new: object) -> None:
    """It is told here, and where it is, before anybody tries to judge by it."""
    path = tmp_path / "one.jsonl"
    write(path)
    changed = lines(path)
    holder, key = at(changed[number - 1], place)
    holder[key] = new
    where = "the header" if number == 1 else f"line {number}"
    with pytest.raises(RecordingError, match=f"{where} of .* is not of a recording"):
        list(rewrite(path, changed))


@pytest.mark.parametrize("depth", [60, 400])
def test_a_scenario_that_is_nested_without_end(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    begin = '{"kind":"bridge_loopback","target":{"kind":"extension","extension":"1"},"plan":['
    first, call, *rest = path.read_text().splitlines()
    value = json.loads(call)
    value["scenario"]["plan"] = ["HERE"]
    deep = json.dumps(value).replace('"HERE"', begin * depth + "]}" * depth)
    path.write_text("\n".join([first, deep, *rest, ""]))
    with pytest.raises(RecordingError, match=r"line 2 of .* is not of a recording"):
        list(Recording(path))


@pytest.mark.parametrize("first", [True, False])
def test_a_scenario_that_has_half_a_character(tmp_path: Path, first: bool) -> None:
    """It is told of in one line, without all of the scenario, wherever it comes."""
    path = tmp_path / "one.jsonl"
    write(path)
    changed = lines(path)
    changed[1]["scenario"]["target"]["extension"] = "other \ud83d"
    with pytest.raises(RecordingError, match=r"is not (of )?a recording") as told:
        list(rewrite(path, changed[1:] if first else changed))
    assert "other" not in str(told.value)


def test_lines_after_the_footer(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    whole = lines(path)
    with pytest.raises(RecordingError, match=r"line 6 .*it comes after the footer"):
        list(rewrite(path, [*whole, whole[1]]))


def test_a_base_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    write(path)
    changed = lines(path)
    changed[1]["attempts"][0]["events"][0]["on"] = 3
    with pytest.raises(RecordingError, match="line 2 "):
        list(rewrite(path, changed))


def test_no_such_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(RecordingError, match=f"cannot read {path}: "):
            Recording(path)


def test_an_existing_file_is_kept(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(RecordingError, match=r"is already there; .* overwrite"):
        RecordingWriter(path, HEADER)
    assert path.read_text() == "precious"


def test_overwriting_when_asked(path: Path) -> None:
    path.write_text("old")
    RecordingWriter(path, HEADER, overwrite=True).finish()
    recording = Recording(path)
    assert list(recording) == []
    assert recording.complete
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"cannot write .*: No such file or directory; see"):
        RecordingWriter(tmp_path / "none" / "one.jsonl", HEADER)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RecordingError, match="Permission denied"):
        RecordingWriter(tmp_path / "one.jsonl", HEADER)


def test_a_full_disk_keeps_what_was_written(path: Path) -> None:
    writer = RecordingWriter(path, HEADER)
    writer.write_scenario(scenario(0), placements(0))
    size = path.stat().st_size
    with largest_file(size + 20):
        with pytest.raises(
            RecordingError, match=r"^cannot write .*: File too large; see"
        ) as caught:
            writer.write_scenario(scenario(1), placements(1))
        assert path.stat().st_size == size
    # no line may follow half a line, even if there is space again
    with pytest.raises(RecordingError, match="File too large"):
        writer.write_scenario(scenario(2), placements(2))
    with pytest.raises(RecordingError, match="File too large"):
        writer.finish()
    writer.finish()
    assert "\n" not in str(caught.value)
    recording = Recording(path)
    assert len(list(recording)) == 1
    assert recording.incomplete


def test_a_full_disk_at_the_header(path: Path) -> None:
    with largest_file(20), pytest.raises(RecordingError, match="File too large"):
        RecordingWriter(path, HEADER)
    assert list(path.parent.iterdir()) == []
    path.write_text("precious")
    with largest_file(20), pytest.raises(RecordingError, match="File too large"):
        RecordingWriter(path, HEADER, overwrite=True)
    assert path.read_text() == "precious"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_each_attempt_once_and_a_scenario_as_often_as_it_is_tried(path: Path) -> None:
    with RecordingWriter(path, HEADER) as writer:
        writer.write_scenario(scenario(0), [PLACEMENT])
        with pytest.raises(ValueError, match="has an attempt twice"):
            writer.write_scenario(scenario(0), [PLACEMENT])
        writer.write_scenario(scenario(0), [replace(PLACEMENT, token="again")])
        with pytest.raises(ValueError, match="has no attempts"):
            writer.write_scenario(scenario(1), [])
    recording = Recording(path)
    assert [len(one.attempts) for one in recording] == [1, 1]
    assert recording.complete
    assert recording.footer is not None
    assert (recording.footer.scenarios, recording.footer.attempts) == (1, 2)


def test_what_a_scenario_was_placed_for_is_kept(path: Path) -> None:
    """Whoever reads without knowing of it still finds the recording whole."""
    with RecordingWriter(path, HEADER) as writer:
        writer.write_scenario(scenario(0), placements(0), corpus="bowout.cause-1")
        writer.write_scenario(scenario(1), placements(1))
        writer.write_scenario(scenario(2), placements(2), minimising=True)
    recording = Recording(path)
    assert [(one.corpus, one.minimising) for one in recording] == [
        ("bowout.cause-1", False),
        ("", False),
        ("", True),
    ]
    assert recording.footer is not None
    assert recording.footer.scenarios == 3
    marks = [{"corpus", "minimising"} & line.keys() for line in lines(path)]
    assert marks == [set(), {"corpus"}, set(), {"minimising"}, set()]
    schema = json.loads(Path(module.__file__).with_name("recording.schema.json").read_text())
    for line in lines(path):
        Draft202012Validator(schema).validate(line)


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("esl://user:secret@host:8021/x?password=secret#secret", "esl://host:8021"),
        ("esl://:se/cr@et@host:8021", "esl://host:8021"),
        ("esl://host:8021?password=secret", "esl://host:8021"),
        ("esl://[::1]:8021", "esl://[::1]:8021"),
        ("docker://image@sha256:ab", "docker://image@sha256:ab"),
        ("embedded:?fault=three-seconds", "embedded:?fault=three-seconds"),
        ("process:///opt/bin/freeswitch", "process:///opt/bin/freeswitch"),
    ],
)
def test_no_secret_is_written(tmp_path: Path, url: str, written: str) -> None:
    path = tmp_path / "one.jsonl"
    switch = replace(HEADER.switch, url=url)
    RecordingWriter(path, replace(HEADER, switch=switch)).finish()
    assert Recording(path).header.switch.url == written
    assert "secret" not in path.read_text()
