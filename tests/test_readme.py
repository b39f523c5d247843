"""The README: each command in it is run, or is what a machine runs; its links lead somewhere.

Commands that need a switch are run with a real one where LOOPBACK_CONFORMANCE_FREESWITCH names it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.recorded_calls import RECORDING

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BINARY = os.environ.get("LOOPBACK_CONFORMANCE_FREESWITCH", "")
IMAGE = os.environ.get("LOOPBACK_CONFORMANCE_IMAGE", "")

SET_UP = ("python3 -m venv .venv", ".venv/bin/pip install -q .")
"""What precedes a command in a clone with nothing but git and Python; .ci/check_wheel runs it."""

PROGRAMS = ("loopback-conformance", "pytest", "python")
"""What of the environment `.venv` is run; all of them are in the one that runs these tests, too."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its info string, and its lines."""

    kind: str
    text: str

    @property
    def commands(self) -> list[str]:
        """What is to be run one after the other, without what sets everything up."""
        parts = [part.strip() for line in self.text.splitlines() for part in line.split("&&")]
        return [part for part in parts if part and part not in SET_UP]


_FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [Block(*found) for found in _FENCED.findall(README)]


def of_kind(*kinds: str) -> list[Block]:
    """The blocks of these kinds."""
    return [block for block in BLOCKS if block.kind in kinds]


def run(command: str, cwd: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the README, its programs taken from the environment of these tests."""
    program, *arguments = shlex.split(command)
    name = program.removeprefix(".venv/bin/")
    assert name in PROGRAMS, command
    modules = {"loopback-conformance": ["-m", "campaign"], "pytest": ["-m", "pytest"]}
    return subprocess.run(
        [sys.executable, *modules.get(name, []), *arguments, *more],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "-p no:cacheprovider"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what the commands read of a clone."""
    recordings = tmp_path / "fixtures" / "recordings"
    recordings.mkdir(parents=True)
    for name in set(re.findall(r"fixtures/recordings/([\w.-]+)", README)):
        source = ROOT / "fixtures" / "recordings" / name
        shutil.copy(source if source.exists() else RECORDING, recordings / name)
    return tmp_path


def test_every_block_is_of_a_known_kind() -> None:
    assert {block.kind for block in BLOCKS} <= {"sh", "sh tests", "sh switch", "console", "python"}
    assert README.count("\n```") == 2 * len(BLOCKS)


def test_recordings_that_are_named_are_there() -> None:
    for name in set(re.findall(r"fixtures/recordings/[\w.-]+", README)):
        assert (ROOT / name).is_file()


def test_the_first_command_sets_everything_up() -> None:
    first = of_kind("sh")[0]
    (line,) = first.text.splitlines()
    assert tuple(part.strip() for part in line.split("&&"))[:2] == SET_UP
    assert len(first.commands) == 1


@pytest.mark.parametrize("block", of_kind("sh"), ids=lambda block: block.commands[-1][:60])
def test_commands_that_need_nothing(block: Block, clone: Path) -> None:
    for command in block.commands:
        done = run(command, clone)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(
    not BINARY, reason="set LOOPBACK_CONFORMANCE_FREESWITCH to the path of a freeswitch binary"
)
@pytest.mark.parametrize("block", of_kind("sh switch"), ids=lambda block: block.commands[-1][:60])
def test_commands_that_need_a_switch(block: Block, clone: Path) -> None:
    for command in block.commands:
        command = re.sub(r"process:///\S+", f"process://{BINARY}", command)
        if "docker://" in command:
            if not IMAGE:
                pytest.skip(
                    "set LOOPBACK_CONFORMANCE_IMAGE to the name of an image with FreeSWITCH"
                )
            command = re.sub(r"docker://\S*", f"docker://{IMAGE}", command)
        done = run(command, clone, "--scenarios", "20")
        # so few scenarios do not exercise every clause: "not decided", which pytest calls failed
        assert done.returncode in ((0, 1) if "pytest" in command else (0, 3)), done.stdout
        corpus = len(list((ROOT / "fixtures" / "corpus").iterdir()))
        assert f"{20 + corpus} scenarios in " in done.stdout
        assert done.stderr.count("Traceback") == 0


def test_the_tests_command_is_what_ci_runs(tmp_path: Path) -> None:
    (block,) = of_kind("sh tests")
    (line,) = block.text.splitlines()
    assert "tox" in line
    (tmp_path / ".ci").mkdir()
    script = tmp_path / ".ci" / "run"
    shutil.copy(ROOT / ".ci" / "run", script)
    harmless = README.replace(line, "echo '3 passed in 0.1s'")
    (tmp_path / "README.md").write_text(harmless)
    done = subprocess.run(
        ["bash", str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("+ echo '3 passed in 0.1s'\n")


def test_python_blocks_run() -> None:
    for block in of_kind("python"):
        names: dict[str, object] = {}
        # by no file's name: Hypothesis would read it from a line of this block on, as Python
        exec(compile(block.text, "<README.md>", "exec", dont_inherit=True), names)
        for name, value in names.items():
            if name.startswith("test_") and callable(value):
                value()


def test_console_blocks_show_commands_that_exist() -> None:
    for block in of_kind("console"):
        for line in block.text.splitlines():
            if not line.startswith("$ "):
                continue
            program, command, *arguments = shlex.split(line.removeprefix("$ "))
            assert program in PROGRAMS
            done = run(f"{program} {command}", ROOT, "--help")
            assert done.returncode == 0
            for option in arguments:
                assert not option.startswith("--") or option in done.stdout


def test_commands_are_of_one_form() -> None:
    """Once everything is set up the environment is active, which the line after it says."""
    first, tests = of_kind("sh")[0], of_kind("sh tests")[0]
    others = [block for block in BLOCKS if block not in (first, tests)]
    assert not [block.text for block in others if ".venv/" in block.text]
    after = README.partition(first.text)[2]
    assert "`. .venv/bin/activate`" in after.partition(others[0].text)[0]


def test_what_is_named_of_an_export_is_written_by_it(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("$ ")
        for block in of_kind("console")
        for line in block.text.splitlines()
        if "install-there" in line
    ]
    export, *others = lines
    assert run(export, tmp_path).returncode == 0
    files = {word for line in others for word in line.split() if "/" in word and ":" not in word}
    assert files == {"install-there/password", "install-there/collector.json"}
    told = set(re.findall(r"`(install-there/[^`\s]+)`", README))
    assert "install-there/README.txt" in told
    for name in files | told:
        assert (tmp_path / name).is_file()
    assert not [line for line in others if "password-file" in line and "/password" not in line]


def test_samples_are_what_is_printed() -> None:
    """Of the recording that is shipped: what the README shows, and docs/report.txt in full."""
    command = "loopback-conformance judge fixtures/recordings/freeswitch-1.10.12.jsonl.gz"
    (sample,) = [block.text for block in of_kind("console") if "conforms: " in block.text]
    assert run(command, ROOT).stdout == sample
    lines = run(command, ROOT, "--verbose").stdout.splitlines()
    whole = (ROOT / "docs" / "report.txt").read_text()
    assert [line.rstrip() for line in lines] == whole.splitlines()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", README.replace("\n", " ")):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_nothing_is_left_to_be_filled_in() -> None:
    assert "@@" not in README
    assert "TODO" not in README
