"""Profiles: settings of `loopback.conf` and global variables (facts, sections 2.3 and 2.4)."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.profile import Profile
from strategies.bridges import HANGUP_CAUSES


@cache
def profiles() -> SearchStrategy[Profile]:
    """Profiles of which each setting is as often the default as not."""
    return st.builds(
        Profile,
        early_set_loopback_id=st.booleans(),
        fire_bowout_on_bridge=st.booleans(),
        ignore_channel_ready=st.booleans(),
        bowout_hangup_cause=st.sampled_from(("NORMAL_UNSPECIFIED", *HANGUP_CAUSES)),
        bowout_controlled_hangup=st.booleans(),
        bowout_transfer_recording=st.booleans(),
        bowout_disable_on_inner_bridge=st.booleans(),
        global_variables=global_variables(),
    )


@cache
def global_variables() -> SearchStrategy[tuple[tuple[str, str], ...]]:
    """Often none; else a `loopback_bowout` for every leg that has none of its own."""
    return st.sampled_from(
        ((), (), (), (("loopback_bowout", "true"),), (("loopback_bowout", "false"),))
    )
