"""A switch that is not ours: how it is named, what it says of itself, what is installed on it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import shutil
import socket
import stat
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from campaign.command_line import main
from campaign.doctor import Row, State, _cdrs, _endpoint, _modules, _room
from conformance.profile import Profile, release_of
from fixtures.configuration import CDR_FILES, csv_row
from fixtures.corpus import SHIPPED as EXAMPLES
from fixtures.event_socket import EventSocket
from fixtures.switches import SwitchError, UsageError, installed, open_switch
from fixtures.switches.cdr_collector import CdrCollector, Posting
from fixtures.switches.cdr_directory import CdrDirectory
from fixtures.switches.cdr_source import CdrSource, NoCdrs
from fixtures.switches.export import _README, _rows, export
from fixtures.switches.interface import PASSWORD_VARIABLE
from fixtures.switches.private import Connect
from fixtures.switches.remote import REQUIRED, RemoteSwitch
from fixtures.switches.survey import _MD5_OF_A, ContextState, Survey, survey
from tests.answers import Answers
from tests.command import run
from tests.fake_switch import scenario
from tests.recorded_calls import SHIPPED

WORD = "a-very-secret-word"
NOWHERE = "esl://127.0.0.1:1"


# --- the password --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        f"esl://user:{WORD}@host:8021",
        f"esl://{WORD}@host",
        "esl://",
        "esl://host/x",
        f"esl://a:{WORD}",
    ],
)
def test_a_url_that_is_none_is_refused_without_being_shown(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, WORD)
    with pytest.raises(UsageError) as caught:
        open_switch(url)
    assert WORD not in str(caught.value)


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    with pytest.raises(UsageError, match=f"{port} is no port: they go from 1 to 65535"):
        open_switch(f"esl://127.0.0.1:{port}")


def test_without_a_password_it_says_where_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    with pytest.raises(UsageError, match=f"{PASSWORD_VARIABLE}.*--password-file"):
        open_switch("esl://127.0.0.1:8021")


def test_a_password_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text(WORD)
    file.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600") as caught:
        open_switch("esl://127.0.0.1:8021", password_file=file)
    assert WORD not in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--switch", NOWHERE],
        ["record", "{}/baseline.jsonl", "--switch", NOWHERE],
        ["compare", "--old", str(SHIPPED), "--new", NOWHERE],
    ],
    ids=lambda command: command[0],
)
def test_a_switch_that_is_not_there_is_one_line_and_no_password(
    command: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "word"
    file.touch(0o600)
    file.write_text(WORD)
    given = [text.format(tmp_path) for text in command]
    ended = run(*given, "--password-file", str(file), "--cdrs", str(tmp_path))
    assert ended.status == 2
    assert "cannot connect" in ended.one_line()
    assert WORD not in ended.err


def test_bisect_reaches_those_that_already_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its own password; the example is asked of the last one first."""
    shutil.copy(next(EXAMPLES.glob("*.json")), tmp_path / "example.json")
    words = [tmp_path / name for name in ("old", "new")]
    for file in words:
        file.touch(0o600)
        file.write_text(WORD)
    given = [text for file in words for text in ("--password-file", str(file))]
    place = ["bisect", str(tmp_path), "--switches", f"esl://127.0.0.1:2,{NOWHERE}"]
    assert main([*place, *given]) == 2
    assert "cannot connect to 127.0.0.1:1" in capsys.readouterr().err
    assert main([*place, *given, *given[:2]]) == 2
    assert "once for all switches, or once for each" in capsys.readouterr().err


# --- what is installed ---------------------------------------------------------------------------


def test_an_export_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    posting = Posting.new("127.0.0.1", 8055)
    names = export(tmp_path / "there", port=8021, posting=posting)
    read = (tmp_path / "there" / "README.txt").read_text()
    command = "doctor --switch esl://HOST:PORT --password-file password --cdrs collector.json"
    assert f"5. loopback-conformance {command}\n   (or --cdrs " in read
    files = [tmp_path / "there" / name for name in names]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    word = (tmp_path / "there/password").read_text().strip()
    holding = {file.name for file in files if word in file.read_text()}
    assert holding == {"password", "event_socket.conf.xml"}
    assert Posting.read(tmp_path / "there/collector.json") == posting


def test_an_export_says_which_directory_holds_its_cdrs(tmp_path: Path) -> None:
    """Not that of one module: it would be taken for the place of the others' CDRs, too."""
    export(tmp_path / "there", port=8021, posting=None)
    read = (tmp_path / "there/README.txt").read_text()
    (named,) = set(re.findall(r"--cdrs (/[^`,\s]+)", read))
    for name in CDR_FILES:
        text = (tmp_path / f"there/autoload_configs/{name}.conf.xml").read_text()
        assert f'name="log-dir" value="{named}/{name}"' in text
    assert exported_rows()["log-base"] == named
    assert re.search(r"holds json_cdr/, xml_cdr/ and\s+cdr-csv/", read)


def test_an_export_says_what_is_to_be_reloaded_and_how_it_is_taken_out(tmp_path: Path) -> None:
    """Settings of these modules are read as they are loaded, and not by `reloadxml`."""
    export(tmp_path / "there", port=8021, posting=None)
    _, _, read = (tmp_path / "there/README.txt").read_text().partition("\n4. ")
    configured = {file.stem for file in (tmp_path / "there/autoload_configs").iterdir()}
    for name in configured:
        assert f"`reload mod_{name.removesuffix('.conf')}`" in read
    assert "reload the same modules" in read.partition("To take it out")[2]


def test_an_export_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(SwitchError, match="not empty"):
        export(tmp_path, port=8021, posting=None)


def test_a_plan_stays_until_the_last_batch_that_needs_it_is_over() -> None:
    """A comparison places a scenario several times, in batches that overlap."""
    plans = Answers({})
    shared, other = scenario(number=1), scenario(number=2)

    async def session() -> None:
        switch = RemoteSwitch("esl://there", "there", 8021, WORD, connected_to(plans))
        await switch.load_plans("one", [shared], plans)
        await switch.load_plans("two", [shared, other], plans)
        await switch.unload_plans("one", plans)
        assert not plans.deleted()
        await switch.unload_plans("two", plans)
        assert plans.deleted() == plans.inserted()

    asyncio.run(session())


def test_what_is_left_of_plans_at_the_end_is_taken_out_once() -> None:
    plans = Answers({})
    shared = scenario(number=1)

    async def session() -> None:
        switch = RemoteSwitch("esl://there", "there", 8021, WORD, connected_to(plans))
        await switch.load_plans("one", [shared], plans)
        await switch.load_plans("two", [shared], plans)
        await switch.stop()

    asyncio.run(session())
    assert plans.deleted() == plans.inserted()
    assert sum("delete" in command for command in plans.asked) == len(plans.inserted())


# --- what it says of itself ----------------------------------------------------------------------

STATUS = """\
UP 0 years, 0 days, 1 hour, 0 minutes, 7 seconds, 535 milliseconds, 367 microseconds
FreeSWITCH (Version 1.10.12-release) is ready
7 session(s) since startup
40 session(s) - peak 44, last 5min 40
3 session(s) per Sec out of max 30, peak 12, last 5min 9
1000 session(s) max
min idle cpu 0.00/86.67
"""
SETTINGS = """<configuration name="loopback.conf"><settings>
<param name="bowout-controlled-hangup" value="yes"/>
<param name="bowout-hangup-cause" value="USER_BUSY"/>
</settings></configuration>"""


def connected_to(connection: EventSocket) -> Connect:
    async def connect(*_: object) -> EventSocket:
        return connection

    return connect


def context(*extensions: str) -> str:
    ours = installed.render_extensions("default")
    return f'<context name="default">{ours.join(extensions)}</context>'


def look(**changed: str) -> Survey:
    answers = {
        "status": STATUS,
        "xml_locate configuration configuration name loopback.conf": SETTINGS,
        "xml_locate dialplan context name default": context("", "<extension name='theirs'/>"),
        "global_getvar loopback_bowout": "false",
        **changed,
    }
    connection: EventSocket = Answers(answers)
    return asyncio.run(survey(connection))


def test_limits_settings_and_variables_are_read() -> None:
    found = look()
    assert (found.sessions, found.sessions_most, found.sessions_a_second) == (40, 1000, 30)
    assert found.profile.bowout_controlled_hangup
    assert found.profile.bowout_hangup_cause == "USER_BUSY"
    assert found.profile.global_variables == (("loopback_bowout", "false"),)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (context("", ""), ContextState.SOUND),
        (context("<extension name='theirs'/>", ""), ContextState.LATE),
        ("<context name='default'><extension name='theirs'/></context>", ContextState.MISSING),
        (context("", "").replace("-1", "-0"), ContextState.OLD),
        ("can't find anything\n", ContextState.NONE),
        ("<!DOCTYPE x [<!ENTITY a 'a'>]><x>&a;</x>", ContextState.NONE),
    ],
)
def test_contexts_are_told_apart(said: str, state: ContextState) -> None:
    found = look(**{"xml_locate dialplan context name default": said})
    assert found.contexts["default"] is state


def latin1(text: str) -> str:
    """Text as the client gives it that is Latin-1 on the switch."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("dialplan context name default", context("", "<extension name='Köln'/>")),
        ("configuration configuration name loopback.conf", SETTINGS.replace("<s", "<!-- ü --><s")),
    ],
)
def test_what_is_not_utf_8_on_their_switch_is_read(asked: str, said: str) -> None:
    found = look(**{f"xml_locate {asked}": latin1(said)})
    assert found.contexts["default"] is ContextState.SOUND
    assert found.profile.bowout_hangup_cause == "USER_BUSY"


def test_calls_of_others_whose_names_are_not_utf_8_are_counted() -> None:
    table = '{"row_count":2,"rows":[{"uuid":"a","cid_name":"Köln"},{"uuid":"b"}]}'
    assert look(**{"show channels as json": latin1(table)}).others == 2


@pytest.mark.parametrize("said", ["{", "[" * 100_000, "[]", '{"rows":null}'])
def test_a_table_of_channels_that_cannot_be_read_is_no_empty_one(said: str) -> None:
    with pytest.raises(SwitchError, match="`show channels as json` is no table"):
        look(**{"show channels as json": said})


@pytest.mark.parametrize("release", ["1.8.5", "1.10.2", "1.10.12", "1.11.2"])
def test_settings_are_the_same_whatever_the_release(release: str) -> None:
    """Of a switch of any release calls are placed under those that it has, and under no other."""
    switch = RemoteSwitch("esl://there", "there", 8021, WORD, connected_to(Answers({})))
    switch.fixed = Profile(bowout_hangup_cause="USER_BUSY")
    asyncio.run(switch.configure(switch.fixed.at_release(release_of(release))))
    with pytest.raises(SwitchError, match="not ours to change"):
        asyncio.run(switch.configure(Profile(global_variables=(("loopback_bowout", "1"),))))


def test_looking_changes_nothing() -> None:
    connection = Answers({"status": STATUS})
    asyncio.run(survey(connection))
    verbs = {command.split()[0] for command in connection.asked}
    reads = {"strepoch", "status", "module_exists", "xml_locate", "show", "version", "expand"}
    assert verbs <= reads | {"global_getvar", "hash_dump"}


def start(*missing: str, **changed: str) -> RemoteSwitch:
    """Start with a switch on which the export is installed, without some of its modules."""
    answers = {
        "status": STATUS,
        "expand echo ${md5(a)}": _MD5_OF_A,
        "xml_locate dialplan context name default": context("", ""),
        **{f"module_exists {name}": "true" for name in REQUIRED if name not in missing},
        **changed,
    }
    switch = RemoteSwitch("esl://there", "there", 8021, WORD, connected_to(Answers(answers)))
    asyncio.run(switch.start(Profile()))
    return switch


def test_a_switch_with_all_that_calls_need_is_taken() -> None:
    assert start().fixed == Profile()


@pytest.mark.parametrize("module", REQUIRED)
def test_without_a_module_that_calls_need_there_is_no_run(module: str) -> None:
    """Nor does doctor say that there can be one; who installs the export is told of it there."""
    with pytest.raises(SwitchError, match=f"esl://there has not loaded {module}; .*doctor"):
        start(module)
    (row,) = _modules(replace(look(), modules=tuple({*REQUIRED} - {module})))
    assert row.state is State.STOP
    assert row.found == f"not loaded: {module}"
    assert module in _README


def test_without_mod_commands_no_other_module_is_blamed() -> None:
    """Whether a module is loaded is one of its commands."""
    with pytest.raises(SwitchError, match="has not loaded mod_commands;"):
        start(*REQUIRED)


def test_without_api_commands_in_dialplans_there_is_no_run() -> None:
    """The installed extension could read no plan."""
    with pytest.raises(SwitchError, match=r"runs no API commands in dialplans; .*doctor"):
        start(**{"expand echo ${md5(a)}": ""})


def test_two_runs_of_the_suite_are_not_made_on_one_switch() -> None:
    """Of one seed their calls have the same tokens, and each hangs up what it takes for its own."""
    rows = [{"uuid": "1", "cid_num": "1000"}, {"uuid": "2", "cid_num": "lc0123456789abx2"}]
    table = json.dumps({"row_count": 2, "rows": rows})
    asked = {"show channels as json": table}
    with pytest.raises(SwitchError, match=r"another run .* esl://there: 1 legs; wait until it is"):
        start(**asked)
    found = look(**asked)
    assert (found.ours, found.others) == (1, 1)
    assert [row.what for row in _room(found) if row.state is State.STOP] == ["calls of the suite"]


def test_a_switch_whose_every_leg_hands_itself_over_is_not_tested() -> None:
    """All that a call shows there is the bowout on its execution; `doctor` says how to mend it."""
    asked = {"global_getvar loopback_bowout_on_execute": "yes"}
    with pytest.raises(SwitchError, match=r"loopback_bowout_on_execute .*; unset it for the time"):
        start(**asked)
    assert _endpoint(look(**asked)).state is State.STOP
    assert _endpoint(look()).state is State.GOOD


# --- CDRs from afar ------------------------------------------------------------------------------


async def post(posting: Posting, path: str, body: bytes, **headers: str) -> int:
    """Post as a CDR module does; gives the status."""
    reader, writer = await asyncio.open_connection(posting.host, posting.port)
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def collected(path: str, body: bytes, word: str | None = None) -> tuple[int, dict[str, bytes]]:
    """Post to a collector; gives the status, and what it then has of leg `u`."""

    async def session() -> tuple[int, dict[str, bytes]]:
        posting = Posting("127.0.0.1", free_port(), "random", WORD)
        collector = CdrCollector(posting)
        await collector.start()
        try:
            known = posting.credentials if word is None else word
            basic = base64.b64encode(known.encode()).decode()
            status = await post(posting, path, body, Authorization=f"Basic {basic}")
            return status, (await collector.read(["u"])).get("u", {})
        finally:
            await collector.stop()

    return asyncio.run(session())


def test_a_cdr_that_is_posted_can_be_read() -> None:
    assert collected("/random/json_cdr?uuid=u", b"{}") == (200, {"json_cdr": b"{}"})
    assert collected("/random/xml_cdr?uuid=a_u", b"cdr=%3Ccdr/%3E") == (
        200,
        {"xml_cdr": b"<cdr/>"},
    )


def test_who_knows_neither_path_nor_password_posts_nothing() -> None:
    assert collected("/other/json_cdr?uuid=u", b"{}") == (404, {})
    assert collected("/random/json_cdr?uuid=u", b"{}", "loopback-conformance:x") == (401, {})


def test_a_body_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixtures.switches.cdr_collector.MOST_BYTES", 10)
    assert collected("/random/json_cdr?uuid=u", b"{" + b" " * 20 + b"}") == (413, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", 80555), ("port", 0), ("port", "8055"), ("port", True), ("host", 1), ("password", "")],
)
def test_a_posting_that_cannot_be_is_refused(tmp_path: Path, name: str, value: object) -> None:
    file = tmp_path / "collector.json"
    Posting.new("127.0.0.1", 8055).write(file)
    file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))
    with pytest.raises(SwitchError, match="does not say where CDRs come in"):
        Posting.read(file)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 80555), ("x" * 100, 1), ("no.\0", 1)])
def test_an_address_that_is_none_is_said_at_once(host: str, port: int) -> None:
    async def start() -> None:
        async with asyncio.timeout(30):  # it would listen for ever
            await CdrCollector(Posting(host, port, "random", WORD)).start()

    with pytest.raises(SwitchError, match="no CDRs can come in at"):
        asyncio.run(start())


def test_a_collector_that_was_stopped_can_be_started_again() -> None:
    async def session() -> int:
        posting = Posting("127.0.0.1", free_port(), "random", WORD)
        collector = CdrCollector(posting)
        await collector.start()
        await collector.stop()
        await collector.start()
        await asyncio.sleep(0.3)  # as long as it takes to see that it was stopped
        try:
            return await post(posting, "/other", b"")
        finally:
            await collector.stop()

    assert asyncio.run(session()) == 404


@pytest.mark.parametrize("head", ["GET http://[ HTTP/1.1", "x" * 20_000, "GET / HTTP/1.1"])
def test_what_is_no_post_ends_a_connection_without_a_word_of_ours(
    head: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def session() -> None:
        posting = Posting("127.0.0.1", free_port(), "random", WORD)
        collector = CdrCollector(posting)
        await collector.start()
        reader, writer = await asyncio.open_connection(posting.host, posting.port)
        writer.write(f"{head}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionResetError):
            await reader.read()
        writer.close()
        await collector.stop()

    asyncio.run(session())
    assert not capfd.readouterr().err


def read_from(directory: Path) -> dict[str, dict[str, bytes]]:
    async def read() -> dict[str, dict[str, bytes]]:
        source = CdrDirectory(directory)
        await source.start()
        return await source.read(["u"])

    return asyncio.run(read())


def test_a_cdr_that_may_not_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str) -> bytes | None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("fixtures.switches.cdr_directory.read_file", denied)
    with pytest.raises(SwitchError, match=r"u\.cdr\.(json|xml): Permission denied; let "):
        read_from(tmp_path)


def test_a_cdr_that_is_taken_away_between_two_looks_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever imports them elsewhere comes when they want."""
    (tmp_path / "u.cdr.json").write_bytes(b"{}")
    is_file = Path.is_file

    def taken_then(path: Path) -> bool:
        there = is_file(path)
        if there and path.suffix == ".json":
            path.unlink()
        return there

    monkeypatch.setattr(Path, "is_file", taken_then)
    assert read_from(tmp_path) == {"u": {"json_cdr": b"{}"}}


def test_cdrs_are_read_from_a_directory_with_or_without_a_folder_for_each_module(
    tmp_path: Path,
) -> None:
    async def read(directory: Path) -> dict[str, dict[str, bytes]]:
        source = CdrDirectory(directory)
        await source.start()
        return await source.read(["u", "../u"])

    (tmp_path / "u.cdr.json").write_bytes(b"{}")
    assert asyncio.run(read(tmp_path)) == {"u": {"json_cdr": b"{}"}}
    (tmp_path / "xml_cdr").mkdir()
    (tmp_path / "xml_cdr/u.cdr.xml").write_bytes(b"<cdr/>")
    assert asyncio.run(read(tmp_path)) == {"u": {"xml_cdr": b"<cdr/>"}}


@pytest.mark.parametrize("module", ["json_cdr", "xml_cdr"])
def test_the_directory_of_one_module_is_of_no_other(module: str, tmp_path: Path) -> None:
    """What the other one writes elsewhere is not missed."""
    directory = tmp_path / module
    directory.mkdir()
    source = CdrDirectory(directory)
    asyncio.run(source.start())
    assert source.modules == (module,)


def test_rows_are_read_from_a_directory_from_the_start_on(tmp_path: Path) -> None:
    """Those that are there already are of other people's calls."""
    file = tmp_path / "cdr-csv/Master.csv"
    file.parent.mkdir()
    file.write_bytes(b'"theirs"\n')

    async def read() -> dict[str, dict[str, bytes]]:
        source = CdrDirectory(tmp_path)
        await source.start()
        assert source.modules == ("json_cdr", "xml_cdr", "cdr_csv")
        with file.open("ab") as grown:
            grown.write(b'"ours"\n')
        return await source.read(["theirs", "ours"])

    assert asyncio.run(read()) == {"ours": {"cdr_csv": b'"ours"'}}


def exported_rows() -> dict[str, str]:
    """Give the parameters of mod_cdr_csv that an export has."""
    root = ElementTree.fromstring(_rows())
    assert root.findtext(".//template") == csv_row()
    return {one.attrib["name"]: one.attrib["value"] for one in root.iter("param")}


@pytest.mark.parametrize(
    ("settings", "ours"),
    [
        (exported_rows(), True),
        ({**exported_rows(), "legs": "a"}, False),
        ({**exported_rows(), "default-template": "default"}, False),
        ({}, False),
    ],
)
def test_rows_with_other_columns_or_of_a_legs_alone_are_not_read(
    settings: dict[str, str], ours: bool
) -> None:
    """They would be held against a switch that does as it was told."""
    found = replace(look(), cdr_settings={"cdr_csv": settings})
    assert found.rows_are_ours is ours
    assert found.is_complete("cdr_csv") is ours


@pytest.mark.parametrize(
    ("settings", "read"),
    [
        ({"log-b-leg": "true"}, True),
        ({"log-b-leg": "Yes"}, True),
        ({}, True),  # as the modules take it
        ({"log-b-leg": "false"}, False),
    ],
)
def test_a_module_that_writes_no_b_legs_is_not_read_and_doctor_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: dict[str, str], read: bool
) -> None:
    """Those of a-leg and loopback-b alone would be held against a switch that does as told."""
    told = {"json_cdr": settings, "xml_cdr": {"log-b-leg": "true"}}
    source = CdrDirectory(tmp_path)
    switch = looked_at(monkeypatch, source, told, "mod_json_cdr", "mod_xml_cdr")
    assert switch.cdr_modules() == (("json_cdr", "xml_cdr") if read else ("xml_cdr",))
    rows = rows_of_doctor(switch)
    assert rows["mod_xml_cdr"].state is State.GOOD
    row = rows["mod_json_cdr"]
    assert row.state is (State.GOOD if read else State.GAP)
    assert ("not read" in row.found) is not read
    assert ("log-b-leg to true in json_cdr.conf.xml" in row.mend) is not read


def looked_at(
    monkeypatch: pytest.MonkeyPatch,
    cdrs: CdrSource,
    settings: dict[str, dict[str, str]],
    *modules: str,
) -> RemoteSwitch:
    """Give a switch that says that it has these modules, its CDR modules set so."""
    found = replace(look(), modules=modules, cdr_settings=settings)

    async def told(_: object) -> Survey:
        return found

    monkeypatch.setattr("fixtures.switches.remote.survey", told)
    connected = connected_to(Answers({}))
    switch = RemoteSwitch("esl://there", "there", 8021, WORD, connected, cdrs=cdrs)
    asyncio.run(switch.look())
    return switch


def rows_of_doctor(switch: RemoteSwitch) -> dict[str, Row]:
    """Give what doctor says of the CDRs of a switch."""
    return {row.what: row for row in _cdrs(switch.found, switch)}


@pytest.mark.parametrize(
    ("modules", "settings", "said", "mend"),
    [
        (["mod_json_cdr"], {}, "not loaded", "export-config"),
        (["mod_cdr_csv"], {"default-template": "default"}, "another template", "export-config"),
        (["mod_cdr_csv"], {**exported_rows(), "legs": "a"}, "some legs only", "legs to ab"),
        (["mod_cdr_csv"], exported_rows(), "no cdr-csv/Master.csv", "--cdrs"),
    ],
)
def test_doctor_says_what_keeps_rows_from_being_read_and_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch,
    modules: list[str],
    settings: dict[str, str],
    said: str,
    mend: str,
) -> None:
    switch = looked_at(monkeypatch, NoCdrs(), {"cdr_csv": settings}, *modules)
    row = rows_of_doctor(switch)["mod_cdr_csv"]
    assert row.state is State.GAP
    assert said in row.found
    assert mend in row.mend
    assert "compared" in row.costs


def test_doctor_finds_rows_where_they_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It looks into the directory of --cdrs, as a run does."""
    (tmp_path / "cdr-csv").mkdir()
    (tmp_path / "cdr-csv/Master.csv").write_bytes(b"")
    source = CdrDirectory(tmp_path)
    switch = looked_at(monkeypatch, source, {"cdr_csv": exported_rows()}, "mod_cdr_csv")
    assert rows_of_doctor(switch)["mod_cdr_csv"].state is State.GOOD
    assert "cdr_csv" in source.modules
