"""Make the data directories of AN4 from the corpus that get_corpus.py has found, in any layout.

Usage:   local/prepare.py [--fold N] DATA
Example: local/prepare.py --fold 1 data

The corpus holds a folder a speaker somewhere below it, with .flac, .wav, .sph or headerless .raw files
(16 kHz, 16 bit, big-endian). local/speakers.tsv names the 16 test speakers and the 4 folds of the other 48:
fold N becomes data/dev, the other folds data/train. Speakers that it does not name are used nowhere.
"""

from __future__ import annotations

from pathlib import Path

import soundfile

from wespk.core.errors import WespkError
from wespk.core.files import atomic_path, read_json, read_text
from wespk.core.progress import say
from wespk.core.script import doc_parser, errors_for_people
from wespk.data.corpus import audio_files
from wespk.data.datadir import write_data_dir

SAMPLE_RATE = 16000
NUM_FOLDS = 4
SUFFIXES = (".flac", ".wav", ".sph", ".raw")


def main() -> None:
    parser = doc_parser(__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--fold", type=int, choices=range(1, NUM_FOLDS + 1), default=1)
    args = parser.parse_args()
    with errors_for_people():
        prepare(args.data, args.fold)


def prepare(data: Path, fold: int) -> None:
    corpus = Path(read_json(data / "corpus.json")["corpus"])
    parts = read_parts()
    files = find_recordings(corpus, set(parts))
    names = {"test": "test", str(fold): "dev"}
    for target in ("train", "dev", "test"):
        wav, utt2spk = {}, {}
        for spk, part in parts.items():
            if names.get(part, "train") != target:
                continue
            for path in files[spk]:
                utt = f"{spk}-{path.stem}"
                wav[utt] = str(with_header(path, data / "wav" / spk).resolve())
                utt2spk[utt] = spk
        genders = {spk: spk[0] for spk in set(utt2spk.values())}  # AN4's ids begin with the gender
        say(str(write_data_dir(data / target, wav, utt2spk, spk2gender=genders)))


def read_parts() -> dict[str, str]:
    """Return each speaker's part: test, or the number of a fold."""
    lines = read_text(Path(__file__).parent / "speakers.tsv").splitlines()[1:]
    return dict(line.split("\t") for line in lines)


def find_recordings(corpus: Path, speakers: set[str]) -> dict[str, list[Path]]:
    """Return each speaker's recordings, sorted by name; of a recording in two formats, one.

    Raises `WespkError` naming the first speaker without recordings.
    """
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(audio_files(corpus, SUFFIXES), key=lambda path: SUFFIXES.index(path.suffix.lower())):
        if path.parent.name in speakers:
            found.setdefault(path.parent.name, {}).setdefault(path.stem, path)
    missing = sorted(speakers - set(found))
    if missing:
        count = f"{len(missing)} of {len(speakers)} speakers are missing"
        raise WespkError(
            f"{corpus}: no recordings of speaker '{missing[0]}' below it ({count}); is this AN4?"
        )
    return {spk: [files[stem] for stem in sorted(files)] for spk, files in found.items()}


def with_header(path: Path, folder: Path) -> Path:
    """Return the path itself, or of a copy with a header if it is a headerless recording."""
    if path.suffix != ".raw":
        return path
    copy = folder / f"{path.stem}.flac"
    if not copy.exists():
        samples, _ = soundfile.read(
            path,
            dtype="int16",
            samplerate=SAMPLE_RATE,
            channels=1,
            format="RAW",
            subtype="PCM_16",
            endian="BIG",
        )
        with atomic_path(copy) as temporary:
            soundfile.write(temporary, samples, SAMPLE_RATE, format="FLAC")
    return copy


if __name__ == "__main__":
    main()
