"""A map of embeddings is read as it was written, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from wespk.core.errors import WespkError
from wespk.metrics.embedding_map import EmbeddingMap, MapPoint

WRITTEN = {
    "set": "test",
    "method": "t-SNE (cosine)",
    "left_out": {"utterances": 3, "speakers": 1},
    "points": [[0.5, -1, "a-1", "a"]],
}


def test_a_map_is_read():
    points = (MapPoint(0.5, -1.0, "a-1", "a"),)
    assert EmbeddingMap.from_json(WRITTEN) == EmbeddingMap("test", "t-SNE (cosine)", points, 3, 1)


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        {},
        {**WRITTEN, "points": []},
        {**WRITTEN, "points": [[1, 2, "a-1"]]},
        {**WRITTEN, "points": [[float("nan"), 2, "a-1", "a"]]},
        {**WRITTEN, "left_out": {}},
    ],
)
def test_anything_else_is_refused(value):
    with pytest.raises(WespkError, match="not a map of embeddings"):
        EmbeddingMap.from_json(value)
