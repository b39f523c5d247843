"""The acceptance record: what a vendor and a buyer sign of a switch, as a statement of in-toto.

in-toto's Statement names what it is about by digest; its predicate "test result" has what any tool
reads. All that only this suite knows is in one field of its own, section by section, and is what
`accept verify` computes anew. `acceptance.schema.json` beside this module describes it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, TypeAlias

from conformance.clause_set import clause_set_digest
from conformance.clauses import CLAUSES, Level
from conformance.divergences import Divergence, as_json
from conformance.not_observable import NOT_OBSERVABLE
from conformance.profile import Profile
from conformance.verdicts import CONFORMS, ClauseResult, RunResult, Verdict
from reports.content import Report, Subject
from reports.standing import OUTCOMES

STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
OWN = "loopback_conformance"
"""The field of the predicate that in-toto knows nothing of."""

FORMAT = "loopback-conformance acceptance record"
VERSION = 1
"""Grows with what a reader would have to know; fields may come without it."""

_UNSURE = (Verdict.FLAKY, Verdict.INCONCLUSIVE, Verdict.ERROR)
"""Verdicts of what was placed, and neither passed nor failed."""

_NO_WARNING = (Verdict.PASS, Verdict.NOT_IN_RELEASE)
"""Verdicts that leave nothing to be said of a switch that conforms."""

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")

_Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Waiver:
    """A known divergence, and in how many scenarios it makes what speaks against its clause none.

    Such a divergence may have expired: then the record says so, and the switch does not conform.
    """

    divergence: Divergence
    scenarios: int


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A recording, judged as of a day by a version of the suite.

    `report` is what was found, `recording` and `sha256` are the name and the digest of the file,
    `scenarios_asked` is how many scenarios were to be placed.
    """

    report: Report
    recording: str
    sha256: str
    judged_on: date
    judged_by: str
    scenarios_asked: int
    waivers: tuple[Waiver, ...] = ()


def render(acceptance: Acceptance) -> str:
    """The record as JSON, in ASCII: nothing in it can steer whoever shows it."""
    return json.dumps(statement(acceptance), indent=1) + "\n"


def digest_of(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def statement(acceptance: Acceptance) -> _Json:
    """The record as a JSON value."""
    own = _own(acceptance)
    results = acceptance.report.result.clauses.values()
    return {
        "_type": STATEMENT,
        "subject": _subjects(acceptance),
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": result_of(acceptance.report.result),
            "configuration": _configuration(own),
            "passedTests": _names(one for one in results if one.verdict is Verdict.PASS),
            "warnedTests": _names(one for one in results if _is_warning(one)),
            "failedTests": _names(one for one in results if _is_failure(one)),
            OWN: own,
        },
    }


def result_of(result: RunResult) -> str:
    """The run in a word of in-toto's: what is not decided has not passed, not with warnings either.

    A warning is what was accepted, or is not known, though the switch conforms.
    """
    if result.exit_status != CONFORMS:
        return "FAILED"
    clean = all(one.verdict in _NO_WARNING for one in result.clauses.values())
    return "PASSED" if clean and not result.idle else "WARNED"


def not_verified(result: RunResult) -> list[ClauseResult]:
    """The clauses of which the run cannot say whether the switch keeps them."""
    settled = (Verdict.PASS, Verdict.FAIL, Verdict.KNOWN)
    return [one for one in result.clauses.values() if one.verdict not in settled]


def _is_failure(one: ClauseResult) -> bool:
    """What speaks against the switch, and what keeps the run from being decided."""
    unsure = one.verdict in _UNSURE and one.clause.level is Level.MUST
    return unsure or one.verdict is Verdict.FAIL


def _is_warning(one: ClauseResult) -> bool:
    unsure = one.verdict in _UNSURE and one.clause.level is not Level.MUST
    return unsure or one.verdict is Verdict.KNOWN


def _names(results: Iterable[ClauseResult]) -> list[str]:
    return [one.clause.name for one in results]


def _subjects(acceptance: Acceptance) -> list[_Json]:
    subject = acceptance.report.subject
    found = [("recording", acceptance.recording, acceptance.sha256)]
    if re.fullmatch("[0-9a-f]{64}", subject.loopback_sha256):
        found.append(("module", "mod_loopback.so", subject.loopback_sha256))
    if image := _DIGEST.search(subject.image_digest):
        found.append(("image", "image", image[1]))
    return [
        {"name": name, "digest": {"sha256": sha256}, "annotations": {"is": what}}
        for what, name, sha256 in found
    ]


def _configuration(own: _Json) -> list[_Json]:
    """What the run was judged and set by, each as the digest of a section, or of the clauses."""
    digests = {"clauses": own["clause_set"]["sha256"]}
    for section in ("settings", "divergences"):
        digests[section] = digest_of(json.dumps(own[section], separators=(",", ":")))
    return [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in digests.items()]


def _own(acceptance: Acceptance) -> _Json:
    report = acceptance.report
    result = report.result
    return {
        "format": {"name": FORMAT, "version": VERSION},
        "judged": {"on": acceptance.judged_on.isoformat(), "by": acceptance.judged_by},
        "outcome": {
            "outcome": OUTCOMES[result.outcome],
            "exit_status": result.exit_status,
            "shortfall": result.shortfall,
            **({"lost": list(result.lost)} if result.lost else {}),
        },
        "recording": {"name": acceptance.recording, "sha256": acceptance.sha256},
        "switch": _switch(report.subject),
        "settings": [_setting(one, calls) for one, calls in result.profiles.items()],
        "calls": {
            "placed_by": report.suite_version,
            "started": report.started.isoformat(),
            "seed": report.seed,
            "scenarios_asked": acceptance.scenarios_asked,
            "scenarios": result.scenarios,
            "attempts": result.attempts,
            "minimising": result.minimising,
        },
        "clause_set": {"sha256": clause_set_digest(), "clauses": len(CLAUSES)},
        "clauses": [_clause(one) for one in result.clauses.values()],
        "divergences": [_waiver(one) for one in acceptance.waivers],
        "to_go_over": {"stale": list(result.stale), "idle": list(result.idle)},
        "not_observable": [asdict(one) for one in NOT_OBSERVABLE],
    }


def _switch(subject: Subject) -> _Json:
    return {**asdict(subject), "modules": list(subject.modules)}


def _setting(profile: Profile, calls: int) -> _Json:
    return {
        "release": profile.release,
        "loopback_conf": dict(profile.parameters()),
        "log_b_leg": profile.log_b_leg,
        "global_variables": dict(profile.global_variables),
        "calls": calls,
    }


def _clause(one: ClauseResult) -> _Json:
    return {
        "name": one.clause.name,
        "level": one.clause.level,
        "statement": one.clause.statement,
        "verdict": one.verdict,
        "note": one.note,
        "exercised": one.exercised,
        "shapes": one.shapes,
        "failing": len(one.failing),
        "flaky": len(one.flaky),
        "known": len(one.known),
        "call": one.shown.scenario.id if one.shown else "",
    }


def _waiver(waiver: Waiver) -> Mapping[str, Any]:
    return {**as_json(waiver.divergence), "scenarios": waiver.scenarios}
