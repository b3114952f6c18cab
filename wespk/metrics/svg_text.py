"""A drawing by matplotlib made fit for an HTML page: half the size, and no identifier twice on a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from wespk.core.files import digest
from wespk.metrics.markup import Html, element, join, printable, text

LEFT_OUT = {"metadata", "style", "title"}
INVISIBLE = "fill: none"  # of a background
UNTURNED = "rotate(-0 "
PLACES = {"d", "x", "y", "width", "height", "transform", "points"}


def slim_svg(
    drawn: str, description: str, titles: Mapping[str, Sequence[str]], colours: Mapping[str, str]
) -> Html:
    """Return the <svg> element of a drawing, without namespaces, fonts, unused names and empty groups.

    `description` is its label. `titles` gives the markers in the group of this name their titles, in order.
    `colours` replaces colours. Places are rounded to a hundredth of a point.
    """
    root = ElementTree.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", printable(drawn, keep="\n\t")))
    mark = f"f{digest(drawn)[:8]}-"
    used = set(re.findall(r"[\"(]#([^\")]+)[\")]", drawn))
    for group, texts in titles.items():
        markers = root.iterfind(f".//*[@id='{group}']//{{*}}use")
        for marker, title in zip(markers, texts, strict=True):
            ElementTree.SubElement(marker, "title").text = printable(title)
    content = join(_written(each, mark, used, colours) for each in root)
    look = "stroke-linejoin: round"
    return element(
        "svg",
        content,
        viewBox=_rounded(root.attrib["viewBox"]),
        style=look,
        role="img",
        aria_label=description,
    )


def _written(node: Element, mark: str, used: set[str], colours: Mapping[str, str]) -> Html:
    name = _bare(node.tag)
    if name in LEFT_OUT and node.tag != name:  # matplotlib's own have a namespace, our titles have none
        return Html()
    attributes = dict(_attributes(node, mark, used, colours))
    content = [text((node.text or "").strip()), *(_written(each, mark, used, colours) for each in node)]
    if name == "g" and not attributes:
        return join(content)
    if attributes.get("style") == INVISIBLE or (name == "defs" and not any(content)):
        return Html()
    whole = element(name, *content, **attributes)
    return Html(whole.replace(f"></{name}>", "/>")) if not any(content) else whole


def _attributes(
    node: Element, mark: str, used: set[str], colours: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for key, value in node.attrib.items():
        name = _bare(key)
        if name == "id":
            if value in used:
                yield name, mark + value
        elif name == "href":
            yield name, f"#{mark}{value[1:]}"
        elif name in PLACES and not value.startswith(UNTURNED):
            yield name, _rounded(value)
        elif name == "style":
            for colour, replaced in colours.items():
                value = value.replace(colour, replaced)
            yield name, re.sub(r"font-family: [^;]*;? ?|font: ", "", value)
        elif name not in PLACES:
            yield name, value.replace("url(#", f"url(#{mark}")


def _rounded(places: str) -> str:
    """Round the numbers, and leave out spaces that a path does not need."""
    short = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), places)
    return re.sub(r"\s*([A-Za-z])\s*(?=[-\d]|$)", r"\1", short).strip()


def _bare(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition("}")[2]
