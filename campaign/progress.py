"""The progress of a run on a terminal: scenarios done, a second, findings, what it waits for."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text


class _Rate(ProgressColumn):
    """Scenarios a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:.1f}/s")


class Bar:
    """A progress bar; on what is no terminal it writes nothing but its last state."""

    def __init__(self, console: Console) -> None:
        """Draw on this console."""
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[findings]} with findings"),
            console=console,
        )
        self._task: TaskID | None = None
        self._what = ""

    def __enter__(self) -> Self:
        """Wait for something to draw: a run that cannot begin has only its error to show."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the last state where it is."""
        if self._task is not None:
            self._progress.stop()

    def begin(self, total: int, what: str) -> None:
        """A number of scenarios is about to be placed; more of the same go on in one line."""
        self._progress.start()
        if self._task is not None and what == self._what:
            before = self._progress.tasks[-1].total or 0
            self._progress.update(self._task, total=before + total)
            return
        self._what = what
        self._task = self._progress.add_task(what, total=total, findings=0)

    def advance(self, findings: int) -> None:
        """One was placed; `findings` is how many scenarios had any so far."""
        if self._task is not None:
            self._progress.update(self._task, advance=1, findings=findings)

    def waits(self, reason: str) -> None:
        """None is placed for now, and why; "" once they are again."""
        if self._task is not None:
            self._progress.update(self._task, description=reason or self._what)
