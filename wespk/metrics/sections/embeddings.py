"""The map of embeddings."""

from __future__ import annotations

from wespk.metrics.embedding_map import EmbeddingMap
from wespk.metrics.markup import figure
from wespk.metrics.plots import map_svg
from wespk.metrics.sections.section import Section


def embedding_sections(embeddings: EmbeddingMap | None) -> list[Section]:
    """Return the section of the map, if there is one."""
    if embeddings is None:
        return []
    utts, spks = len(embeddings.points), len({point.spk for point in embeddings.points})
    caption = (
        f"{utts:,} utterances of {spks:,} speakers by {embeddings.method}: a colour and a shape for each "
        "speaker. Near points sound alike to the network; distances across the map mean little."
    )
    if embeddings.utts_left_out:
        left_out = (
            f"{embeddings.utts_left_out:,} utterances are left out, and {embeddings.spks_left_out:,} speakers"
        )
        caption += f" {left_out}."
    title = f"Embeddings of {embeddings.set}"
    return [Section("embeddings", title, figure(map_svg(embeddings.points), caption, class_="map"))]
