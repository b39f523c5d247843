"""Calls on the embedded switch: what it tells of them, and how a fault changes that."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from campaign.session import Plan, run
from conformance.cdr_modules import CSV_COLUMNS
from conformance.clauses import CLAUSES
from conformance.profile import Profile
from fixtures.cdrs import parse_csv_row, parse_json_cdr, parse_xml_cdr
from fixtures.configuration import render, render_dialplan
from fixtures.embedded import commands, faults
from fixtures.embedded.clock import EPOCH, Steps
from fixtures.embedded.events import Event
from fixtures.embedded.faults import FAULTS
from fixtures.embedded.switch import Switch
from fixtures.event_socket import connect
from fixtures.switches import UsageError, open_switch
from fixtures.switches.csv_rows import CsvRows
from fixtures.switches.embedded import EmbeddedSwitch
from tests.fake_switch import CONTROL

EXTENSION = (
    '<extension name="{0}"><condition field="destination_number" expression="^{0}$">{1}'
    "</condition></extension>"
)
SECOND = 1_000_000


@dataclass
class Told:
    """All that a switch tells."""

    events: list[Event] = field(default_factory=list)

    def wants(self, name: str, subclass: str) -> bool:
        return True

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def of(self, name: str, channel: str = "") -> list[Event]:
        return [
            one
            for one in self.events
            if one.name == name and channel in str(one.headers.get("Channel-Name", ""))
        ]

    def at(self, name: str, channel: str) -> float:
        """Seconds from the epoch to the first such event."""
        first = self.of(name, channel)[0]
        return (int(str(first.headers["Event-Date-Timestamp"])) - EPOCH) / SECOND


class Rig:
    """A switch in this process, with a dialplan of its own."""

    def __init__(
        self, root: Path, plans: dict[str, str], *active: str, profile: Profile | None = None
    ) -> None:
        tree = render(profile or Profile(), password="x", port=1, cdr_dir=str(root / "cdr"))
        found = [EXTENSION.format(number, plan) for number, plan in plans.items()]
        tree["dialplan/scenarios.xml"] = "".join(render_dialplan([{"default": found}]))
        for name, text in tree.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        self.root = root
        self.switch = Switch(root, 1, frozenset(active))
        self.told = Told()
        self.switch.audience = self.told
        self.replies: list[str] = []

    def originate(self, arguments: str) -> None:
        def run() -> Steps[None]:
            self.replies.append((yield from commands.run(self.switch, f"originate {arguments}")))

        self.switch.clock.spawn(run())

    def api(self, command: str) -> str:
        return commands.call(self.switch, command)

    def run(self, seconds: float) -> None:
        self.switch.clock.run_until(self.switch.clock.now + round(seconds * SECOND))


def action(application: str, data: str = "") -> str:
    return f'<action application="{application}" data="{data}"/>'


BRIDGE = {"1": action("bridge", "null/b1")}


def bridged(root: Path, *active: str, variables: str = "", plans: dict[str, str] = BRIDGE) -> Rig:
    rig = Rig(root, plans, *active)
    rig.originate(f"{{origination_uuid=a}}null/caller &bridge({variables}loopback/1/default)")
    return rig


def test_a_bridged_pair_bows_out_after_two_seconds(tmp_path: Path) -> None:
    rig = bridged(tmp_path)
    rig.run(1.9)
    assert len(rig.switch.channels) == 4
    rig.run(0.3)
    assert [channel.name for channel in rig.switch.channels.values()] == ["null/caller", "null/b1"]
    told = rig.told
    assert told.at("CHANNEL_HANGUP", "loopback/1-a") == pytest.approx(2.0, abs=0.03)
    assert [one.headers["Hangup-Cause"] for one in told.of("CHANNEL_HANGUP")] == [
        "NORMAL_CLEARING",
        "NORMAL_CLEARING",
    ]
    assert told.of("CHANNEL_BRIDGE", "null/caller")[-1].headers["Bridge-A-Unique-ID"] == "a"
    assert rig.replies == ["+OK a\n"]


def test_a_refusal_is_looked_up_frame_by_frame(tmp_path: Path) -> None:
    rig = bridged(tmp_path, variables="{loopback_bowout=false}")
    rig.run(5)
    assert len(rig.switch.channels) == 4
    a = rig.told.of("CHANNEL_CREATE", "loopback/1-a")[0].headers["Unique-ID"]
    b = rig.told.of("CHANNEL_CREATE", "loopback/1-b")[0].headers["Unique-ID"]
    for uuid in (a, b):
        assert rig.api(f"uuid_setvar {uuid} loopback_bowout true") == "+OK\n"
    rig.run(0.1)
    assert len(rig.switch.channels) == 2


def test_a_chain_leaves_together(tmp_path: Path) -> None:
    plans = {"1": action("bridge", "loopback/2"), "2": action("bridge", "null/b1")}
    rig = bridged(tmp_path, plans=plans)
    rig.run(1.9)
    assert len(rig.switch.channels) == 6
    rig.run(0.3)
    assert len(rig.switch.channels) == 2


def test_unloop_hands_over(tmp_path: Path) -> None:
    rig = bridged(tmp_path, plans={"1": action("unloop") + action("answer") + action("park")})
    rig.run(5)
    assert not [one for one in rig.told.of("CUSTOM") if one.subclass == "loopback::bowout"]
    rig.run(1)
    (event,) = [one for one in rig.told.of("CUSTOM") if one.subclass == "loopback::bowout"]
    assert event.headers["Acquired-UUID"] == "a"
    executed = [one.headers["Application"] for one in rig.told.of("CHANNEL_EXECUTE", "null/caller")]
    assert executed == ["bridge", "unloop", "answer", "park"]
    assert rig.told.of("CHANNEL_HANGUP", "-a")[0].headers["Hangup-Cause"] == "ORIGINATOR_CANCEL"


def test_a_refused_bridge(tmp_path: Path) -> None:
    plans = {"1": action("bridge", "{null_hangup_cause=USER_BUSY}null/b1") + action("answer")}
    rig = bridged(tmp_path, plans=plans)
    rig.run(1)
    causes = {str(one.headers["Hangup-Cause"]) for one in rig.told.of("CHANNEL_HANGUP")}
    assert causes == {"USER_BUSY"}
    assert not rig.switch.channels
    assert not rig.told.of("CHANNEL_CREATE", "null/b1")


def test_an_unknown_extension(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {})
    rig.originate("loopback/nobody/default &park")
    rig.run(1)
    assert rig.replies == ["-ERR NO_ROUTE_DESTINATION\n"]


def test_variables_reach_whom_they_are_for(tmp_path: Path) -> None:
    rig = Rig(tmp_path, BRIDGE)
    a_leg = "{export_vars=e,e=5,origination_uuid=a}null/caller"
    rig.originate(f"{a_leg} &bridge({{v=1,loopback_export='max_forwards'}}[v=2]loopback/1)")
    rig.run(0.5)
    legs = {channel.name: channel for channel in rig.switch.channels.values()}
    a, b, far = legs["loopback/1-a"], legs["loopback/1-b"], legs["null/b1"]
    assert (a.get("v"), b.get("v"), far.get("v")) == ("1", "2", None)
    assert (a.get("e"), b.get("e"), far.get("e")) == ("5", "5", "5")
    assert b.get("max_forwards") == "70"
    assert b.get("other_loopback_leg_uuid") == a.uuid
    assert b.get("other_loopback_from_uuid") == a.get("loopback_from_uuid") == "a"


def test_inline_and_application_targets(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {})
    rig.originate("loopback/answer\\\\,sleep:100/default/inline &park")
    rig.originate("loopback/app=sleep:200 &park")
    rig.run(1)
    executed = [
        (one.headers["Application"], one.headers.get("Application-Data"))
        for one in rig.told.of("CHANNEL_EXECUTE", "-b")
    ]
    assert sorted(executed, key=str) == [
        ("answer", None),
        ("pre_answer", None),
        ("sleep", "100"),
        ("sleep", "200"),
    ]


def test_cdrs_of_every_leg(tmp_path: Path) -> None:
    rig = bridged(tmp_path, variables="[odd=100%25&<ä>]")
    rig.run(3)
    rig.api("uuid_kill a USER_BUSY")
    rig.run(1)
    uuids = [str(one.headers["Unique-ID"]) for one in rig.told.of("CHANNEL_HANGUP_COMPLETE")]
    assert len(uuids) == 4
    rows = CsvRows(tmp_path / "cdr/cdr-csv/Master.csv").read(uuids)
    for uuid in uuids:
        one = parse_json_cdr((tmp_path / f"cdr/json_cdr/{uuid}.cdr.json").read_bytes())
        two = parse_xml_cdr((tmp_path / f"cdr/xml_cdr/{uuid}.cdr.xml").read_bytes())
        for cdr in (one, two):
            assert cdr["variables.uuid"] == uuid
        row = parse_csv_row(rows[uuid])
        assert all(row.get(path, "") == one.get(path, "") for path in CSV_COLUMNS)
        if one["variables.channel_name"].startswith("loopback/"):
            assert one["variables.is_loopback"] == two["variables.is_loopback"] == "1"
            assert one["variables.billsec"] == "2"


def test_settings_of_the_endpoint(tmp_path: Path) -> None:
    profile = Profile(
        fire_bowout_on_bridge=True, bowout_controlled_hangup=True, bowout_hangup_cause="USER_BUSY"
    )
    rig = Rig(tmp_path, BRIDGE, profile=profile)
    rig.originate("null/caller &bridge(loopback/1/default)")
    rig.run(3)
    assert [one.subclass for one in rig.told.of("CUSTOM")] == ["loopback::direct"] * 2
    causes = {str(one.headers["Hangup-Cause"]) for one in rig.told.of("CHANNEL_HANGUP", "loopback")}
    assert causes == {"USER_BUSY"}


def test_the_same_input_gives_the_same_events(tmp_path: Path) -> None:
    runs = []
    for name in ("one", "two"):
        rig = bridged(tmp_path / name)
        rig.run(3)
        runs.append([one.as_json for one in rig.told.events])
    assert runs[0] == runs[1]


# --- faults --------------------------------------------------------------------------------------


def test_every_fault_names_clauses_that_there_are() -> None:
    assert len(FAULTS) >= 45
    for name, fault in FAULTS.items():
        assert name == fault.name == fault.name.lower()
        assert fault.wrong.endswith(".")
        assert fault.source
        assert set(fault.clauses) <= set(CLAUSES)


@pytest.mark.parametrize(
    ("fault", "low", "high"),
    [
        (faults.BOWOUT_ON_FIRST_FRAME, 0.0, 0.1),
        (faults.ONE_SECOND, 0.9, 1.1),
        (faults.THREE_SECONDS, 2.9, 3.1),
    ],
)
def test_faults_of_the_counter(tmp_path: Path, fault: str, low: float, high: float) -> None:
    rig = bridged(tmp_path, fault)
    rig.run(4)
    assert low <= rig.told.at("CHANNEL_HANGUP", "loopback/1-a") <= high


def test_faults_of_names_and_marks(tmp_path: Path) -> None:
    swapped = bridged(tmp_path / "swapped", faults.LEGS_SWAPPED)
    swapped.run(1)
    created = swapped.told.of("CHANNEL_CREATE", "loopback/1-a")[0]
    assert created.headers["variable_loopback_leg"] == "B"
    missing = bridged(tmp_path / "missing", faults.PEER_UUID_MISSING)
    missing.run(1)
    created = missing.told.of("CHANNEL_CREATE", "loopback/1-a")[0]
    assert "variable_other_loopback_leg_uuid" not in created.headers


def test_a_fault_of_the_legs_end(tmp_path: Path) -> None:
    rig = bridged(tmp_path, faults.LEAKED_LEG)
    rig.run(3)
    assert len(rig.switch.channels) == 4


# --- the driver ----------------------------------------------------------------------------------


def test_urls() -> None:
    switch = open_switch(f"embedded:?fault={faults.THREE_SECONDS}&seed=7")
    assert isinstance(switch, EmbeddedSwitch)
    assert switch.clock.event == "embedded::clock"
    for url in ("embedded:?fault=none", "embedded:?colour=red", "embedded:?seed=x", "embedded:/x"):
        with pytest.raises(UsageError):
            open_switch(url)


def test_the_driver_and_its_clock() -> None:
    async def inside() -> None:
        switch = EmbeddedSwitch("embedded:", connect)
        assert not switch.alive()
        await switch.start(Profile())
        try:
            began = switch.clock.now()
            connection = await switch.connect()
            plan = EXTENSION.format("1", action("answer") + action("park"))
            await switch.write_dialplan("one", {"default": [plan]})
            assert (await connection.api("reloadxml")).startswith("+OK")
            await connection.subscribe(["CHANNEL_HANGUP_COMPLETE"])
            answer = await connection.api("originate {origination_uuid=u}loopback/1 &park")
            assert answer.strip() == "+OK u"
            before = switch.clock.now()
            await switch.clock.sleep(3.25)
            assert switch.clock.now() - before == pytest.approx(3.25)
            await connection.api("uuid_kill u")
            ended = {str((await connection.next_event(5))["Unique-ID"]) for _ in range(2)}
            cdrs = await switch.read_cdrs(sorted(ended))
            assert {uuid: set(files) for uuid, files in cdrs.items()} == {
                uuid: {"json_cdr", "xml_cdr", "cdr_csv"} for uuid in ended
            }
            assert switch.directory is not None
            written = [*(switch.directory / "cdr").rglob("u*")]
            assert written == [], "what was read stays no longer: a long run would fill the disk"
            assert "mod_loopback" in (await switch.identity()).modules
            assert switch.clock.now() > began
            await connection.close()
        finally:
            await switch.stop()
        assert not switch.alive()
        await switch.stop()

    asyncio.run(inside())


def test_a_run_leaves_the_cdrs_of_its_calls_alone() -> None:
    """Control calls write none: nobody would read them, and they would pile up."""
    switch = EmbeddedSwitch("embedded:", connect, keep=True)
    done = asyncio.run(run(switch, Plan(scenarios=5, seed=1)))
    assert switch.directory is not None
    try:
        rows = (switch.directory / "cdr/cdr-csv/Master.csv").read_text()
    finally:
        shutil.rmtree(switch.directory)
    assert done.result.scenarios == 5
    assert rows
    assert CONTROL not in rows


def sums(root: Path, *active: str) -> float:
    """When the pair bows out whose loopback-b bridges twice."""
    plans = {"1": action("bridge", "null/b1") + action("bridge", "null/b2")}
    rig = bridged(root, *active, plans=plans)
    rig.run(0.7)
    far = str(rig.told.of("CHANNEL_CREATE", "null/b1")[0].headers["Unique-ID"])
    rig.api(f"uuid_kill {far}")
    rig.run(4)
    return rig.told.at("CHANNEL_HANGUP", "loopback/1-a")


def test_the_counter_sums_over_bridges(tmp_path: Path) -> None:
    assert sums(tmp_path / "right") == pytest.approx(2.0, abs=0.05)
    assert sums(tmp_path / "wrong", faults.COUNTER_RESTARTS) == pytest.approx(2.7, abs=0.05)
