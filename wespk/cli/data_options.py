"""Options that the verbs on data directories share."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace, _ActionsContainer
from typing import Any

from wespk.cli.options import limit, positive, share
from wespk.data.audio import AudioOptions


def add_spk_sort(parser: ArgumentParser) -> None:
    """Add --no-spk-sort."""
    parser.add_argument(
        "--no-spk-sort", action="store_true", help="let the speakers of utt2spk stand in any order"
    )


def add_overwrite(parser: ArgumentParser) -> None:
    """Add --overwrite."""
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an OUT that holds other data, lists and all"
    )


def add_flag(group: _ActionsContainer, name: str, meaning: str) -> None:
    """Add an option that may stand alone or, as in Kaldi, with =true or =false."""
    dest = name.lstrip("-").replace("-", "_")
    # With nargs="?" it would take the word behind it, a directory, for its value.
    group.add_argument(name, f"{name}=true", dest=dest, action="store_true", default=None, help=meaning)
    group.add_argument(f"{name}=false", dest=dest, action="store_false", default=None, help=SUPPRESS)


def add_audio_options(parser: ArgumentParser) -> None:
    """Add an option for each field of `AudioOptions`; None where it is not given."""
    group = parser.add_argument_group("what audio is accepted")
    group.add_argument("--sample-rate", type=positive, metavar="HZ", help="rate of the audio (16000)")
    group.add_argument(
        "--channel",
        type=channel,
        metavar="N",
        help="channel to take, from 0, or mix (default: must be mono)",
    )
    add_flag(group, "--allow-downsample", "accept a higher rate")
    add_flag(group, "--allow-upsample", "accept a lower rate")
    group.add_argument("--min-seconds", type=limit, metavar="S", help="shortest utterance (0)")
    group.add_argument("--max-seconds", type=_seconds, metavar="S", help="longest utterance (no limit)")
    group.add_argument(
        "--max-clipped", type=share, metavar="SHARE", help="largest share of clipped samples (no limit)"
    )


def audio_options(args: Namespace) -> AudioOptions:
    """Return what the options of `add_audio_options` say."""
    return AudioOptions(**given_audio_options(args))


def given_audio_options(args: Namespace) -> dict[str, Any]:
    """Return the options of `add_audio_options` that were given, by field of `AudioOptions`."""
    values = {name: getattr(args, name) for name in AudioOptions.model_fields}
    return {name: value for name, value in values.items() if value is not None}


def channel(text: str) -> int | str:
    """Read a channel's number from 0, or mix."""
    if text != "mix" and not text.isdecimal():
        raise ArgumentTypeError(f"'{text}' is neither a number from 0 nor mix")
    return text if text == "mix" else int(text)


def _seconds(text: str) -> float:
    if not (value := limit(text)):
        raise ArgumentTypeError("seconds above 0 are needed")
    return value
