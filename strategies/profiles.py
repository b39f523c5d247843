"""Profiles: settings of `loopback.conf` and global variables (facts, sections 2.3 and 2.4)."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.profile import Profile
from strategies.basics import weighted
from strategies.bridges import HANGUP_CAUSES


@cache
def profiles() -> SearchStrategy[Profile]:
    """Profiles of which each setting is as often the default as not, or nearly always another.

    Without `bowout_disable_on_inner_bridge` are all calls under the default profile.
    """
    return st.builds(
        Profile,
        early_set_loopback_id=st.booleans(),
        fire_bowout_on_bridge=st.booleans(),
        ignore_channel_ready=st.booleans(),
        bowout_hangup_cause=st.sampled_from(("NORMAL_UNSPECIFIED", *HANGUP_CAUSES)),
        bowout_controlled_hangup=st.booleans(),
        bowout_transfer_recording=st.booleans(),
        bowout_disable_on_inner_bridge=weighted((9, st.just(True)), (1, st.just(False))),
        log_b_leg=weighted((3, st.just(True)), (1, st.just(False))),
        global_variables=global_variables(),
    )


@cache
def global_variables() -> SearchStrategy[tuple[tuple[str, str], ...]]:
    """Often none; else what holds for every leg that has no such variable of its own, or a codec.

    The former are `loopback_bowout`, `process_cdr` and `skip_cdr_causes`.

    `loopback_initial_codec` is that of pairs without an originating channel (facts, 2.3). Packets
    of 60 ms are left out: the threads of a pair then rarely notice that it bowed out.
    """
    codecs = tuple(
        (("loopback_initial_codec", f"L16@{codec}"),)
        for codec in ("8000h@10i", "8000h@30i", "8000h@40i", "16000h@20i")
    )
    bowouts = ((("loopback_bowout", "true"),), (("loopback_bowout", "false"),))
    cdrs = ((("process_cdr", "a_only"),), (("skip_cdr_causes", "USER_BUSY"),))
    return weighted(
        (6, st.just(())),
        (2, st.sampled_from(bowouts)),
        (4, st.sampled_from(codecs)),
        (1, st.sampled_from(cdrs)),
    )
