"""Whether switches are so much alike that one run can be placed on all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fixtures.recording import without_secrets
from fixtures.switches import Switch, SwitchIdentity, UsageError


def require_alike(switches: Sequence[Switch], identities: Sequence[SwitchIdentity]) -> None:
    """Raise UsageError, which names the difference, where switches of a pool are not alike.

    Their findings are those of one switch: so they have to be of one version, with one
    mod_loopback, and each must be able to place, and tell of, whatever the others can.
    """
    traits = [dict(_traits(*one)) for one in zip(switches, identities, strict=True)]
    for number, other in enumerate(traits[1:], 2):
        for what, value in traits[0].items():
            if other[what] != value:
                first, second = (
                    without_secrets(one.url) for one in (identities[0], identities[number - 1])
                )
                raise UsageError(
                    f"the switches of a pool must be alike, and their {what} differs: "
                    f"{value or 'unknown'} on {first}, {other[what] or 'unknown'} on {second}, "
                    f"number {number}; `loopback-conformance compare` is for two that differ"
                )


def _traits(switch: Switch, identity: SwitchIdentity) -> Iterator[tuple[str, str]]:
    """What must not differ, by name, as text."""
    yield "version", identity.version
    yield "mod_loopback.so (SHA-256)", identity.mod_loopback_sha256
    settings = "any that a scenario asks for" if switch.fixed is None else str(switch.fixed)
    yield "settings of loopback.conf and global variables", settings
    yield "modules whose CDRs can be had", ", ".join(switch.cdr_modules()) or "none"
