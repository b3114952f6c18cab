"""A section of the page."""

from __future__ import annotations

from typing import NamedTuple

from wespk.metrics.markup import Html


class Section(NamedTuple):
    """A part of the page: its name in the list of contents, its heading, and what stands under it."""

    name: str
    title: str
    content: Html
