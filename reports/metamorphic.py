"""A metamorphic run as text: what the switch did otherwise with a variant, and how to see it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from conformance.metamorphic import Contrast
from reports.diagram import printable
from reports.text import by_hand


def print_contrasts(console: Console, contrasts: Sequence[Contrast]) -> None:
    """The simplest contrast of each relation, with both calls to place by hand."""
    shown: set[str] = set()
    for contrast in contrasts:
        if contrast.variant.relation not in shown:
            shown.add(contrast.variant.relation)
            console.print(contrast_text(contrast), markup=False)
            console.print()


def print_summary(console: Console, contrasts: Sequence[Contrast], compared: int) -> None:
    """The last line: with how many variants the switch differs, of those that were compared."""
    if not contrasts:
        console.print(f"[green]no difference[/] with any of {compared} variants")
        return
    relations = ", ".join(sorted({contrast.variant.relation for contrast in contrasts}))
    found = f"{len(contrasts)} of {compared} variants, in every attempt: {relations}"
    console.print(f"[bold red]differs[/] with {found}")


def contrast_text(contrast: Contrast) -> str:
    """A contrast in full: what differs, the original and the variant."""
    variant = contrast.variant
    lines = [f"with {variant.relation} ({variant.original.id}, variant {variant.scenario.id}):"]
    lines += [f"  - {printable(str(one))}" for one in contrast.differences]
    originals = ["", "original:", by_hand(variant.original)]
    return "\n".join([*lines, *originals, "variant:", by_hand(variant.scenario)])
