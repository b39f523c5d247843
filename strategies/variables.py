"""Channel variables: names, values, sets of them by scope, and settings that mean something.

Scopes are those of `conformance.dialstring.carries`: "originate" for the `{}` of the a-leg,
"braces" and "brackets" for the `{}` and `[]` of a target, "set" for `set` and `export` in a
dialplan. What a scope cannot carry is never made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from string import ascii_lowercase, digits
from types import MappingProxyType

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.dialstring import carries
from conformance.scenario import Origin, Pairs, Variables
from strategies.basics import texts, weighted

ON_EXECUTE = ("loopback_bowout_on_execute", "true")
"""Makes a loopback leg bow out as it begins to execute."""

_ANYTHING = re.compile(r".*", re.DOTALL)
_CAUSE_OR_NUMBER = r"([A-Za-z_]+|[0-9]{1,3})"
_CAUSE_OR_MS = re.compile(r"[A-Z_]+|[0-9]{1,4}")

MEANT: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "force_process_cdr",
                "hangup_after_bridge",
                "ignore_display_updates",
                "ignore_early_media",
                "is_loopback",
                "local_var_clobber",
                "loopback_bowout",
                "loopback_bowout_on_execute",
                "loopback_export",
                "loopback_leg",
                "loopback_no_pre_answer",
                "max_forwards",
                "park_after_bridge",
                "process_cdr",
            ),
            _ANYTHING,
        ),
        "exec_after_bridge_app": re.compile(r"park|hangup|sleep"),
        "exec_after_bridge_arg": _CAUSE_OR_MS,
        "group_confirm_file": re.compile(r"sleep [0-9]{1,4}|hangup [A-Z_]+|set lc_confirmed=yes"),
        "group_confirm_key": re.compile(r"exec"),
        "skip_cdr_causes": re.compile(rf"{_CAUSE_OR_NUMBER}(\|{_CAUSE_OR_NUMBER})*"),
        "transfer_after_bridge": re.compile(r"(park|hangup):inline|lc_nowhere"),
    }
)
"""Names with a meaning that scenarios give variables, and values: no other reserved name occurs.

With other values some of them run any application.
"""

LOOKALIKES = (
    "is_loopback2",
    "loopback",
    "loopback_legs",
    "my_loopback_leg",
    "not_is_loopback",
    "other_loopback",
    "xloopback_export",
)
"""Names that resemble the endpoint's own and mean nothing to it."""

BOWOUT_VALUES = ("false", "true", "no", "yes", "0", "1", "foo", "")
"""Values of `loopback_bowout`: anything but unset and what FreeSWITCH takes for true is a veto."""

_EXPORTED = ("foo", "bar", "x_job")
_NOWHERE = "lc_nowhere"

_LETTERS = ascii_lowercase + ascii_lowercase.upper() + digits
_PUNCTUATION = " !\"#%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_SCRIPTS = "äßéøαΩжя中文漢字ひ한😀🚀👍🏽שלום مرحبا\u0301\u200d\u202e\u00a0"
_ODD = (
    "",
    " outer spaces ",
    "two  spaces",
    "^^:a:b",
    "^^;a=1;b=2",
    "a:_:b",
    "a,b",
    ",",
    "a|b",
    "|",
    "a=b",
    "=",
    "x==",
    "\\",
    "\\\\",
    "\\n",
    "\\s",
    "\\,",
    "\\'",
    "ends with \\",
    "a\\,b\\|c",
    "'quoted'",
    "it's",
    "'",
    '"quoted"',
    '"',
    "100%41",
    "%",
    "%2C",
    "$1",
    "a$b",
    "$(date)",
    "{a=1}",
    "[b=2]",
    "(c)",
    "<b>",
    "<!-- c -->",
    "&amp;",
    "&park()",
    "-ERR",
    "_undef_",
    "_none_",
    "ARRAY::a|:b",
    "undef",
    "true",
    "false",
    "loopback/9999",
    "a;b",
    "?q",
    "#1",
    "`id`",
    "1;DROP",
    "sofia/internal/1@a.b:5060;transport=udp",
)


@cache
def names() -> SearchStrategy[str]:
    """Names of variables without a meaning: a letter first, then letters, digits, `_`.

    Those that resemble the endpoint's own (`LOOKALIKES`) are among them, mixed case and long ones
    too. Two names that differ do so by more than their case.
    """
    tails = texts(ascii_lowercase + digits + "_", min_size=1, max_size=12)
    return weighted(
        (4, tails.map("x_{}".format)),
        (2, tails.map("lc_{}".format)),
        (2, tails.map(_mixed_case)),
        (2, st.sampled_from(LOOKALIKES)),
        (1, tails.map(lambda tail: f"x_{tail * 80}"[:80])),
    )


@cache
def words() -> SearchStrategy[str]:
    """Values that any scope and any notation carries: 1 to 12 ASCII letters and digits."""
    return texts(_LETTERS, min_size=1, max_size=12)


@cache
def values(scope: str) -> SearchStrategy[str]:
    """Values of a variable that the scope carries unharmed.

    Words, numbers, what notations stumble over (quotes, commas, backslashes, ...), several scripts,
    and now and then some hundreds of characters, rarely 1,500.
    """
    alphabet = "".join(
        character
        for character in _LETTERS + _PUNCTUATION * 3 + _SCRIPTS
        if carries(scope, f"a{character}a")
    )
    odd = [value for value in _ODD if carries(scope, value)]
    text = texts(alphabet, max_size=24)
    anything = weighted(
        (10, words()),
        (4, st.integers(-1, 10**9).map(str)),
        (10, st.sampled_from(odd)),
        (10, text),
        (4, texts(_SCRIPTS, min_size=1, max_size=12)),
        (2, _long(alphabet, (200, 300, 300, 400, 600, 1500))),
    )
    # A dialplan's `set` strips outer spaces, so there they are no part of the value.
    stripped = anything.map(str.strip) if scope == "set" else anything
    return stripped.filter(lambda value: carries(scope, value))


@cache
def variable_sets(scope: str, max_size: int = 3) -> SearchStrategy[Pairs]:
    """Up to `max_size` variables without a meaning, for one scope, of different names."""
    pairs = st.tuples(names(), values(scope))
    return st.lists(pairs, max_size=max_size, unique_by=_key).map(tuple)


@cache
def bowout_settings(scopes: tuple[str, ...]) -> SearchStrategy[Variables]:
    """`loopback_bowout` in one of the scopes, sometimes in two (wiki: loopback_bowout).

    `scopes` are names of fields of `Variables`. On the a-leg alone it has no effect.
    """
    choices = weighted(
        (4, st.just("false")), (2, st.just("true")), (4, st.sampled_from(BOWOUT_VALUES))
    )
    places = st.lists(st.sampled_from(scopes), min_size=1, max_size=2, unique=True)
    return places.flatmap(
        lambda chosen: st.tuples(*(choices for _ in chosen)).map(
            lambda drawn: _in_scopes(chosen, "loopback_bowout", drawn)
        )
    )


@cache
def export_lists(scopes: tuple[str, ...]) -> SearchStrategy[Variables]:
    """`loopback_export` with a list of names, and named variables in some scopes.

    The list is on the dial string, where loopback-a has it, or only on the a-leg, where it has no
    effect (facts, section 2.2). Names in it may have no variable at all.
    """
    lists = st.sampled_from(
        (
            "foo",
            "foo,bar",
            "bar,x_job,foo",
            "foo, bar",
            "foo , x_job",
            _NOWHERE,
            f"foo,{_NOWHERE}",
        )
    )
    holders = st.sampled_from([scope for scope in scopes if scope != "set"])
    variables = st.lists(
        st.tuples(st.sampled_from(scopes), st.sampled_from(_EXPORTED), words()),
        max_size=3,
        unique_by=lambda item: item[:2],
    )
    anywhere = st.builds(
        lambda holder, named, items: merge(
            Variables(**{holder: (("loopback_export", named),)}),
            *(Variables(**{scope: ((name, value),)}) for scope, name, value in items),
        ),
        holders,
        lists,
        variables,
    )
    if "originate" not in scopes:
        return anywhere
    ineffective = st.builds(
        lambda value: Variables(originate=(("loopback_export", "foo,bar"), ("foo", value))), words()
    )
    handed = st.builds(
        lambda named, one, other: Variables(
            braces=(("loopback_export", named), ("foo", one)), brackets=(("foo", other + "2"),)
        ),
        st.sampled_from(("foo", "foo,bar", "bar,foo")),
        words(),
        words(),
    )
    return weighted((3, anywhere), (1, ineffective), (2, handed))


@cache
def clobbers() -> SearchStrategy[Variables]:
    """The same name in `{}` and `[]` with different values, with `local_var_clobber` or without.

    Without, loopback-a has the value of `{}` and loopback-b that of `[]`; with it both have that of
    `[]` (facts, section 2.2).
    """
    return st.builds(
        lambda name, one, other, clobber: Variables(
            braces=((name, one), *clobber), brackets=((name, other + "2"),)
        ),
        names(),
        words(),
        words(),
        st.sampled_from(((("local_var_clobber", "true"),), ())),
    )


@cache
def overwritten() -> SearchStrategy[Variables]:
    """Values for variables that the endpoint sets itself, in `{}` (facts, section 2.3)."""
    return st.sampled_from(
        (
            Variables(braces=(("loopback_leg", "C"),)),
            Variables(braces=(("loopback_leg", "B"),)),
            Variables(braces=(("is_loopback", "0"),)),
            Variables(braces=(("loopback_leg", "x"), ("is_loopback", "maybe"))),
        )
    )


@cache
def unwanted_cdrs(scopes: tuple[str, ...]) -> SearchStrategy[Variables]:
    """Which CDRs are not wanted, in one of the scopes (facts, section 4)."""
    return st.builds(
        lambda scope, pairs: Variables(**{scope: pairs}), st.sampled_from(scopes), cdr_settings()
    )


@cache
def cdr_settings() -> SearchStrategy[Pairs]:
    """`process_cdr` with each of its meanings, `skip_cdr_causes`, `force_process_cdr`.

    Causes are spelt by name or number; what is neither stands for NORMAL_CLEARING.
    """
    process = st.sampled_from(("false", "true", "a_only", "b_only", "foo", "A_ONLY"))
    skip = st.sampled_from(
        (
            "NORMAL_CLEARING",
            "USER_BUSY",
            "normal_clearing|user_busy",
            "CALL_REJECTED|16",
            "17",
            "NORMAL_UNSPECIFIED|CALL_REJECTED|USER_BUSY",
            "no_such_cause",
            "ORIGINATOR_CANCEL",
        )
    )
    force = ("force_process_cdr", "true")
    return weighted(
        (4, process.map(lambda value: (("process_cdr", value),))),
        (4, skip.map(lambda value: (("skip_cdr_causes", value),))),
        (2, process.map(lambda value: (("process_cdr", value), force))),
        (2, st.just((force,))),
    )


@cache
def hangups_after_bridge(scopes: tuple[str, ...]) -> SearchStrategy[Variables]:
    """`hangup_after_bridge` in one of the scopes (facts, section 6)."""
    return st.builds(
        lambda scope, value: _in_scopes((scope,), "hangup_after_bridge", (value,)),
        st.sampled_from(scopes),
        st.sampled_from(("true", "true", "false")),
    )


@cache
def variables_for(origin: Origin) -> SearchStrategy[Variables]:
    """Variables in all scopes that a call with this origin has; about half mean something.

    Without an a-leg there are only `{}` and `[]`; an a-leg without a dialplan sets nothing.
    """
    scopes = scopes_of(origin)
    plain = st.builds(Variables, **{name: _few(carried) for name, carried in scopes})
    fields_of_scopes = tuple(name for name, _ in scopes)
    meaningful = weighted(
        (14, st.just(Variables())),
        (4, bowout_settings(fields_of_scopes)),
        (3, export_lists(fields_of_scopes)),
        (2, clobbers()),
        (1, overwritten()),
        (2, unwanted_cdrs(fields_of_scopes)),
        (1, hangups_after_bridge(fields_of_scopes)),
        (1, st.builds(merge, bowout_settings(fields_of_scopes), export_lists(fields_of_scopes))),
    )
    return st.builds(merge, meaningful, plain)


def scopes_of(origin: Origin) -> tuple[tuple[str, str], ...]:
    """Fields of `Variables` that a call with this origin has, each with what carries its values."""
    dial_string = (("braces", "braces"), ("brackets", "brackets"))
    match origin.kind:
        case "direct":
            return dial_string
        case "a_leg_bridges" | "a_leg_consults":
            return (("originate", "originate"), *dial_string, ("export", "originate"))
        case _:
            return (("originate", "originate"), *dial_string, ("export", "set"), ("set", "set"))


def merge(*parts: Variables) -> Variables:
    """The variables of all, scope by scope; of a name that comes twice in a scope the first."""
    return Variables(
        **{
            scope: unique(pair for part in parts for pair in getattr(part, scope))
            for scope in Variables.__struct_fields__
        }
    )


def unique(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """The pairs without those whose name came before, whatever its case."""
    first: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        first.setdefault(_key(pair), pair)
    return tuple(first.values())


def _few(scope: str) -> SearchStrategy[Pairs]:
    return weighted((3, st.just(())), (2, variable_sets(scope, 2)))


def _long(alphabet: str, lengths: Sequence[int]) -> SearchStrategy[str]:
    # A long text from a short one: what breaks is the length, and a draw a character is slow.
    return st.builds(
        lambda text, length: (text * length)[:length],
        texts(alphabet, min_size=1, max_size=12),
        st.sampled_from(lengths),
    )


def _mixed_case(tail: str) -> str:
    # Case follows from the place, so that no two of these differ by case alone.
    letters = (letter.upper() if at % 2 else letter for at, letter in enumerate(tail))
    return f"Cc_{''.join(letters)}"


def _in_scopes(scopes: Sequence[str], name: str, drawn: Sequence[str]) -> Variables:
    return Variables(
        **{scope: ((name, value),) for scope, value in zip(scopes, drawn, strict=True)}
    )


def _key(pair: tuple[str, str]) -> str:
    return pair[0].lower()
