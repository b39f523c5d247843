"""The entry of the command: what takes time to import comes after it, and may be interrupted."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command that the process was started with; returns its exit status."""
    try:
        from campaign.command_line import main as command

        return command()
    except KeyboardInterrupt:  # before there is a command, or after it
        print("loopback-conformance: interrupted; nothing is decided", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
