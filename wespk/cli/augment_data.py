"""Make augmented copies of a data directory, as Kaldi's recipes for speaker recognition do.

Usage:   wespk augment-data --kind KIND [options] DATA OUT
Example: wespk augment-data --kind noise --musan musan --snr 0:15 --nj 4 data/train data/train_noise
         wespk augment-data --kind music --musan musan data/train data/train_music
         wespk augment-data --kind babble --musan musan --talkers 3:7 data/train data/train_babble
         wespk augment-data --kind reverb --rirs RIRS_NOISES data/train data/train_reverb
         wespk augment-data --kind reverb --simulate-rooms small,medium data/train data/train_reverb
         wespk augment-data --kind speed --factors 0.9,1.1 data/train data/train_speed
         wespk combine-data data/train_all data/train data/train_noise data/train_speed

OUT gets the recordings as Kaldi wav archives (16 bits), wav.scp, utt2spk, spk2utt, utt2dur, utt2uniq (copy,
original), the other tables of DATA under the new ids, and utt2augment: what was done to each utterance. A
copy is called UTT-noise; at another speed it is sp0.9-UTT of the new speaker sp0.9-SPK. What happens to an
utterance depends on the seed, the kind and its id alone. What cannot be used is listed in
OUT/not_augmented.txt.

After jobs of a cluster (--job JOB/N) the same command with --nj N instead joins what they made.
A range is written LOW:HIGH, one that begins with a minus sign --gain=-12:6.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from wespk.augment.options import ADDITIVE, KINDS, AugmentOptions
from wespk.cli.data_options import add_flag, channel
from wespk.cli.jobs import add_jobs, run_side_by_side
from wespk.cli.options import positive
from wespk.core.config import parse_config
from wespk.core.errors import WespkError
from wespk.core.progress import say, track
from wespk.data.audio import AudioOptions
from wespk.data.datadir import load_data_dir
from wespk.data.jobs import Job

# Option -> kinds that it goes with; a key of AugmentOptions with {} for the kind.
FIELDS = {
    "musan": (ADDITIVE, "musan"),
    "snr": (ADDITIVE, "{}_snr"),
    "interval": (("noise",), "noise_interval"),
    "talkers": (("babble",), "babble_talkers"),
    "rirs": (("reverb",), "rirs"),
    "simulate_rooms": (("reverb",), "rooms"),
    "factors": (("speed", "tempo"), "{}s"),
    "gain": (("volume",), "volume_db"),
    "codes": (("telephone",), "telephones"),
    "codecs": (("codec",), "codecs"),
    "compression": (("codec",), "compression"),
    "clipped": (("clip",), "clipped"),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory to copy")
    parser.add_argument("out", type=Path, metavar="OUT", help="new data directory")
    parser.add_argument("--kind", required=True, choices=KINDS, help="what is done")
    parser.add_argument("--seed", type=int, default=0, help="seed of all choices (0)")
    parser.add_argument("--suffix", help="ending of the copies' ids after a hyphen (the kind)")
    add_jobs(parser)
    audio = parser.add_argument_group("which recordings are taken")
    audio.add_argument("--sample-rate", type=positive, default=16000, metavar="HZ", help="(16000)")
    audio.add_argument("--channel", type=channel, metavar="N|mix", help="channel to take of several, from 0")
    add_flag(audio, "--allow-downsample", "take recordings of a higher rate")
    add_flag(audio, "--allow-upsample", "take recordings of a lower rate")
    group = parser.add_argument_group("options of the kinds")
    group.add_argument(
        "--musan", metavar="DIR", help="noise, music, babble: folder of noise/, music/, speech/"
    )
    group.add_argument(
        "--snr", type=_span, metavar="DB:DB", help="noise (0:15), music (5:15), babble (13:20)"
    )
    group.add_argument("--interval", type=float, metavar="S", help="noise: quiet between noises (1)")
    group.add_argument("--talkers", type=_span, metavar="N:N", help="babble: how many voices (3:7)")
    group.add_argument("--rirs", metavar="DIR", help="reverb: folder of room impulse responses")
    group.add_argument(
        "--simulate-rooms", type=_list, metavar="SIZES", help="reverb: small,medium,large rooms"
    )
    group.add_argument("--factors", type=_list, metavar="F,F", help="speed, tempo: factors (0.9,1.1)")
    group.add_argument("--gain", type=_span, metavar="DB:DB", help="volume: gain (-12:6)")
    group.add_argument("--codes", type=_list, metavar="CODES", help="telephone: mu-law,a-law,gsm,adpcm")
    group.add_argument("--codecs", type=_list, metavar="CODECS", help="codec: vorbis,mp3,opus")
    group.add_argument("--compression", type=_span, metavar="C:C", help="codec: 0 best sound, 1 fewest bits")
    group.add_argument("--clipped", type=_span, metavar="P:P", help="clip: share of samples (0.005:0.1)")


def run(args: Namespace) -> None:
    """Make one job's share with --job, else all copies, and join them."""
    from wespk.augment.copies import Copies

    audio = AudioOptions(
        sample_rate=args.sample_rate,
        channel=args.channel,
        allow_downsample=bool(args.allow_downsample),
        allow_upsample=bool(args.allow_upsample),
    )
    options = _options(args)
    is_speed = args.kind == "speed"
    if is_speed and args.suffix is not None:
        raise WespkError("--suffix: does not go with --kind speed, whose copies are called sp0.9-UTT")
    copies = Copies(
        load_data_dir(args.data),
        args.out,
        args.kind,
        options,
        audio,
        seed=args.seed,
        suffix=args.kind if args.suffix is None else args.suffix,
        factors=tuple(args.factors or map(str, options.speeds)) if is_speed else (),
    )
    if args.job:
        copies.run(Job.parse(args.job), track)
        return
    if args.nj == 1:
        copies.run(Job(1, 1), track)
    else:
        for line in run_side_by_side(args, args.out / "log", args.nj):
            say(line)
    say(copies.merge(args.max_rejected))


def _options(args: Namespace) -> AugmentOptions:
    values: dict[str, Any] = {"kinds": {args.kind: 1.0}}
    for name, (kinds, field) in FIELDS.items():
        value = getattr(args, name)
        if value is None:
            continue
        if args.kind not in kinds:
            option = f"--{name.replace('_', '-')}"
            raise WespkError(f"{option}: goes with --kind {' or '.join(kinds)}, not with {args.kind}")
        values[field.format(args.kind)] = value
    if args.kind in ADDITIVE and not args.musan:
        raise WespkError(f"--kind {args.kind}: needs --musan DIR, a folder with noise/, music/ and speech/")
    if args.kind == "reverb" and bool(args.rirs) == bool(args.simulate_rooms):
        raise WespkError("--kind reverb: needs one of --rirs DIR and --simulate-rooms SIZES")
    return parse_config(AugmentOptions, values, f"augment-data --kind {args.kind}")


def _span(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is not a range LOW:HIGH of two numbers") from None
    return low, high


def _list(text: str) -> list[str]:
    return [part for part in text.split(",") if part]
