"""Names of channel variables that mean something to FreeSWITCH's core or to the endpoint."""

from __future__ import annotations

RESERVED_PREFIXES = (
    "absolute_codec",
    "api_",
    "bridge_",
    "bypass_media",
    "call_timeout",
    "callee_id_",
    "caller_id_",
    "codec_",
    "continue_on_fail",
    "effective_",
    "exec_after_bridge",
    "execute_on_",
    "export_vars",
    "fail_on_single_reject",
    "failure_causes",
    "force_process_cdr",
    "group_confirm",
    "hangup_after_bridge",
    "ignore_display_updates",
    "ignore_early_media",
    "instant_ringback",
    "leg_",
    "local_var_clobber",
    "monitor_early_media",
    "nolocal",
    "null_",
    "originate",
    "origination_",
    "park_",
    "playback_",
    "process_cdr",
    "proxy_media",
    "ringback",
    "rtp_",
    "sip_",
    "skip_cdr_causes",
    "transfer_",
    "uuid_",
)
"""Beginnings of names with which FreeSWITCH's core acts: no generated name has one."""

RESERVED_NAMES = frozenset(
    {
        "call_uuid",
        "is_loopback",
        "lc_hops",
        "loopback_app",
        "loopback_app_arg",
        "loopback_bowout",
        "loopback_bowout_on_execute",
        "loopback_bowout_other_uuid",
        "loopback_export",
        "loopback_from_uuid",
        "loopback_hangup_cause",
        "loopback_initial_codec",
        "loopback_leg",
        "loopback_no_pre_answer",
        "max_forwards",
        "originator",
        "other_leg_true_id",
        "other_loopback_from_uuid",
        "other_loopback_leg_uuid",
        "rate",
        "signal_bond",
        "uuid",
    }
)
"""Names that the endpoint itself reads or sets (facts, section 2.3): made only where meant."""


def reserved(name: str) -> bool:
    """Whether a name changes how a call behaves; FreeSWITCH takes no notice of case."""
    lowered = name.lower()
    return lowered in RESERVED_NAMES or lowered.startswith(RESERVED_PREFIXES)
