"""The files for CI systems, and pages of commands: what these name exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest

from campaign.command_line import main
from conformance.gate import fail_on

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "docs" / "upgrade-gate.md", ROOT / "docs" / "acceptance.md")
FILES = sorted((*ROOT.glob("examples/*.yml"), *PAGES))


def commands(path: Path) -> Iterator[list[str]]:
    """The words of each command of the suite's, with what is continued on further lines."""
    text = re.sub(r"\\\n\s*", " ", path.read_text())
    text = re.sub(r"\n\s+(?=--)", " ", text)
    for line in re.findall(r"loopback-conformance ((?:[a-z]+ )+.*--.*)", text):
        yield shlex.split(line.partition(" || ")[0], posix=True)


def help_of(*words: str) -> str:
    out = StringIO()
    with redirect_stdout(out), suppress(SystemExit):
        main([*words, "--help"])
    return out.getvalue()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_commands_have_these_options(path: Path) -> None:
    found = list(commands(path))
    assert found
    for words in found:
        command = words[:2] if words[0] in ("accept", "divergences") else words[:1]
        told = help_of(*command)
        options = [word for word in words if word.startswith("--")]
        assert options
        for option in options:
            assert re.search(rf"{option}\b", told), (command, option)
        for option, value in pairwise(words):
            if option == "--fail-on":
                fail_on(value)


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.yml")), ids=lambda path: path.name)
def test_files_for_ci_are_yaml(path: Path) -> None:
    yaml = pytest.importorskip("yaml", reason="the package PyYAML is not installed")
    read = yaml.safe_load(path.read_text())
    assert {"jobs", "upgrade-gate"} & set(read)
