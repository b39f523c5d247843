"""The pages of docs: the tests that they show run, what they name is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from campaign.command_line import main
from fixtures.corpus import EXAMPLE
from fixtures.event_socket import python_esl
from reports.bundle import FILES
from tests.recorded_calls import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
FENCED = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tests_of_a_user_run(tmp_path: Path) -> None:
    """As one file, in a folder of its own, by pytest."""
    blocks = FENCED.findall((DOCS / "your-own-tests.md").read_text())
    assert len(blocks) >= 3
    (tmp_path / "test_mine.py").write_text("\n\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    functions = sum(block.count("\ndef test_") for block in blocks)
    assert functions >= 3
    assert re.search(r"^(\d+) passed", done.stdout.splitlines()[-1])


def test_the_report_to_look_at_is_of_the_command_that_is_named() -> None:
    """Of the same switch, seed, and number of scenarios besides those of the corpus."""
    page, told = ((DOCS / f"report{name}").read_text() for name in ("s.md", "-with-findings.txt"))
    (line,) = re.findall(r"^    .* --html docs/report-with-findings\.html .*$", page, re.MULTILINE)
    words = shlex.split(line)
    asked = {name: words[words.index(name) + 1] for name in ("--switch", "--seed", "--scenarios")}
    assert f"\n{asked['--switch']}: FreeSWITCH" in told
    assert f"\nseed {asked['--seed']}, " in told
    (corpus,) = re.findall(r"^corpus: (\d+) examples", told, re.MULTILINE)
    assert f" {int(asked['--scenarios']) + int(corpus)} scenarios in " in told


@pytest.mark.parametrize(
    ("page", "last"),
    [
        ("acceptance.md", "verified: everything matches"),
        ("pool.md", "of 121 clauses pass"),
    ],
)
def test_the_commands_of_a_page_run(page: str, last: str, tmp_path: Path) -> None:
    """One after the other, in a folder with the recordings of a clone."""
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    blocks = re.findall(r"^```sh\n(.*?)\n```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) == 2
    for line in lines:
        done = subprocess.run(
            [sys.executable, "-m", "campaign", *shlex.split(line)[1:]],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"{last}\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
    assert "@@" not in page.read_text()


def test_every_file_of_a_bundle_is_told_of() -> None:
    text = (DOCS / "findings.md").read_text()
    assert EXAMPLE in FILES
    for name in FILES:
        assert f"`{name}`" in text, name


def test_the_steps_to_python_esl_are_those_of_its_module() -> None:
    """And of the extra that they install; with other versions it does not build."""
    page = (DOCS / "install.md").read_text()
    module = " ".join((python_esl.__doc__ or "").split())
    steps = re.findall(r"^    (pip install .*(?:swig|python-esl).*)$", page, re.MULTILINE)
    assert len(steps) == 2
    assert all(f"``{step}``" in module for step in steps)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "python-esl" in project["optional-dependencies"]
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert re.split(r"\W", backend)[0] in steps[0].split()


def test_options_that_are_named_exist(capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / "findings.md").read_text()
    known = ""
    for command in ("run", "judge", "replay"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        known += capsys.readouterr().out
    for option in set(re.findall(r"--[a-z][a-z-]+", text)):
        assert option in known, option
