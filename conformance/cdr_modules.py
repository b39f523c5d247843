"""The modules that write CDRs, and which fields a CDR of each has.

mod_json_cdr and mod_xml_cdr write all that a leg knows, under the same paths. A row of mod_cdr_csv
has the columns of its template, each of which is one of those fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CSV_MODULE = "cdr_csv"

MODULES = ("json_cdr", "xml_cdr", CSV_MODULE)
"""The modules whose CDRs are judged."""

_PROFILE = "callflow.0.caller_profile"

CSV_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "variables.uuid": "uuid",  # the first: it says whose row it is
        f"{_PROFILE}.originator.originator_caller_profiles.0.uuid": "aleg_uuid",
        f"{_PROFILE}.originatee.originatee_caller_profiles.0.uuid": "bleg_uuid",
        f"{_PROFILE}.caller_id_name": "caller_id_name",
        f"{_PROFILE}.caller_id_number": "caller_id_number",
        f"{_PROFILE}.destination_number": "destination_number",
        f"{_PROFILE}.context": "context",
        **{
            f"variables.{name}": name
            for name in (
                "start_stamp",
                "answer_stamp",
                "end_stamp",
                "answer_uepoch",
                "end_uepoch",
                "duration",
                "billsec",
                "uduration",
                "billusec",
                "hangup_cause",
                "is_loopback",
                "loopback_leg",
                "other_loopback_leg_uuid",
                "bridge_uuid",
                "originating_leg_uuid",
                "last_bridge_hangup_cause",
            )
        },
    }
)
"""Columns of a row, in order: the path of the field, and the name that FreeSWITCH expands to it."""

RACING = frozenset({"variables.last_bridge_hangup_cause"})
"""Columns that another leg's thread may still set while one module has written and another not."""
