"""The profile: what the model takes of the switch.

Settings of `loopback.conf` act on running calls at once, so a campaign drains its calls before it
changes from one profile to another (facts, section 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Profile:
    """`loopback.conf` settings and global variables of the switch under test.

    The defaults are those of a switch without a `loopback.conf` (facts, section 2.4).
    """

    name: str = "default"
    early_set_loopback_id: bool = False
    fire_bowout_on_bridge: bool = False
    ignore_channel_ready: bool = False
    bowout_hangup_cause: str = "NORMAL_UNSPECIFIED"
    bowout_controlled_hangup: bool = False
    bowout_transfer_recording: bool = False
    bowout_disable_on_inner_bridge: bool = False
    global_variables: tuple[tuple[str, str], ...] = ()

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each `loopback.conf` parameter, as the file spells them."""
        skipped = {"name", "global_variables"}
        return tuple(
            (field.name.replace("_", "-"), _spell(getattr(self, field.name)))
            for field in fields(self)
            if field.name not in skipped
        )

    def to_json(self) -> dict[str, Any]:
        """JSON value of this profile."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"global_variables": [list(pair) for pair in self.global_variables]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Profile:
        """Profile from its JSON value; raises TypeError on an unknown key."""
        pairs = tuple((name, text) for name, text in value.get("global_variables", ()))
        return cls(**{**value, "global_variables": pairs})


def _spell(value: bool | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value
