"""A connection to a switch that only answers commands."""

from __future__ import annotations

from collections.abc import Iterable

from fixtures.event_socket import Headers


class Answers:
    """A connection to a switch that has these answers, and none to anything else."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def api(self, command: str, *, timeout: float = 10.0) -> str:
        self.asked.append(command)
        if command.startswith("hash insert/"):
            return "+OK\n"
        return self.answers.get(command, "-ERR no reply\n")

    def inserted(self) -> set[str]:
        """Give the keys of plans that were put in."""
        return {one.split("/")[2] for one in self.asked if one.startswith("hash insert/")}

    def deleted(self) -> set[str]:
        """Give the keys of plans that were taken out."""
        return {one.split("/")[2] for one in self.asked if one.startswith("hash delete/")}

    async def bgapi(self, command: str, job_uuid: str, *, timeout: float = 10.0) -> None:
        raise NotImplementedError

    async def subscribe(self, names: Iterable[str], custom: Iterable[str] = ()) -> None:
        raise NotImplementedError

    async def filter(self, header: str, value: str) -> None:
        raise NotImplementedError

    async def unsubscribe_all(self) -> None:
        raise NotImplementedError

    async def next_event(self, timeout: float | None) -> Headers:
        raise NotImplementedError

    def events_pending(self) -> int:
        return 0

    def take_events(self) -> list[Headers]:
        return []

    async def close(self) -> None:
        pass
