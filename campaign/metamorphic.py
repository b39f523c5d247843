"""A metamorphic run: every scenario with its variants, and what the switch did otherwise with one.

Judged against the model like any other run; besides, what came of a variant is compared with what
came of its original. What differs is placed again, and counts if it does so in every attempt.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from campaign.session import ATTEMPTS, Plan, Progress, Run, Scenarios, run
from conformance.complexity import complexity
from conformance.judge import Judgement
from conformance.metamorphic import Contrast, Outline, differences, outline
from conformance.observation import Placement
from conformance.scenario import Scenario
from conformance.variants import Variant, itself, variants
from conformance.verdicts import FINDINGS
from fixtures.switches import Switch

CONFIRMED_BY = 10
"""How many variants of a relation, simplest first, are placed again because they differ."""


@dataclass(frozen=True, slots=True)
class MetamorphicRun:
    """A run with the contrasts of every attempt, simplest first, out of `compared` variants."""

    run: Run
    contrasts: tuple[Contrast, ...]
    compared: int

    @property
    def exit_status(self) -> int:
        """That of the run, but 1 with any contrast."""
        return FINDINGS if self.contrasts else self.run.result.exit_status


async def run_metamorphic(
    switch: Switch, plan: Plan, progress: Progress | None = None
) -> MetamorphicRun:
    """Place the plan's scenarios and their variants; raises what `campaign.session.run` does."""
    pairs = _Pairs()
    done = await run(switch, plan, progress, pairs)
    return MetamorphicRun(done, pairs.contrasts(), pairs.compared())


class _Pairs:
    """The watcher that adds the variants, and keeps the outline of each attempt."""

    def __init__(self) -> None:
        self._variants: list[Variant] = []
        self._by_id: dict[str, Variant] = {}
        self._outlines: defaultdict[str, list[Outline]] = defaultdict(list)

    def scenarios(self, asked: int, generated: Iterator[Scenario]) -> Scenarios:
        for scenario in generated:
            self._by_id[scenario.id] = itself(scenario)
        for original in list(self._by_id.values()):
            for variant in variants(original.scenario):
                # What is there already is not placed twice.
                if self._by_id.setdefault(variant.scenario.id, variant) is variant:
                    self._variants.append(variant)
        placed = [variant.scenario for variant in self._by_id.values()]
        return len(placed), iter(sorted(placed, key=lambda one: str(one.profile)))

    def placed(self, scenario: Scenario, placement: Placement, judgement: Judgement) -> None:
        made = outline(self._by_id[scenario.id], placement, judgement)
        if made:
            self._outlines[scenario.id].append(made)

    def unsettled(self) -> Iterable[Scenario]:
        """Both of each pair that differs, the simplest ones of each relation."""
        asked: Counter[str] = Counter()
        wanted: set[str] = set()
        for contrast in self._differing():
            variant = contrast.variant
            asked[variant.relation] += 1
            if asked[variant.relation] <= CONFIRMED_BY:
                wanted |= {variant.original.id, variant.scenario.id}
        return [self._by_id[identity].scenario for identity in wanted]

    def contrasts(self) -> tuple[Contrast, ...]:
        return tuple(
            contrast
            for contrast in self._differing()
            if min(map(len, self._attempts(contrast.variant))) >= ATTEMPTS
        )

    def compared(self) -> int:
        return sum(all(self._attempts(variant)) for variant in self._variants)

    def _differing(self) -> list[Contrast]:
        found = (
            Contrast(variant, differences(*self._attempts(variant))) for variant in self._variants
        )
        return sorted(
            (contrast for contrast in found if contrast.differences),
            key=lambda one: (complexity(one.variant.scenario), one.variant.scenario.id),
        )

    def _attempts(self, variant: Variant) -> tuple[list[Outline], list[Outline]]:
        return self._outlines[variant.original.id], self._outlines[variant.scenario.id]
