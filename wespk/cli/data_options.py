"""Options that the verbs on data directories share."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace

from wespk.cli.options import limit, positive, share
from wespk.data.audio import AudioOptions


def add_spk_sort(parser: ArgumentParser) -> None:
    """Add --no-spk-sort."""
    parser.add_argument(
        "--no-spk-sort", action="store_true", help="let the speakers of utt2spk stand in any order"
    )


def add_audio_options(parser: ArgumentParser) -> None:
    """Add an option for each field of `AudioOptions`."""
    group = parser.add_argument_group("what audio is accepted")
    group.add_argument(
        "--sample-rate", type=positive, default=16000, metavar="HZ", help="rate of the audio (16000)"
    )
    group.add_argument(
        "--channel",
        type=_channel,
        metavar="N",
        help="channel to take, from 0, or mix (default: must be mono)",
    )
    group.add_argument("--allow-downsample", action="store_true", help="accept a higher rate")
    group.add_argument("--allow-upsample", action="store_true", help="accept a lower rate")
    group.add_argument("--min-seconds", type=limit, default=0.0, metavar="S", help="shortest utterance (0)")
    group.add_argument("--max-seconds", type=_seconds, metavar="S", help="longest utterance (no limit)")
    group.add_argument(
        "--max-clipped", type=share, metavar="SHARE", help="largest share of clipped samples (no limit)"
    )


def audio_options(args: Namespace) -> AudioOptions:
    """Return what the options of `add_audio_options` say."""
    return AudioOptions(**{name: getattr(args, name) for name in AudioOptions.model_fields})


def _channel(text: str) -> int | str:
    if text != "mix" and not text.isdecimal():
        raise ArgumentTypeError(f"'{text}' is neither a number from 0 nor mix")
    return text if text == "mix" else int(text)


def _seconds(text: str) -> float:
    if not (value := limit(text)):
        raise ArgumentTypeError("seconds above 0 are needed")
    return value
