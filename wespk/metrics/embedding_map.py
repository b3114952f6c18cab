"""A map of embeddings: where each utterance lies in the plane, for the report."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from wespk.core.errors import WespkError


class MapPoint(NamedTuple):
    """An utterance in the plane; the axes mean nothing, only who is near whom."""

    x: float
    y: float
    utt: str
    spk: str


@dataclass(frozen=True)
class EmbeddingMap:
    """Utterances of the data directory `set`, laid out in the plane by `method`, so many of it left out."""

    set: str
    method: str
    points: tuple[MapPoint, ...]
    utts_left_out: int = 0
    spks_left_out: int = 0

    @staticmethod
    def from_json(value: Any) -> EmbeddingMap:
        """Read what `wespk map-embeddings` writes. Raises `WespkError` for anything else."""
        try:
            points = [MapPoint(float(x), float(y), str(utt), str(spk)) for x, y, utt, spk in value["points"]]
            if not points or not all(isfinite(point.x) and isfinite(point.y) for point in points):
                raise ValueError
            left_out = (int(value["left_out"][name]) for name in ("utterances", "speakers"))
            return EmbeddingMap(str(value["set"]), str(value["method"]), tuple(points), *left_out)
        except (KeyError, TypeError, ValueError):
            raise WespkError("is not a map of embeddings as `wespk map-embeddings` writes it") from None
