"""Templates of pages: what they print is escaped, and nothing of a switch in it stays invisible."""

from __future__ import annotations

import base64
import hashlib
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


def policy(style: str, script: str = "") -> str:
    """What a page allows itself: only this style and this script, and nothing from anywhere."""
    sources = {
        "default-src": "'none'",
        "style-src": f"'{_digest(style)}'",
        "script-src": f"'{_digest(script)}'" if script else "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {source}" for name, source in sources.items())


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


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
