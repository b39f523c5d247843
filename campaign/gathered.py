"""What was gathered of an attempt that is over, to be read when its turn comes to be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from campaign.attempt import Attempt
from campaign.packing import Packed, sharing
from conformance.cdr_modules import CSV_MODULE
from conformance.observation import UNREADABLE, Cdr, Placement
from fixtures.cdrs import CdrError, parse_csv_row, parse_json_cdr, parse_xml_cdr

_PARSERS = {"json_cdr": parse_json_cdr, "xml_cdr": parse_xml_cdr, CSV_MODULE: parse_csv_row}


@dataclass(frozen=True, slots=True)
class Gathered:
    """An attempt and its CDRs as they were written: a text for each module and uuid.

    Read they take many times the room, and dozens of calls may wait for their turn.
    """

    attempt: Attempt
    written: tuple[tuple[str, str], ...]
    cdrs: Packed
    cdr_modules: tuple[str, ...]
    problem: str

    @classmethod
    def of(
        cls,
        attempt: Attempt,
        cdrs: Mapping[str, Mapping[str, bytes]],
        cdr_modules: tuple[str, ...],
        problem: str,
    ) -> Self:
        """An attempt with its CDRs by uuid and module."""
        # module by module: those of one are much the same from leg to leg
        written = sorted((module, uuid) for uuid, texts in cdrs.items() for module in texts)
        packed = Packed()
        for module, uuid in written:
            packed.add(cdrs[uuid][module])
        return cls(attempt, tuple(written), packed, cdr_modules, problem)

    def placement(self) -> Placement:
        """All that the switch told of it.

        Its lateness is that of the stimuli, where legs had to be swept.
        """
        attempt = self.attempt
        cdrs: dict[str, dict[str, Cdr]] = {}
        once: dict[str, str] = {}
        for (module, uuid), text in zip(self.written, self.cdrs, strict=True):
            cdrs.setdefault(uuid, {})[module] = sharing(_parsed(module, text), once)
        return Placement(
            token=attempt.token,
            a_leg_uuid=attempt.a_leg_uuid,
            reply=attempt.reply.strip(),
            events=attempt.events(),
            cdrs=cdrs,
            applied=tuple(attempt.applied[index] for index in sorted(attempt.applied)),
            swept=attempt.swept,
            lateness=attempt.lateness,
            problem=self.problem,
            modules_with_cdrs=self.cdr_modules,
        )


def _parsed(module: str, text: bytes) -> Cdr:
    try:
        return _PARSERS[module](text)
    except CdrError as error:
        return {UNREADABLE: str(error)}
