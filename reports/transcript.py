"""What the Event Socket and the CDR modules told of one attempt, as text to read or to search."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.dialstring import originate_arguments
from conformance.observation import Headers, observe
from conformance.scenario import Scenario
from reports.content import Example
from reports.diagram import printable


def transcript(example: Example) -> str:
    """The command, its reply, each stimulus and each event with all headers, a header a line.

    Events are in the order of Event-Sequence and parted by empty lines; "" without a placement.
    What the switch sent is shown without its control characters.
    """
    placement = example.placement
    if placement is None:
        return ""
    asked = originate_arguments(example.scenario, placement.token, placement.a_leg_uuid)
    lines = [f"originate {asked}", placement.reply, *_stimuli(example), ""]
    for headers in placement.events:
        lines += [*_headers(headers), ""]
    return "\n".join(map(printable, lines))


def _stimuli(example: Example) -> Iterator[str]:
    stimuli = example.scenario.all_stimuli()
    for applied in example.placement.applied if example.placement else ():
        one = stimuli[applied.index]
        when = "never" if applied.at is None else f"at {applied.at}"
        yield f"{one.deed.kind} {one.deed.leg}, carried out {when}: {applied.reply}"


def _headers(headers: Headers) -> Iterator[str]:
    for name, value in headers.items():
        for one in value if isinstance(value, list) else [value]:
            yield f"{name}: {one}"


def cdrs(example: Example) -> str:
    """The CDRs as JSON in ASCII, by leg (uuid of one without a role), module, field; "" if none."""
    placement, scenario = example.placement, example.scenario
    if placement is None or not placement.cdrs:
        return ""
    roles = observe(scenario, placement).roles
    found = {
        roles.get(uuid, uuid): {module: dict(cdr) for module, cdr in modules.items()}
        for uuid, modules in placement.cdrs.items()
    }
    return json.dumps(found, indent=1) + "\n"


def scenario_json(scenario: Scenario) -> str:
    """The scenario as JSON in ASCII, to be read again."""
    return json.dumps(scenario.to_json(), indent=1) + "\n"
