"""A very small HTML builder in which text cannot fail to be escaped, and the style sheet of our pages."""

from __future__ import annotations

from html import escape
from typing import Any

_LINE_BREAKS = "\n\t"

STYLE = """
:root { color-scheme: light dark; --page: #fdfdfc; --text: #1d1f23; --soft: #62666e; --line: #d9dbdf;
  --band: #f3f4f5; }
@media (prefers-color-scheme: dark) {
  :root { --page: #15171a; --text: #e4e6ea; --soft: #a0a5ae; --line: #363a41; --band: #1e2125; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 84rem; background: var(--page);
  color: var(--text); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.6rem 0 .7rem; overflow-wrap: anywhere; }
p { max-width: 48rem; margin: .4rem 0; }
.soft, figcaption, dt { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .36rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { font-weight: 600; vertical-align: bottom; }
thead tr.groups th { font-weight: 400; color: var(--soft); text-align: center; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
.first { padding-left: 1.4rem; }
.systems tbody th { font-weight: 500; position: sticky; left: 0; background: var(--page);
  min-width: min(10rem, 28vw); max-width: 18rem; overflow-wrap: anywhere; }
.systems tbody tr:hover > * { background: var(--band); }
.words td { overflow-wrap: anywhere; min-width: 7rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 2rem;
  margin-top: 1.4rem; }
figure { margin: 0; overflow-x: auto; }
figure svg { display: block; width: 100%; min-width: 24rem; max-width: 46rem; height: auto; }
figure svg text { font-family: inherit !important; }
figcaption { font-size: .88rem; max-width: 44rem; margin-bottom: .5rem; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .2rem 1.2rem;
  font-size: .9rem; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: var(--band); padding: 1rem; font-size: .82rem; line-height: 1.45; }
details { margin-top: 1.4rem; } summary { cursor: pointer; color: var(--soft); }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print {
  :root { --page: #fff; --text: #000; --soft: #444; --line: #bbb; --band: #fff; }
  @page { size: A4 landscape; margin: 12mm; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  table { font-size: 8pt; } th, td { padding: .2rem .4rem; }
  h2, tr, figure { break-inside: avoid; } h2 { break-after: avoid; margin-top: 1.2rem; }
  figure { overflow: visible; } figure svg { max-height: 84mm; margin: 0; min-width: 0; }
  .figures { grid-template-columns: 1fr 1fr; gap: 1rem; } .systems tbody th { position: static; }
  details::details-content { content-visibility: visible; display: block; }
  pre { white-space: pre-wrap; }
}
"""


class Html(str):
    """Text that is HTML already; any other text is escaped where it enters an element."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: Any) -> Html:
    """Return ``<name attribute="value">children</name>``; `class_` stands for `class`, None leaves it out."""
    written = "".join(
        f' {key.rstrip("_")}="{text(str(value))}"' for key, value in attributes.items() if value is not None
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
    return f"<!DOCTYPE html>\n{element('html', element('head', head), element('body', body), lang='en')}\n"
