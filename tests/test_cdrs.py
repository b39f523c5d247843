"""CDRs of all three modules, and what is none."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.cdr_modules import CSV_COLUMNS
from fixtures.cdrs import (
    Cdr,
    CdrError,
    csv_rows,
    parse_csv_row,
    parse_json_cdr,
    parse_xml_cdr,
    uuid_of_row,
)
from fixtures.switches.csv_rows import CsvRows

JSON = json.dumps(
    {
        "core-uuid": "c1",
        "channel_data": {"state": "CS_REPORTING", "direction": "outbound"},
        "callStats": {"audio": {"inbound": {"mos": 4.50, "packets": 7}}},
        "variables": {"billsec": "2", "foo": "a%20b%C3%A9%25", "list": "ARRAY%3A%3Ax%7C%3Ay"},
        "app_log": {"applications": [{"app_name": "bridge", "app_data": "x%20y"}]},
        "callflow": [
            {
                "profile_index": "1",
                "extension": {"name": "e", "applications": [{"app_name": "set"}]},
                "caller_profile": {
                    "destination_number": "1234",
                    "rdnis": None,
                    "originator": {"originator_caller_profiles": [{"uuid": "u2"}]},
                },
                "times": {"answered_time": "17"},
            }
        ],
    }
).encode()

XML = b"""<?xml version="1.0"?>
<cdr core-uuid="c1">
  <channel_data><state>CS_REPORTING</state><direction>outbound</direction></channel_data>
  <variables>
    <billsec>2</billsec>
    <foo>a%20b%C3%A9%25</foo>
    <list>x</list>
    <list>y</list>
    <application>mine</application>
  </variables>
  <app_log><application app_name="bridge" app_data="x%20y"/></app_log>
  <callflow profile_index="1">
    <extension name="e"><application app_name="set"/></extension>
    <caller_profile>
      <destination_number>1234</destination_number>
      <rdnis></rdnis>
      <originator><originator_caller_profile><uuid>u2</uuid></originator_caller_profile></originator>
    </caller_profile>
    <times><answered_time>17</answered_time></times>
  </callflow>
</cdr>
"""

BOTH = {
    "core-uuid": "c1",
    "channel_data.state": "CS_REPORTING",
    "channel_data.direction": "outbound",
    "variables.billsec": "2",
    "variables.foo": "a b\u00e9%",
    "variables.list": "ARRAY::x|:y",
    "app_log.applications.0.app_name": "bridge",
    "app_log.applications.0.app_data": "x%20y",
    "callflow.0.profile_index": "1",
    "callflow.0.extension.name": "e",
    "callflow.0.extension.applications.0.app_name": "set",
    "callflow.0.caller_profile.destination_number": "1234",
    "callflow.0.caller_profile.rdnis": "",
    "callflow.0.caller_profile.originator.originator_caller_profiles.0.uuid": "u2",
    "callflow.0.times.answered_time": "17",
}


def test_json_cdr() -> None:
    numbers = {"callStats.audio.inbound.mos": "4.5", "callStats.audio.inbound.packets": "7"}
    assert parse_json_cdr(JSON) == BOTH | numbers


def test_xml_cdr() -> None:
    assert parse_xml_cdr(XML) == BOTH | {"variables.application": "mine"}


def test_bytes_that_are_not_utf_8_become_lone_surrogates() -> None:
    cdr = parse_json_cdr(b'{"variables": {"a": "%FF"}, "b": "\xfe"}')
    assert cdr == {"variables.a": "\udcff", "b": "\udcfe"}


ESCAPED = st.sampled_from(["%C3%A9", "%F0%9F%98%80", "%80", "%FF", "%5C", "%", "%4", "a", "é", " "])


@given(st.lists(ESCAPED, min_size=1, max_size=5), st.lists(ESCAPED, max_size=3))
def test_a_long_value_is_decoded_as_a_short_one(again: list[str], end: list[str]) -> None:
    """It is decoded in parts, none of which may end within a character."""
    text = ("".join(again) * 20_000)[:20_000] + "".join(end)
    data = json.dumps({"variables": {"long": text}}).encode()
    assert parse_json_cdr(data) == {"variables.long": unquote(text, errors="surrogateescape")}


def test_a_long_value_takes_no_more_than_its_room() -> None:
    """Backslashes double with each dial string in another, and each is three characters here."""
    text = "J%5C%3C" * 30_000
    data = json.dumps({"variables": {"long": text}}).encode()
    tracemalloc.start()
    parse_json_cdr(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * len(text)


def test_csv_rows_leave_out_the_one_being_written() -> None:
    assert csv_rows(b'"a"\n"b"\n"c') == [b'"a"', b'"b"']
    assert csv_rows(b"") == []


def test_csv_values_may_hold_quotes_and_commas() -> None:
    values = [f'{name}, "quoted"' for name in CSV_COLUMNS.values()]
    cdr = parse_csv_row(",".join(f'"{value}"' for value in values).encode())
    assert list(cdr.values()) == values
    assert cdr["variables.hangup_cause"] == 'hangup_cause, "quoted"'


def test_a_csv_row_has_no_variable_that_the_leg_has_not() -> None:
    """FreeSWITCH expands such a one to nothing; an empty field of the caller profile is one."""
    row = ",".join('"u"' if name == "uuid" else '""' for name in CSV_COLUMNS.values()).encode()
    cdr = parse_csv_row(row)
    assert cdr["callflow.0.caller_profile.destination_number"] == ""
    assert [path for path in cdr if path.startswith("variables.")] == ["variables.uuid"]
    assert uuid_of_row(row) == "u"


LAUGHS = b'<!DOCTYPE cdr [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><cdr>&b;</cdr>'

HOSTILE = [
    (parse_json_cdr, b""),
    (parse_json_cdr, JSON[:-20]),
    (parse_json_cdr, b"[1]"),
    (parse_json_cdr, b'{"a": 1} x'),
    (parse_json_cdr, b'{"a":' * 100_000),
    (parse_json_cdr, b"[" * 100_000),
    (parse_xml_cdr, b""),
    (parse_xml_cdr, XML[:-20]),
    (parse_xml_cdr, b"<other/>"),
    (parse_xml_cdr, b"<cdr>\xff</cdr>"),
    (parse_xml_cdr, b"<cdr><variables><1a>x</1a></variables></cdr>"),
    (parse_xml_cdr, LAUGHS),
    (parse_xml_cdr, b'<!DOCTYPE cdr SYSTEM "file:///etc/passwd"><cdr/>'),
    (parse_xml_cdr, b"<cdr>" + b"<a>" * 100_000),
    (parse_xml_cdr, b"<cdr>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</cdr>"),
    (parse_xml_cdr, b"<cdr>&undefined;</cdr>"),
    (parse_xml_cdr, b'<?xml version="1.0" encoding="gb2312"?><cdr a="1"/>'),
    (parse_xml_cdr, b'<?xml version="1.0" encoding="unknown"?><cdr a="1"/>'),
    (parse_xml_cdr, b'<?xml version="1.0" encoding="idna"?><cdr a="1"/>'),
    (parse_xml_cdr, b"<cdr/>"),
    (parse_xml_cdr, b"<cdr>text</cdr>"),
    (parse_xml_cdr, b'<cdr callflow="x"><callflow/></cdr>'),
    (parse_xml_cdr, b"<cdr><applications/><application/></cdr>"),
    (parse_csv_row, b""),
    (parse_csv_row, b'"'),
    (parse_csv_row, b'"a","b"'),
    (parse_csv_row, b"no quotes"),
]


@pytest.mark.parametrize(("parse", "data"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_cdr_is_an_error_of_one_line(parse: Callable[[bytes], Cdr], data: bytes) -> None:
    with pytest.raises(CdrError) as caught:
        parse(data)
    assert str(caught.value).startswith("not a CDR of mod_")
    assert len(str(caught.value).splitlines()) == 1


@given(st.sampled_from([parse_json_cdr, parse_xml_cdr, parse_csv_row]), st.binary())
@example(parse_json_cdr, b'{"a": 1e999999, "b": -Infinity, "a": [[]]}')
@example(parse_xml_cdr, b"<cdr><variables/><variables><a/></variables><callflow/></cdr>")
def test_any_bytes_are_a_cdr_or_an_error(parse: Callable[[bytes], Cdr], data: bytes) -> None:
    try:
        cdr = parse(data)
    except CdrError:
        return
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in cdr.items())


# --- rows, as they are added to a file -----------------------------------------------------------


def test_rows_are_found_by_leg_however_they_were_written(tmp_path: Path) -> None:
    """A row counts once it is whole, and a file that grows is not read anew."""
    file = tmp_path / "Master.csv"
    rows = CsvRows(file)
    assert rows.read(["one"]) == {}  # no leg has ended yet
    file.write_bytes(b'"one","1"\n"two","2')
    assert rows.read(["one", "two"]) == {"one": b'"one","1"'}
    with file.open("ab") as grown:
        grown.write(b'2"\n')
    assert rows.read(["one", "two"]) == {"one": b'"one","1"', "two": b'"two","22"'}


def test_rows_of_a_file_that_was_rotated(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    file.write_bytes(b'"one"\n')
    rows = CsvRows(file)
    rows.read(["one"])
    file.rename(tmp_path / "Master.csv.old")
    file.write_bytes(b'"two"\n')
    assert rows.read(["one", "two"]) == {"one": b'"one"', "two": b'"two"'}


def test_a_file_is_read_from_where_the_last_reading_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a long campaign costs is its new rows, not all of them at each call's end."""
    read: list[int] = []

    def counted(data: bytes) -> list[bytes]:
        read.append(len(data))
        return csv_rows(data)

    monkeypatch.setattr("fixtures.switches.csv_rows.csv_rows", counted)
    file = tmp_path / "Master.csv"
    rows = CsvRows(file)
    with file.open("ab") as grown:
        for _ in range(100):
            grown.write(b'"row"\n')
            grown.flush()
            rows.read(["row"])
    rows.read(["row"])
    assert read == [6] * 100


def test_rows_that_were_asked_for_make_way_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long campaign keeps no more of them than a short one, and loses none of a leg to come."""
    monkeypatch.setattr("fixtures.switches.csv_rows.KEPT", 2)
    file = tmp_path / "Master.csv"
    rows = CsvRows(file)
    file.write_bytes(b'"early"\n"one"\n')
    assert rows.read(["one"]) == {"one": b'"one"'}
    file.write_bytes(b'"early"\n"one"\n"two"\n')
    assert rows.read(["early", "one", "two"]) == {"early": b'"early"', "two": b'"two"'}


def test_few_are_kept_of_the_rows_that_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for other CDRs of these legs asks again soon."""
    monkeypatch.setattr("fixtures.switches.csv_rows.ASKED", 1)
    file = tmp_path / "Master.csv"
    rows = CsvRows(file)
    file.write_bytes(b'"one"\n"two"\n"other"\n')
    assert rows.read(["one", "two"]) == {"one": b'"one"', "two": b'"two"'}
    file.write_bytes(b'"one"\n"two"\n"other"\n"three"\n')
    assert rows.read(["one", "two", "other"]) == {"two": b'"two"', "other": b'"other"'}


def test_rows_that_were_there_before_are_passed_over(tmp_path: Path) -> None:
    """A Master.csv of a switch that is not ours may be as long as its disk."""
    file = tmp_path / "Master.csv"
    file.write_bytes(b'"one"\n')
    rows = CsvRows(file)
    rows.skip()
    with file.open("ab") as grown:
        grown.write(b'"two"\n')
    assert rows.read(["one", "two"]) == {"two": b'"two"'}


def test_what_was_read_of_a_file_of_ours_takes_no_room_and_what_is_appended_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module has the file open all the while, and the run may be as long as the disk."""
    monkeypatch.setattr("fixtures.switches.csv_rows.DROPPED", 100_000)
    kept, ours = tmp_path / "kept.csv", tmp_path / "ours.csv"
    with kept.open("ab", buffering=0) as theirs, ours.open("ab", buffering=0) as grown:
        readers = CsvRows(kept), CsvRows(ours, ours=True)
        for number in range(1000):
            row = b'"u%d",%s' % (number, b"x" * 1000)
            for file, rows in zip((theirs, grown), readers, strict=True):
                file.write(row + b"\n")
                assert rows.read([f"u{number}"]) == {f"u{number}": row}
    sizes = [(file.stat().st_size, 512 * file.stat().st_blocks) for file in (kept, ours)]
    assert sizes[0][0] == sizes[1][0] > 1_000_000
    assert sizes[0][1] > 1_000_000
    assert sizes[1][1] < 300_000


@given(st.data(), st.sampled_from([JSON, XML]))
def test_a_damaged_cdr_is_a_cdr_or_an_error(data: st.DataObject, cdr: bytes) -> None:
    parse = parse_json_cdr if cdr is JSON else parse_xml_cdr
    at = data.draw(st.integers(0, len(cdr) - 1))
    damaged = cdr[:at] + data.draw(st.binary(max_size=3)) + cdr[at + data.draw(st.integers(0, 9)) :]
    try:
        parse(damaged)
    except CdrError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - it need not be an error
