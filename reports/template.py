"""Templates of pages: what they print is escaped, and nothing of a switch in it stays invisible."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.visible import shortened, visible


def text_of(name: str) -> str:
    """The text of a file that stands beside the templates."""
    return (files("reports") / "templates" / name).read_text(encoding="utf-8")


def render(name: str, **values: object) -> str:
    """A template with its values filled in."""
    return _ENVIRONMENT.get_template(name).render(**values)


def _printed(value: object) -> object:
    """Whatever is printed goes through here, before it is escaped; markup is our own."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_ENVIRONMENT = Environment(
    loader=PackageLoader("reports"),
    autoescape=True,
    finalize=_printed,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters["shortened"] = shortened
