"""Clause tests in `pytest --alluredir DIR`: told to Allure as `--allure DIR` of the command does.

allure-pytest would know a test by the path of its file, which differs from one installation to the
next, and would call a clause that was not verified a failure.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from allure_commons import hookimpl, plugin_manager
from allure_commons.model2 import TestResult

from reports import allure
from reports.content import Report

_CLAUSE = "clause"
"""The label by which the result of a clause test is known until it is written."""


class AllureResults:
    """A plugin of allure-python-commons that rewrites the results of clause tests."""

    def __init__(self, directory: Path) -> None:
        """Results go into this folder; `report` is what they say."""
        self.report: Report | None = None
        self._directory = directory

    @staticmethod
    def mark(clause: str) -> None:
        """Say of which clause the test is that runs now."""
        plugin_manager.hook.add_label(label_type=_CLAUSE, labels=(clause,))

    @hookimpl(tryfirst=True)
    def report_result(self, result: TestResult) -> None:
        """Before a result is written, let it be what the report says of its clause."""
        clauses = [label.value for label in result.labels if label.name == _CLAUSE]
        if self.report is None or not clauses:
            return
        told = allure.result_of(self.report, clauses[0])
        for name, content in told.attachments.items():
            plugin_manager.hook.report_attached_data(body=content, file_name=name)
        for field in allure.TOLD:
            setattr(result, field, getattr(told.result, field))

    def finish(self) -> None:
        """Write what is said of the run as a whole; raises ReportError."""
        if self.report is None:
            return
        for one in allure.of_run(self.report):
            plugin_manager.hook.report_result(result=one.result)
        allure.write_background(self.report, self._directory)


def install(config: pytest.Config) -> AllureResults | None:
    """The plugin, where results for Allure are asked for; it goes with the configuration."""
    directory = config.getoption("--alluredir", None)
    if not directory:
        return None
    results = AllureResults(Path(directory))
    plugin_manager.register(results)
    config.add_cleanup(lambda: plugin_manager.unregister(results))
    return results
