"""SVG elements, with numbers and text spelled so that nothing of a switch can spoil the drawing."""

from __future__ import annotations

from xml.etree import ElementTree

from reports.visible import visible

NAMESPACE = "http://www.w3.org/2000/svg"


def root(width: float, height: float, label: str, class_: str) -> ElementTree.Element:
    """An image of this size in units, with what a screen reader says of it."""
    view = f"0 0 {number(width)} {number(height)}"
    attributes = {"viewBox": view, "role": "img", "aria-label": visible(label), "class": class_}
    return ElementTree.Element("svg", attributes)


def add(
    parent: ElementTree.Element, name: str, text: str = "", **attributes: float | str
) -> ElementTree.Element:
    """Add an element; `class_` is its class, and in names of attributes `_` stands for `-`."""
    child = ElementTree.SubElement(parent, name)
    for key, value in attributes.items():
        spelled = number(value) if isinstance(value, int | float) else visible(value)
        child.set(key.rstrip("_").replace("_", "-"), spelled)
    if text:
        child.text = visible(text)
    return child


def path(*parts: float | str) -> str:
    """The data of a path: its commands, with their coordinates as numbers."""
    spelled = (part if isinstance(part, str) else f" {number(part)}" for part in parts)
    return "".join(spelled).replace("M ", "M")


def number(value: float) -> str:
    """A coordinate, to a tenth of a unit."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def source(drawing: ElementTree.Element) -> str:
    """The drawing as it stands in a page; the namespace is what a file of its own needs."""
    # In text and values `>` is escaped, so that only tags end so.
    return ElementTree.tostring(drawing, encoding="unicode").replace(" />", "/>")
