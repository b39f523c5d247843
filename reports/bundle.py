"""A bundle: everything that a developer of the switch needs to see a finding and to place it again.

The files of a folder, and the same folder as a .zip: equal for equal findings, byte by byte. What a
switch sent is spelled in ASCII, or shown without what could steer a terminal.
"""

from __future__ import annotations

import io
import json
import math
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from conformance.clauses import CLAUSES, Clause
from conformance.comparison import Comparison, compare
from conformance.dialplan import extensions
from conformance.dialstring import command_of, originate_arguments
from conformance.facts import describe
from conformance.judge import spell, spell_allowed
from conformance.observation import Observation, Placement
from conformance.scenario import Scenario
from reports.content import Example, Report
from reports.diagram import diagram, printable

README = "README.txt"

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a .zip can hold: that of every file in one."""

_REPLAY = "loopback-conformance replay {name} --switch process:///usr/bin/freeswitch"

_ANSWERS = """\
  fixed               exit status 0: no attempt shows it, nor anything else
  still differs       exit status 1: every attempt shows it
  differs otherwise   exit status 1: it is gone, and every attempt shows something else
  not decided         exit status 3: attempts disagree, the clause was not exercised, or the host
                      could not keep time
"""

_BY_HAND = """\
  1. put loopback.conf.xml into autoload_configs/, and dialplan.xml into what the switch reads as
     its dialplan
  2. fs_cli> reloadxml
  3. enter the lines of fs_cli.txt, the later ones when they are due
"""

FILES: Mapping[str, str] = {
    README: "this",
    "example.json": "the scenario and the finding; `replay` and a corpus read it",
    "fs_cli.txt": "what to enter to place the call by hand",
    "dialplan.xml": "the extensions that it runs",
    "loopback.conf.xml": "the endpoint's settings",
    "transcript.txt": "what was sent over the Event Socket and what was told, values URL-encoded",
    "cdrs/": "the CDR of each leg, by module",
    "expectation.txt": "what the model says of the call, fact by fact",
    "observation.txt": "the same as it was; `diff expectation.txt observation.txt` is the finding",
    "timeline.txt": "the legs side by side, over time",
}
"""What each file of a bundle holds."""


def bundle_name(clause: str, scenario: Scenario) -> str:
    """Name of the folder, a different one for each finding."""
    return f"{clause}-{scenario.id}"


def bundle_files(
    report: Report, clause: str, *, example: str, loopback_conf: str
) -> Mapping[str, bytes]:
    """Each file by its path in the bundle, for the example of a clause.

    `example` is the scenario as it is kept, `loopback_conf` the endpoint's configuration under its
    profile. Raises ValueError where the report has no placement to tell of.
    """
    shown = report.examples[clause]
    placement = shown.placement
    if placement is None:
        raise ValueError(f"no placement of {clause} was kept")
    compared = compare(shown.scenario, placement)
    seen = compared.seen
    texts = {
        README: _readme(report, CLAUSES[clause], shown),
        "example.json": example,
        "fs_cli.txt": _by_hand(shown.scenario, placement),
        "dialplan.xml": _dialplan(shown.scenario),
        "loopback.conf.xml": loopback_conf,
        "transcript.txt": _transcript(seen),
        "expectation.txt": _facts(clause, compared, expected=True),
        "observation.txt": _facts(clause, compared, expected=False),
        "timeline.txt": f"{diagram(seen)}\n",
        **_cdrs(seen),
    }
    return {path: text.encode(errors="backslashreplace") for path, text in texts.items()}


def archive(folder: str, files: Mapping[str, bytes]) -> bytes:
    """The files as a .zip that unpacks into a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for path in sorted(files):
            member = zipfile.ZipInfo(f"{folder}/{path}", _EPOCH)
            member.create_system = 3  # whatever wrote it: permissions are Unix's
            member.external_attr = 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(member, files[path])
    return buffer.getvalue()


# --- what a person reads first -------------------------------------------------------------------


def _readme(report: Report, clause: Clause, shown: Example) -> str:
    subject = report.subject
    how = "reduced on the switch to the simplest call that shows it" if shown.minimised else ""
    identity = subject.image_digest or subject.loopback_sha256
    lines = [
        f"{clause.name} ({clause.level})",
        clause.statement,
        f"source: {clause.source}",
        *([f"FreeSWITCH does so since {clause.since}"] if clause.since else []),
        "",
        "What differs" + (f" ({how}):" if how else ":"),
        *(f"  - {printable(finding.sentence)}" for finding in shown.findings),
        "",
        f"switch    {printable(subject.url)}",
        f"version   {printable(subject.version)}",
        *([f"digest    {printable(identity)}"] if identity else []),
        f"settings  {printable(str(shown.scenario.profile))}",
        f"seed      {report.seed}, suite {printable(report.suite_version)}",
        "",
        "To place it again on any switch, from the folder that holds this one:",
        "",
        f"  {_REPLAY.format(name=bundle_name(clause.name, shown.scenario))}",
        "",
        _ANSWERS,
        "To place it by hand:",
        "",
        _BY_HAND,
        "Files:",
        "",
        *(f"  {name:<18}  {words}" for name, words in FILES.items()),
    ]
    return "\n".join(lines) + "\n"


def _facts(clause: str, comparison: Comparison, *, expected: bool) -> str:
    """A line for each fact, those of the clause first; `!` marks what differs."""
    compared = comparison.compared
    lateness = comparison.seen.placement.lateness
    lines = []
    for one in sorted(compared, key=lambda one: (one.claim.clause != clause, one.holds)):
        # a legal choice is no difference
        differs = expected and not one.holds
        value = spell_allowed(one.claim.allowed, lateness) if differs else spell(one.got)
        mark = " " if one.holds else "!"
        lines.append(printable(f"{mark} {one.claim.clause}: {describe(one.claim.fact)}: {value}"))
    return "\n".join(lines) + "\n"


# --- placing it by hand --------------------------------------------------------------------------


def _by_hand(scenario: Scenario, placement: Placement) -> str:
    lines = [f"global_setvar {name}={value}" for name, value in scenario.profile.global_variables]
    arguments = originate_arguments(scenario, placement.token, placement.a_leg_uuid)
    lines.append(f"originate {arguments}")
    for stimulus in scenario.all_stimuli():
        at = stimulus.at
        lines.append(f"# {at.delay_ms} ms after {at.event} of {at.leg}:")
        leg = stimulus.deed.leg
        known = leg == "a-leg" and scenario.has_a_leg
        uuid = placement.a_leg_uuid if known else f"<uuid of {leg}>"
        lines.append(command_of(stimulus.deed, uuid, placement.token))
    return "\n".join(map(_without_controls, lines)) + "\n"


def _without_controls(text: str) -> str:
    """What a terminal takes for text alone; whatever else a call is made of stays as it is."""
    return "".join("?" if unicodedata.category(one) == "Cc" else one for one in text)


def _dialplan(scenario: Scenario) -> str:
    contexts: dict[str, list[str]] = {}
    for context, extension in extensions(scenario):
        contexts.setdefault(context, []).append(extension)
    lines = ["<include>"]
    for context, found in contexts.items():
        lines += [f"  <context name={quoteattr(context)}>", *found, "  </context>"]
    return "\n".join([*lines, "</include>"]) + "\n"


# --- what was sent and told ----------------------------------------------------------------------


def _transcript(seen: Observation) -> str:
    """Commands with their answers, and every event with every header, in the switch's order."""
    scenario, placement = seen.scenario, seen.placement
    arguments = originate_arguments(scenario, placement.token, placement.a_leg_uuid)
    parts = [_exchange(f"originate {arguments}", placement.reply)]
    stimuli = scenario.all_stimuli()
    due = []
    for one in placement.applied:
        stimulus = stimuli[one.index]
        uuid = seen.uuids.get(stimulus.deed.leg, f"<uuid of {stimulus.deed.leg}>")
        reply = one.reply if one.at is not None else f"never carried out: {one.reply}"
        due.append(
            (one.at or math.inf, _exchange(command_of(stimulus.deed, uuid, placement.token), reply))
        )
    due.sort()
    for event in seen.events:
        while due and due[0][0] < event.at:
            parts.append(due.pop(0)[1])
        parts.append("\n".join(_headers(event.headers)))
    return "\n\n".join([*parts, *(exchange for _, exchange in due)]) + "\n"


def _exchange(command: str, reply: str) -> str:
    return f">>> bgapi {_spelled(command)}\n<<< {_spelled(reply)}"


def _headers(headers: Mapping[str, str | list[str]]) -> Iterator[str]:
    # A recording does not keep their order.
    for name, value in sorted(headers.items(), key=lambda item: (item[0] != "Event-Name", item)):
        for one in value if isinstance(value, list) else [value]:
            yield f"{_spelled(name)}: {_spelled(one)}"


def _spelled(text: str) -> str:
    """As the switch's plain events spell it, but for the most readable characters."""
    return quote(text, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~", errors="surrogatepass")


def _cdrs(seen: Observation) -> dict[str, str]:
    roles = seen.roles
    return {
        f"cdrs/{_file(roles.get(uuid, uuid))}.{_file(module)}.json": json.dumps(
            dict(cdr), indent=1, sort_keys=True, ensure_ascii=True
        )
        + "\n"
        for uuid, cdrs in sorted(seen.placement.cdrs.items())
        for module, cdr in sorted(cdrs.items())
    }


def _file(name: str) -> str:
    """A name fit for a file, whoever gave it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:80] or "_"
