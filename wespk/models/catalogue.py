"""The networks that wespk has, with their papers and the sizes that others have printed for them.

Published sizes are for 80 bins, and without the classification head; multiply-accumulates are for 2 seconds.
They are what their sources print, rounded or cut to the digits given here. The sources count
multiply-accumulates by tools that add those of batch normalisation, so theirs are a few per cent above ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wespk.core.config import Component
from wespk.models import REGISTRY

WESPEAKER = "WeSpeaker"  # the results table of its voxceleb/v2 recipe
SPEAKER_3D = "3D-Speaker"  # the benchmark table of its README
MVECTOR = "mvector"  # the CN-Celeb table of the README of VoiceprintRecognition-Pytorch


@dataclass(frozen=True)
class Paper:
    """Where an architecture was described: authors and year, and a page to read it."""

    authors: str
    address: str


@dataclass(frozen=True)
class Published:
    """What `source` prints: millions of parameters, and billions of multiply-accumulates or ""."""

    source: str
    parameters: str
    macs: str = ""


@dataclass(frozen=True)
class Variant:
    """A registered network at its defaults, or at these `options`."""

    name: str
    paper: Paper | None
    published: Published | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def component(self) -> Component:
        """What a recipe writes under `model:`."""
        return Component(name=self.name, **self.options)

    @property
    def label(self) -> str:
        """The name, with the options that are not the defaults."""
        return " ".join([self.name, *(f"{key}={value}" for key, value in self.options.items())])


XVECTOR = Paper("Snyder et al. 2018", "https://doi.org/10.1109/ICASSP.2018.8461375")
ECAPA = Paper("Desplanques et al. 2020", "https://arxiv.org/abs/2005.07143")
RESNET = Paper("He et al. 2016; Zeinali et al. 2019", "https://arxiv.org/abs/1910.12592")
RESNET_SE = Paper("Hu et al. 2018; Heo et al. 2020", "https://arxiv.org/abs/2009.14153")
RES2NET = Paper("Gao et al. 2021; Zhou et al. 2021", "https://arxiv.org/abs/2007.02480")
CAMPPLUS = Paper("Wang et al. 2023", "https://arxiv.org/abs/2303.00332")
ERES2NET = Paper("Chen et al. 2023", "https://arxiv.org/abs/2305.12838")
ERES2NETV2 = Paper("Chen et al. 2024", "https://arxiv.org/abs/2406.02167")

VARIANTS = (
    Variant("tdnn", XVECTOR, Published(WESPEAKER, "4.61", "0.53")),
    Variant("ecapa_tdnn", ECAPA, Published(WESPEAKER, "6.19", "1.04")),
    Variant("ecapa_tdnn_1024", ECAPA, Published(WESPEAKER, "14.65", "2.65")),
    Variant("ecapa_tdnn_1024", ECAPA, Published(SPEAKER_3D, "20.8"), {"mfa_dim": 3072}),
    Variant("resnet18", RESNET),
    Variant("resnet34", RESNET, Published(WESPEAKER, "6.63", "4.55")),
    Variant("resnet50", RESNET),
    Variant("resnet101", RESNET),
    Variant("resnet152", RESNET),
    Variant("resnet221", RESNET, Published(WESPEAKER, "23.79", "21.29")),
    Variant("resnet293", RESNET, Published(WESPEAKER, "28.62", "28.10")),
    Variant("resnetse34", RESNET_SE, Published(MVECTOR, "7.8")),
    Variant("res2net34", RES2NET, Published(WESPEAKER, "4.68", "1.77")),
    Variant("res2net34", RES2NET, Published(SPEAKER_3D, "4.03"), {"embedding_dim": 192}),
    Variant("campplus", CAMPPLUS, Published(WESPEAKER, "7.18", "1.15")),
    Variant("campplus", CAMPPLUS, Published(MVECTOR, "6.8"), {"embedding_dim": 192}),
    Variant("eres2net_base", ERES2NET, Published(SPEAKER_3D, "6.61")),
    Variant("eres2net_large", ERES2NET, Published(SPEAKER_3D, "22.46")),
    Variant("eres2netv2", ERES2NETV2, Published(SPEAKER_3D, "17.8")),
)


def variants() -> tuple[Variant, ...]:
    """Return the catalogue; a network that is registered and not yet described here comes last, as it is."""
    described = {variant.name for variant in VARIANTS}
    return *VARIANTS, *(Variant(name, None) for name in REGISTRY if name not in described)
