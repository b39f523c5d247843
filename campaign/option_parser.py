"""What options are added to: the parser of a command, or pytest, which takes them elsewise."""

from __future__ import annotations

from typing import Any, Protocol


class OptionParser(Protocol):
    """What takes options as argparse does."""

    def add_argument(self, *names: str, **attributes: Any) -> object:
        """Add an option; the names and attributes are argparse's."""
