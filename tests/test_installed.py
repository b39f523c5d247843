"""The extension that is installed on a switch which is not ours: it runs the very plan that was put
into mod_hash, and no call of ours comes to an extension that is not ours."""

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from conformance.dialplan import Extension, planned
from conformance.dialstring import ENTRY, token_of
from fixtures.switches import installed
from strategies import stream

INSTALLED = ElementTree.fromstring(f"<c>{installed.render_extensions('default')}</c>")
TOKEN = "lc0123456789abx1"


def hunt(plans: dict[str, str], caller: str, dialled: str) -> list[tuple[str, str]] | None:
    """What mod_dialplan_xml makes of the installed extensions; None where a call passes them."""
    actions: list[tuple[str, str]] = []
    fields = {"caller_id_number": caller, "destination_number": dialled}
    for extension in INSTALLED:
        matched = False
        for condition in extension:
            name, expression = condition.attrib["field"], condition.attrib["expression"]
            text = fields[name] if name in fields else plan_read(name, plans, fields)
            found = re.search(expression, text)
            matched = found is not None
            if found:
                actions += [(node.attrib["application"], found[1]) for node in condition]
            elif condition.get("break") != "never":
                break
        if matched:
            return actions
    return None


def plan_read(template: str, plans: dict[str, str], fields: dict[str, str]) -> str:
    """The field of a condition that reads mod_hash."""
    key = re.fullmatch(
        rf"\$\{{url_decode\(\$\{{hash\(select/{installed.NAME}/(.*)\)\}}\)\}}", template
    )
    assert key is not None
    text = key[1].replace("${caller_id_number:0:14}", fields["caller_id_number"][:14])
    start = len(ENTRY) + 1
    entered = fields["destination_number"][start : start + 14]
    text = text.replace(f"${{destination_number:{start}:14}}", entered)
    called = Extension("default", fields["destination_number"], ())
    digest = installed.key(called, TOKEN).rpartition("-")[2]
    return unquote(plans.get(text.replace("${md5(${destination_number})}", digest), ""))


def in_default() -> Iterator[tuple[str, Extension]]:
    """Extensions of scenarios, with the token by which they are called."""
    for scenario in islice(stream(5, None), 150):
        for one in planned(scenario):
            yield (
                token_of(scenario, 3),
                Extension("default", one.number, one.actions),
            )


def test_a_plan_is_run_as_it_was_put_in() -> None:
    for token, extension in in_default():
        plans = {installed.key(extension, token): installed.value(extension)}
        dialled = f"{ENTRY}-{token}" if extension.number is None else extension.number
        assert hunt(plans, token, dialled) == list(extension.actions)


def test_every_plan_that_is_made_up_can_be_run() -> None:
    assert all(installed.can_run(extension) for _, extension in in_default())


def test_a_call_of_ours_without_a_plan_ends_there() -> None:
    assert hunt({}, TOKEN, "1000") == []
    assert hunt({}, "", f"{ENTRY}-{TOKEN}") == []


@pytest.mark.parametrize("caller", ["1000", "", f"{TOKEN}9a", f"x{TOKEN}"])
def test_calls_of_other_people_pass(caller: str) -> None:
    assert hunt({}, caller, "1000") is None


def test_plans_are_kept_apart_by_caller_and_number() -> None:
    one, two = (Extension("default", number, (("answer", ""),)) for number in ("1", "2"))
    keys = {installed.key(one, TOKEN), installed.key(two, TOKEN), installed.key(one, "lcba")}
    assert len(keys) == 3
    assert installed.key(one, TOKEN) == installed.key(one, TOKEN[:-1] + "777")
