"""What every driver has to do with a real FreeSWITCH behind it, whichever way it is reached."""

import asyncio
from collections.abc import Callable

import pytest

from conformance.profile import Profile
from fixtures.cdrs import parse_csv_row, parse_json_cdr, parse_xml_cdr
from fixtures.configuration import MODULES
from fixtures.event_socket import EventSocket, WrongPassword, connect
from fixtures.switches import SwitchError
from fixtures.switches.private import PrivateSwitch

Open = Callable[[tuple[str, ...]], PrivateSwitch]
"""Prepares a switch that loads these modules."""

ANSWER = (
    '<extension name="answer"><condition field="destination_number" expression="^{}$">'
    '<action application="answer"/><action application="park"/></condition></extension>'
)


def without(*modules: str) -> tuple[str, ...]:
    return tuple(module for module in MODULES if module not in modules)


async def place(connection: EventSocket, uuid: str, target: str) -> str:
    answer = await connection.api(f"originate {{origination_uuid={uuid}}}{target} &park")
    return answer.strip()


async def check_a_run(open_switch: Open) -> None:
    """From the start to a clean end, with calls, dialplan, CDRs and identity between."""
    switch = open_switch(MODULES)
    assert not switch.alive()
    profile = Profile(bowout_hangup_cause="USER_BUSY", global_variables=(("a", "x & <y>"),))
    await switch.start(profile)
    try:
        assert switch.alive()
        connection = await switch.connect()
        await _check_profile(connection, switch)
        await _check_dialplan(connection, switch)
        await _check_cdrs(connection, switch)
        await _check_wrong_password(switch)
        await connection.close()
    finally:
        await switch.stop()
    assert not switch.alive()
    await switch.stop()


async def _check_profile(connection: EventSocket, switch: PrivateSwitch) -> None:
    assert await connection.api("global_getvar a") == "x & <y>"
    found = await connection.api("xml_locate configuration configuration name loopback.conf")
    assert 'name="bowout-hangup-cause" value="USER_BUSY"' in found
    identity = await switch.identity()
    assert identity.url == switch.url
    assert identity.version.startswith("FreeSWITCH Version")
    assert set(MODULES) <= set(identity.modules)
    assert len(identity.mod_loopback_sha256) == 64


async def _check_dialplan(connection: EventSocket, switch: PrivateSwitch) -> None:
    await switch.write_dialplan("one", {"default": [ANSWER.format("1")]})
    await switch.write_dialplan(
        "two", {"Default": [ANSWER.format("2")], "a&b": [ANSWER.format("3")]}
    )
    assert "NO_ROUTE" in await place(connection, "early", "loopback/1/default")  # not read yet
    assert (await connection.api("reloadxml")).startswith("+OK")
    for number, context in (("1", "default"), ("2", "DEFAULT"), ("3", "a&b")):
        assert await place(connection, f"x{number}", f"loopback/{number}/{context}") == (
            f"+OK x{number}"
        )
    await switch.remove_dialplan("one")
    await connection.api("reloadxml")
    assert "NO_ROUTE" in await place(connection, "gone", "loopback/1/default")


async def _check_cdrs(connection: EventSocket, switch: PrivateSwitch) -> None:
    await connection.subscribe(["CHANNEL_HANGUP_COMPLETE"])
    await connection.api("uuid_kill x1 USER_BUSY")
    ended: set[str] = set()
    while len(ended) < 2:  # legs of the call before may end as late
        event = await connection.next_event(10)
        if event["Hangup-Cause"] == "USER_BUSY":
            ended.add(str(event["Unique-ID"]))
    assert "x1" in ended
    cdrs = await switch.read_cdrs([*ended, "never"])
    assert set(cdrs) == ended
    for uuid, files in cdrs.items():
        assert set(files) == set(switch.cdr_modules()) == {"json_cdr", "xml_cdr", "cdr_csv"}
        for cdr in (
            parse_json_cdr(files["json_cdr"]),
            parse_xml_cdr(files["xml_cdr"]),
            parse_csv_row(files["cdr_csv"]),
        ):
            assert cdr["variables.uuid"] == uuid
            assert cdr["variables.hangup_cause"] == "USER_BUSY"


async def _check_wrong_password(switch: PrivateSwitch) -> None:
    with pytest.raises(WrongPassword):
        await connect(*switch._address(), "not the password")


async def check_only_the_first_context_of_a_name_is_searched(open_switch: Open) -> None:
    """Why the dialplan is one file with one element a context; and case does not matter."""
    switch = open_switch(MODULES)
    await switch.start(Profile())
    try:
        twice = "".join(
            f'<context name="{name}">{ANSWER.format(number)}</context>'
            for name, number in (("twice", 1), ("TWICE", 2))
        )
        await switch._write_file("dialplan/by_hand.xml", twice)
        connection = await switch.connect()
        await connection.api("reloadxml")
        assert (await place(connection, "u1", "loopback/1/TWICE")).startswith("+OK")
        assert "NO_ROUTE" in await place(connection, "u2", "loopback/2/TWICE")
        await connection.close()
    finally:
        await switch.stop()


async def check_a_switch_without_mod_loopback(open_switch: Open) -> None:
    """It cannot be tested, and says so at the start."""
    switch = open_switch(without("mod_loopback"))
    with pytest.raises(SwitchError, match="did not load mod_loopback; ") as caught:
        await switch.start(Profile())
    assert len(str(caught.value).splitlines()) == 1
    assert not switch.alive()


async def check_a_switch_without_cdr_modules(open_switch: Open) -> None:
    """It can be tested, but for its CDRs."""
    switch = open_switch(without("mod_json_cdr", "mod_xml_cdr", "mod_cdr_csv"))
    await switch.start(Profile())
    try:
        with pytest.raises(
            SwitchError, match="did not load mod_json_cdr, mod_xml_cdr or mod_cdr_csv; "
        ):
            await switch.read_cdrs(["u"])
    finally:
        await switch.stop()


async def check_a_restart(open_switch: Open) -> None:
    """Another profile, another password, no dialplan of the run before."""
    switch = open_switch(MODULES)
    try:
        await switch.start(Profile())
        await switch.write_dialplan("one", {"default": [ANSWER.format("1")]})
        before = switch._password
        await switch.start(Profile(bowout_controlled_hangup=True))
        assert switch._password != before
        connection = await switch.connect()
        found = await connection.api("xml_locate configuration configuration name loopback.conf")
        assert 'name="bowout-controlled-hangup" value="true"' in found
        assert "NO_ROUTE" in await place(connection, "u", "loopback/1/default")
        await connection.close()
    finally:
        await switch.stop()


CHECKS = (
    check_a_run,
    check_only_the_first_context_of_a_name_is_searched,
    check_a_switch_without_mod_loopback,
    check_a_switch_without_cdr_modules,
    check_a_restart,
)


def run_check(check: Callable[[Open], object], open_switch: Open) -> None:
    """Run one of `CHECKS`."""
    asyncio.run(check(open_switch))  # type: ignore[arg-type]
