"""How to place a scenario by hand: what to set, what to paste into the dialplan and into fs_cli."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from conformance.dialplan import extensions
from conformance.dialstring import command_of, originate_arguments, token_of
from conformance.scenario import Scenario

UUID = "00000000-0000-4000-8000-000000000001"
"""Of the leg that is originated."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What it takes to place a scenario.

    `settings` is "" for those of a switch without a `loopback.conf`, `extensions` are (context, XML
    on one line), `originate` is a command for fs_cli, `stimuli` tell what is done to the call then.
    """

    settings: str
    extensions: tuple[tuple[str, str], ...]
    originate: str
    stimuli: tuple[str, ...]


def recipe(scenario: Scenario) -> Recipe:
    """How to place a scenario by hand."""
    token = token_of(scenario, 1)
    return Recipe(
        settings=str(scenario.profile) if scenario.profile.changed() else "",
        extensions=tuple(extensions(scenario)),
        originate=f"originate {originate_arguments(scenario, token, UUID)}",
        stimuli=tuple(
            f"{one.at.delay_ms} ms after {one.at.event} of {one.at.leg}: "
            f"{command_of(one.deed, f'<uuid of {one.deed.leg}>', token)}"
            for one in scenario.all_stimuli()
        ),
    )


def indented(xml: str) -> str:
    """An extension over several lines, as a dialplan has it."""
    extension = ElementTree.fromstring(xml)
    ElementTree.indent(extension)
    return ElementTree.tostring(extension, encoding="unicode")
