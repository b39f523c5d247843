"""A call as text: legs over time, side by side, one event a line."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.observation import LegEvent, Observation

_SHOWN = {
    "CHANNEL_CREATE": "created",
    "CHANNEL_PROGRESS": "rings",
    "CHANNEL_PROGRESS_MEDIA": "early media",
    "CHANNEL_ANSWER": "answered",
    "CHANNEL_PARK": "parked",
    "CHANNEL_HANGUP": "hung up",
    "loopback::bowout": "loopback::bowout",
    "loopback::direct": "loopback::direct",
}

_WIDTH = 24


def diagram(seen: Observation) -> str:
    """The legs as columns, in the order of their creation; times in seconds from the first event.

    What the switch sent is shown without its control characters.
    """
    roles = list(seen.uuids)
    lines = ["  time s  " + "".join(role.ljust(_WIDTH) for role in roles).rstrip()]
    first = min((event.at for event in seen.events), default=0)
    alive: set[str] = set()
    for event in seen.events:
        if event.leg not in seen.uuids:
            continue
        if event.name == "CHANNEL_CREATE":
            alive.add(event.leg)
        for leg, text in _texts(seen, event):
            cells = (text if role == leg else ("|" if role in alive else "") for role in roles)
            row = "".join(printable(cell)[: _WIDTH - 1].ljust(_WIDTH) for cell in cells)
            lines.append(f"{(event.at - first) / 1e6:8.3f}  {row.rstrip()}")
        if event.name == "CHANNEL_HANGUP":
            alive.discard(event.leg)
    return "\n".join(lines)


def _texts(seen: Observation, event: LegEvent) -> Iterator[tuple[str, str]]:
    if event.name in _SHOWN:
        cause = event.get("Hangup-Cause") if event.name == "CHANNEL_HANGUP" else None
        yield event.leg, f"{cause}" if cause else _SHOWN[event.name]
    elif event.name == "CHANNEL_BRIDGE":
        peer = seen.roles.get(event.get("Bridge-B-Unique-ID") or "", "?")
        yield event.leg, f"bridged to {peer}"
    elif event.name == "CHANNEL_EXECUTE":
        data = event.get("Application-Data")
        yield event.leg, f"{event.get('Application')}({data or ''})"


def printable(text: str) -> str:
    """Text without what could steer a terminal or a page: each such character as `?`."""
    return "".join(character if character.isprintable() else "?" for character in text)


def clipped(text: str, most: int) -> str:
    """Text of at most about that many characters, which says how many it leaves out."""
    left = len(text) - most
    return text if left <= 0 else f"{text[:most]}... ({left} characters more)"
