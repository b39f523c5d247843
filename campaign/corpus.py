"""The corpus of a campaign: the examples that come with the suite, and those of a user."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conformance.scenario import Scenario
from fixtures.corpus import SHIPPED, CorpusError, CorpusExample, read_corpus, read_example
from strategies import sendable


def load(folders: Iterable[Path], shipped: Path = SHIPPED) -> tuple[tuple[str, Scenario], ...]:
    """Name and scenario of each example, those that are shipped first; raises CorpusError.

    Of a call that is there twice the first counts.
    """
    found: dict[str, tuple[str, Scenario]] = {}
    for folder in (shipped, *folders):
        examples = read_corpus(folder)
        if not examples:
            raise CorpusError(f"there is no example in {folder}", "name a folder that holds some")
        for example in examples:
            require_sendable(example.scenario, folder / f"{example.name}.json")
            found.setdefault(example.scenario.id, (example.name, example.scenario))
    return tuple(found.values())


def load_one(path: Path) -> CorpusExample:
    """The example of a file or a bundle; raises CorpusError."""
    example = read_example(path)
    require_sendable(example.scenario, path)
    return example


def require_sendable(scenario: Scenario, path: Path) -> None:
    """Refuse a scenario that would do more on a switch than be a call; raises CorpusError."""
    if not sendable(scenario):
        cause = f"{path} holds a call that cannot be sent as it is"
        raise CorpusError(cause, "a name, a value or a number in it is none that scenarios have")
