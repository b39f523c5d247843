"""The profile: the `loopback.conf` settings and global variables under which a call is placed.

Settings of `loopback.conf` act on running calls at once, so a campaign drains its calls before it
changes from one profile to another (facts, section 0).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Profile:
    """`loopback.conf` settings and global variables of the switch under test.

    The defaults are those of a switch without a `loopback.conf` (facts, section 2.4).
    """

    kind: ClassVar[str] = "profile"
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
        return tuple(
            (field.name.replace("_", "-"), _spell(getattr(self, field.name)))
            for field in fields(self)
            if field.name != "global_variables"
        )

    def global_variable(self, name: str) -> str | None:
        """Value of a global variable, None where there is none."""
        return dict(self.global_variables).get(name)

    def changed(self) -> dict[str, Any]:
        """What differs from the defaults, by field."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value != getattr(_DEFAULT, name)}

    def __str__(self) -> str:
        """Settings that differ from the defaults, as `loopback.conf` and vars.xml spell them."""
        changed = [
            f"{name.replace('_', '-')}={_spell(value)}"
            for name, value in self.changed().items()
            if name != "global_variables"
        ]
        variables = [f"global {name}={value}" for name, value in self.global_variables]
        return ", ".join((*changed, *variables)) or "defaults"


_DEFAULT = Profile()


def _spell(value: bool | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value
