"""The profile: the endpoint's release, and the settings and global variables of the switch.

Settings of `loopback.conf` act on running calls at once, so a campaign drains its calls before it
changes from one profile to another (facts, section 0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

RELEASES: Mapping[str, str] = MappingProxyType(
    {
        "1.8.0": "before loopback.conf",
        "1.8.6": "loopback.conf, loopback::direct, loopback_from_uuid, loopback_hangup_cause",
        "1.10.3": "null/ told when to answer or to refuse, loopback_no_pre_answer",
        "1.10.6": "a null/ that refuses leaves no session behind",
        "1.11.0": "no leg loses its bridge to the thread that dialled it",
    }
)
"""Releases from which on the endpoint behaves otherwise, as far as this suite can tell."""


class Profile(
    Struct, frozen=True, gc=False, tag_field="kind", tag="profile", forbid_unknown_fields=True
):
    """Release, `loopback.conf` settings and global variables of the switch under test.

    The defaults are those of a switch without a `loopback.conf` (facts, section 2.4). With
    `log_b_leg` legs that a channel dialled have CDRs too. `release` is one of `RELEASES`.
    """

    early_set_loopback_id: bool = False
    fire_bowout_on_bridge: bool = False
    ignore_channel_ready: bool = False
    bowout_hangup_cause: str = "NORMAL_UNSPECIFIED"
    bowout_controlled_hangup: bool = False
    bowout_transfer_recording: bool = False
    bowout_disable_on_inner_bridge: bool = False
    log_b_leg: bool = True
    global_variables: tuple[tuple[str, str], ...] = ()
    release: str = "1.10.6"

    def since(self, release: str) -> bool:
        """Whether the endpoint behaves as from this release on."""
        return numbers(self.release) >= numbers(release)

    def at_release(self, release: str) -> Profile:
        """The same as a switch of this release takes it: before 1.8.6 it has no `loopback.conf`."""
        if takes_settings(release):
            return replace(self, release=release)
        return Profile(release=release, global_variables=self.global_variables)

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each `loopback.conf` parameter, as the file spells them."""
        return tuple(
            (name.replace("_", "-"), _spell(value))
            for name, value in asdict(self).items()
            if name not in ("log_b_leg", "global_variables", "release")
        )

    def global_variable(self, name: str) -> str | None:
        """Value of a global variable, None where there is none."""
        return dict(self.global_variables).get(name)

    def differing(self) -> dict[str, Any]:
        """What differs from the defaults, by field."""
        fields = asdict(self).items()
        return {name: value for name, value in fields if value != getattr(_DEFAULT, name)}

    def changed(self) -> dict[str, Any]:
        """Settings that differ from the defaults, by field; the release is none."""
        return {name: value for name, value in self.differing().items() if name != "release"}

    def __str__(self) -> str:
        """Settings that differ from the defaults, as `loopback.conf` and vars.xml spell them."""
        changed = [
            f"{name.replace('_', '-')}={_spell(value)}"
            for name, value in self.changed().items()
            if name != "global_variables"
        ]
        variables = [f"global {name}={value}" for name, value in self.global_variables]
        return ", ".join((*changed, *variables)) or "defaults"


def takes_settings(release: str) -> bool:
    """Whether a release has `loopback.conf`."""
    return numbers(release) >= numbers("1.8.6")


@lru_cache
def numbers(release: str) -> tuple[int, ...]:
    """A release such as 1.10.12 as numbers, to compare; raises ValueError where it is none."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)+", release):
        raise ValueError(f"not a release: {release!a}")
    return tuple(int(number) for number in release.split("."))


def release_of(version: str) -> str:
    """The one of `RELEASES` as which a switch of this version behaves.

    `version` is a release, or what the API command `version` says; what names none is taken for the
    newest. Raises ValueError for one that is older than all.
    """
    found = re.search(r"[0-9]+\.[0-9]+(\.[0-9]+)?", version)
    if found is None:
        return max(RELEASES, key=numbers)
    known = [one for one in RELEASES if numbers(one) <= numbers(found.group())]
    if not known:
        raise ValueError(f"release {found.group()} is older than {min(RELEASES, key=numbers)}")
    return max(known, key=numbers)


_DEFAULT = Profile()


def _spell(value: bool | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value
