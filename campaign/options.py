"""What the options of several commands share."""

from __future__ import annotations

import argparse
import asyncio
import signal

from conformance.profile import numbers, release_of

SWITCHES = """\
switches:
  embedded:                       a small switch of the suite's own, where nothing is installed
  process:///path/to/freeswitch   a private instance of a FreeSWITCH that is installed here
  docker://IMAGE[:TAG]            a container of its own; `docker://` alone is the default image
  esl://HOST:PORT                 a switch that already runs; see `export-config` and `doctor`
"""


def cancel_on_signals() -> None:
    """Let Ctrl-C, a polite kill and a closed terminal cancel this task, so that it cleans up.

    As often as they come: a second Ctrl-C does not leave a switch behind.
    """
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # which nohup asks for
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def positive(text: str) -> int:
    """A number from 1 on, as an option's type."""
    if not text.isascii() or not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!a} is not a number from 1 on")
    return int(text)


def release(text: str) -> str:
    """A release that is known, as an option's type."""
    try:
        numbers(text)
        release_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
