"""A very small HTML builder in which text cannot fail to be escaped: elements, tables, folds, whole pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from wespk.metrics.style import STYLE

_LINE_BREAKS = "\n\t"


class Html(str):
    """Text that is HTML already; any other text is escaped where it enters an element."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: Any) -> Html:
    """Return ``<name attribute="value">children</name>``; `class_` stands for `class`, None leaves it out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{''.join(map(text, children))}</{name}>")


def join(parts: Any) -> Html:
    """Return the parts one after the other."""
    return Html("".join(map(text, parts)))


def text(content: str) -> Html:
    """Escape `content` unless it is HTML; what a page cannot hold becomes a replacement character."""
    if isinstance(content, Html):
        return content
    return Html(escape(printable(content, keep=_LINE_BREAKS)))


def printable(content: str, keep: str = "") -> str:
    """Replace every character that XML or UTF-8 cannot hold or nobody can see, except those in `keep`."""
    unseen = {letter for letter in set(content) if not letter.isprintable()} - set(keep)
    return content.translate({ord(letter): "\N{REPLACEMENT CHARACTER}" for letter in unseen})


def page(title: str, body: str) -> str:
    """Return a whole document that needs nothing but itself."""
    head = join(
        [
            Html('<meta charset="utf-8">'),
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            element("title", title),
            element("style", Html(STYLE)),
        ]
    )
    content = element("html", element("head", head), element("body", element("main", body)), lang="en")
    return f"<!DOCTYPE html>\n{content}\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", words: int = 1) -> Html:
    """Return a table that scrolls by itself where it is wider than the page; a row's first cell heads it.

    The first `words` columns hold words, the others numbers, set to the right.
    """
    kinds = [None if place < words else "number" for place in range(len(heads))]
    head = element(
        "tr",
        *(element("th", each, class_=kind, scope="col") for each, kind in zip(heads, kinds, strict=True)),
    )
    lines = []
    for first, *others in rows:
        cells = [element("td", each, class_=kind) for each, kind in zip(others, kinds[1:], strict=True)]
        lines.append(element("tr", element("th", first, scope="row"), *cells))
    whole = element("table", element("thead", head), element("tbody", *lines), aria_label=caption or None)
    return join([element("p", caption, class_="caption") if caption else "", scroll(whole)])


def scroll(wide: str) -> Html:
    """Let something wide scroll by itself, also by the keyboard."""
    return element("div", wide, class_="scroll", tabindex=0)


def fold(title: str, *content: str, class_: str | None = None, opened: bool = False) -> Html:
    """Return content that is shown when its title is chosen, or from the start."""
    whole = element("details", element("summary", title), *content, class_=class_)
    return Html(whole.replace("<details", "<details open", 1)) if opened else whole


def figure(svg: str, caption: str, legend: str = "", class_: str | None = None) -> Html:
    """Return a drawing above its legend and caption, so that drawings side by side begin at one height."""
    return element(
        "figure", Html(svg), legend, element("figcaption", caption) if caption else "", class_=class_
    )


def figures(*drawn: str) -> Html:
    """Set figures side by side where there is room."""
    return element("div", *drawn, class_="figures")
