"""Targets: what stands behind `loopback/` (wiki: Loopback Endpoint; facts, section 2.1).

Extensions leave out what a dial string, a regular expression of the dialplan or the endpoint's own
`app=` gives a meaning of its own.
"""

from __future__ import annotations

from functools import cache
from string import ascii_lowercase, digits

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.scenario import ApplicationTarget, ExtensionTarget, InlineTarget
from strategies.basics import texts, weighted

FORBIDDEN = frozenset("/,|'\\[]{}<>()$&^\" :;?")
"""Characters that no extension has; nor has it control characters or `app=` at its start."""

NESTED = "n{}x"
"""Beginning of a further pair's extension, by its number; no outer one begins with its `n`."""

UNKNOWN_CONTEXT = "nowhere"
UNKNOWN_DIALPLAN = "nodialplan"

_FIRST = ascii_lowercase.replace("n", "") + "ABXYZ" + digits
_OTHERS = ascii_lowercase + "ABXYZ" + digits + ".-_"
_MARKS = "*#+%!@=~"
_SCRIPTS = "äßéαΩж中文字😀שמ"


@cache
def extensions() -> SearchStrategy[str]:
    """Extensions of the outermost pair: digits, `*72`, `+1555...`, names, other scripts, long ones.

    Never empty. Over 116 characters the channel's name loses its `-a` and `-b` (facts, 2.1).
    """
    numbers = texts(digits, min_size=1, max_size=12)
    tails = texts(_OTHERS, max_size=12)
    return weighted(
        (6, numbers),
        (2, numbers.map("*{}".format)),
        (2, numbers.map("+1555{}".format)),
        (4, st.builds("{}{}".format, st.sampled_from(_FIRST), tails)),
        (2, texts(_SCRIPTS, min_size=1, max_size=8)),
        (2, st.builds("{}{}{}".format, st.sampled_from(_MARKS), numbers, st.sampled_from(_MARKS))),
        (1, st.builds(_stretched, numbers, st.integers(110, 160))),
    )


@cache
def nested_extensions(number: int = 2) -> SearchStrategy[str]:
    """Extensions of the pair of this number: none is the beginning of another pair's."""
    return extensions().map(f"{NESTED.format(number)}{{}}".format)


@cache
def extension_targets(
    extensions: SearchStrategy[str] | None = None,
) -> SearchStrategy[ExtensionTarget]:
    """Targets that route: context and dialplan left out, given, or the context empty.

    Rarely the extension is empty: wholly empty, the switch dials "service" (facts, section 2.1).
    """
    chosen = extensions if extensions is not None else _with_empty()
    routes = weighted(
        (4, st.just((None, None))),
        (6, st.sampled_from((("default", None), ("public", None), ("conformance", None)))),
        (4, st.sampled_from((("default", "XML"), ("public", "xml"), ("conformance", "XML")))),
        (2, st.sampled_from((("", "XML"), ("", "xml")))),
    )
    return st.builds(lambda name, route: ExtensionTarget(name, *route), chosen, routes)


@cache
def unroutable_targets() -> SearchStrategy[ExtensionTarget]:
    """Targets with an unknown context or dialplan: they lead nowhere, and their plan is empty."""
    routes = st.sampled_from(
        (
            (UNKNOWN_CONTEXT, None),
            (UNKNOWN_CONTEXT, "XML"),
            ("default", UNKNOWN_DIALPLAN),
            ("", UNKNOWN_DIALPLAN),
        )
    )
    return st.builds(lambda name, route: ExtensionTarget(name, *route), extensions(), routes)


@cache
def inline_targets() -> SearchStrategy[InlineTarget]:
    """`loopback/<applications>/<context>/inline`."""
    return st.builds(InlineTarget, st.sampled_from(("default", "public", "conformance")))


@cache
def application_targets() -> SearchStrategy[ApplicationTarget]:
    """`loopback/app=<application>[:<argument>]`."""
    return st.just(ApplicationTarget())


def routes(target: ExtensionTarget) -> bool:
    """Whether the context and dialplan of a target exist, so that a plan can run there."""
    return target.context != UNKNOWN_CONTEXT and target.dialplan != UNKNOWN_DIALPLAN


def legal_extension(text: str) -> bool:
    """Whether a text can be an extension here."""
    return (
        not set(text) & FORBIDDEN
        and all(ord(character) > 32 and character != "\x7f" for character in text)
        and not text.lower().startswith("app=")
    )


@cache
def _with_empty() -> SearchStrategy[str]:
    return weighted((12, extensions()), (1, st.just("")))


def _stretched(text: str, length: int) -> str:
    return (text * length)[:length]
