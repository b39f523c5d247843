"""The applications that actions are, as the switch names them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from conformance.scenario import (
    Action,
    Answer,
    BridgeAgain,
    BridgeToLoopback,
    BridgeToNull,
    BridgeToSeveral,
    PlayTone,
    PreAnswer,
    RingReady,
    SetVariable,
)

INSTANT = (Answer, PreAnswer, RingReady, SetVariable)
"""Actions that take no time: a plan may get through them before a hangup reaches its leg."""

_APPLICATIONS: Mapping[type[Action], str] = MappingProxyType(
    {
        BridgeToNull: "bridge",
        BridgeToLoopback: "bridge",
        BridgeToSeveral: "bridge",
        BridgeAgain: "bridge",
        PlayTone: "playback",
    }
)
"""Applications that are not called as their actions are."""


def application_name(action: Action) -> str:
    """Name of the application that an action executes."""
    return _APPLICATIONS.get(action.__class__) or action.kind
