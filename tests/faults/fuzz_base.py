"""What the fuzz damages: recordings of all formats, archives of all forms, data directories, lists, options,
and the files of an experiment.

All of it is made in one folder, from a few short real recordings where there are some, and is the same every
time on one machine: serial numbers and times that encoders put into their files are taken out again.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from fuzz_bytes import repair_ogg
from fuzz_experiment import write_experiment

from wespk.data.archives import write_archive
from wespk.data.compression import METHODS, NONE
from wespk.data.datadir import write_data_dir
from wespk.data.kaldi_objects import write_matrix, write_plda, write_vector
from wespk.data.tables import write_table

RATE = 16000
CORPORA = ("an4", "aishell_sample", "timit_sample", "fsdd", "librispeech_sample")
FORMATS = (  # container, subtype, channels
    *(
        ("WAV", subtype, 1)
        for subtype in ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
    ),
    *(("WAV", subtype, 1) for subtype in ["IMA_ADPCM", "MS_ADPCM", "GSM610"]),
    *(("WAV", "PCM_16", 2), ("WAV", "PCM_24", 6), ("WAVEX", "PCM_24", 2), ("WAVEX", "FLOAT", 1)),
    *(("RF64", "PCM_16", 1), ("W64", "PCM_16", 1), ("CAF", "PCM_16", 1), ("CAF", "ALAC_16", 1)),
    *(("FLAC", "PCM_16", 1), ("FLAC", "PCM_24", 2), ("FLAC", "PCM_S8", 1)),
    *(("OGG", "VORBIS", 1), ("OGG", "VORBIS", 2), ("OGG", "OPUS", 1), ("MP3", "MPEG_LAYER_III", 1)),
    *(
        ("AIFF", "PCM_16", 1),
        ("AIFF", "FLOAT", 1),
        ("AIFF", "ULAW", 1),
        ("AU", "PCM_16", 1),
        ("AU", "ULAW", 1),
    ),
    *(("NIST", "PCM_16", 1), ("NIST", "ULAW", 1), ("NIST", "PCM_16", 2), ("VOC", "PCM_16", 1)),
    *(("PAF", "PCM_16", 1), ("SVX", "PCM_16", 1), ("IRCAM", "PCM_16", 1), ("AVR", "PCM_16", 1)),
)
BY_FFMPEG = {  # ending: options of the encoder
    "m4a": "-c:a aac -b:a 32k",
    "fragments.m4a": "-c:a aac -b:a 32k -movflags frag_keyframe+empty_moov -f mp4",
    "webm": "-c:a libopus -b:a 24k",
    "aac": "-c:a aac -b:a 32k -f adts",
    "vbr.mp3": "-c:a libmp3lame -q:a 5 -write_xing 0",
    "id3.mp3": "-c:a libmp3lame -b:a 32k -metadata title=fuzz",
    "flac.mka": "-c:a flac -f matroska",
}
SPEAKERS = ("s1", "s2", "s3")


def make_base(root: Path, real: Path | None) -> str:
    """Make everything under `root` / base, with paths relative to `root`, which is to be the working folder;
    return a line that says of what."""
    audio = root / "base" / "audio"
    audio.mkdir(parents=True)
    names = sorted(name for name in _recordings(audio, real))
    formats = len({path.suffix for path in audio.iterdir()})
    _archives(Path("base/ark"))
    _kaldi_objects(Path("base/objects"))
    _data_dirs(Path("base/data"))
    _lists(Path("base/lists"))
    _options(Path("base/conf"))
    write_experiment(Path("base/exp"))
    told = f"real recordings of {', '.join(names)}" if real else "made-up voices (WESPK_REAL_DATA is not set)"
    ffmpeg = "with" if shutil.which("ffmpeg") else "without"
    return f"{told}; {len(list(audio.iterdir()))} recordings, {formats} endings, {ffmpeg} ffmpeg"


def _recordings(audio: Path, real: Path | None) -> Iterator[str]:
    """Write recordings; yield the names of the corpora that some were taken from."""
    samples = _voice()
    if real is not None:
        for corpus in CORPORA:
            # The shortest one of each of two speakers.
            found = [path for path in (real / corpus).rglob("*") if path.suffix in (".wav", ".flac", ".WAV")]
            folders: dict[Path, Path] = {}
            for path in sorted(found, key=lambda path: (path.stat().st_size, path)):
                folders.setdefault(path.parent, path)
            for number, path in enumerate(list(folders.values())[:2]):
                shutil.copyfile(path, audio / f"real-{corpus}-{number}{path.suffix}")
            yield corpus
        samples, _ = soundfile.read(audio / "real-an4-0.flac", dtype="float32")
    for container, subtype, channels in FORMATS:
        target = io.BytesIO()
        wave = np.stack([samples * (0.9**c) for c in range(channels)], axis=1)
        soundfile.write(target, wave, RATE, format=container, subtype=subtype)
        data = repair_ogg(target.getvalue()) if container == "OGG" else _without_time(target.getvalue())
        (audio / f"{subtype}-{channels}.{container}".lower()).write_bytes(data)
    if shutil.which("ffmpeg"):
        for ending, options in BY_FFMPEG.items():
            given = f"-nostdin -v error -y -i {audio}/pcm_16-1.wav -fflags +bitexact -flags:a +bitexact"
            subprocess.run(
                ["ffmpeg", *given.split(), *options.split(), f"{audio}/ffmpeg.{ending}"],
                check=True,
                timeout=60,
            )


def _voice() -> np.ndarray:
    time = np.arange(12000) / RATE
    sound = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 12))
    return (0.1 * (sound + np.random.default_rng(0).normal(0, 0.05, len(time)))).astype(np.float32)


def _without_time(data: bytes) -> bytes:
    """Return a file without the time of writing that libsndfile notes beside the peaks of float samples."""
    at = data.find(b"PEAK")
    return data if at < 0 else data[: at + 12] + bytes(4) + data[at + 16 :]


def _matrices(rng: np.random.Generator, columns: int | None = 7) -> dict[str, np.ndarray]:
    frames = {"s1-a": 20, "s1-b": 9, "s2-a": 3, "s3-a": 40}
    shape = {key: (rows,) if columns is None else (rows, columns) for key, rows in frames.items()}
    return {key: rng.normal(size=size).astype(np.float32) * 10 for key, size in shape.items()}


def _archives(folder: Path) -> None:
    rng = np.random.default_rng(1)
    matrices = _matrices(rng)
    for method in (NONE, *METHODS):
        items = (
            {key: np.abs(matrix) for key, matrix in matrices.items()} if "unsigned" in method else matrices
        )
        write_archive(folder / f"{method}.ark", folder / f"{method}.scp", items.items(), method)
    write_archive(folder / "text.ark", folder / "text.scp", matrices.items(), text=True)
    vectors = {key: rng.normal(size=5).astype(np.float32) for key in matrices}
    write_archive(folder / "vectors.ark", folder / "vectors.scp", vectors.items())
    write_archive(folder / "words.ark", folder / "words.scp", vectors.items(), text=True)
    data, places = b"", {}
    for key, matrix in matrices.items():
        data += f"{key} ".encode()
        places[key] = f"{folder}/double.ark:{len(data)}"
        sizes = b"".join(b"\4" + size.to_bytes(4, "little") for size in matrix.shape)
        data += b"\0BDM " + sizes + matrix.astype("<f8").tobytes()
    (folder / "double.ark").write_bytes(data)
    write_table(folder / "double.scp", places)


def _kaldi_objects(folder: Path) -> None:
    rng = np.random.default_rng(2)
    for binary, form in ((True, "bin"), (False, "txt")):
        write_vector(folder / f"vector.{form}", rng.normal(size=6), binary)
        write_matrix(folder / f"matrix.{form}", rng.normal(size=(4, 6)).astype(np.float32), binary)
        write_plda(folder / f"plda.{form}", rng.normal(size=3), np.eye(3), np.ones(3), binary)


def _data_dirs(folder: Path) -> None:
    """Write a directory with all tables, and one with segments."""
    recordings = ["base/audio/pcm_16-1.wav", "base/audio/pcm_16-1.flac", "base/audio/pcm_16-1.nist"]
    utts = [f"{spk}-{name}" for spk in SPEAKERS for name in ("a", "b", "c")]
    owner = {utt: utt.partition("-")[0] for utt in utts}
    genders = {"s1": "f", "s2": "m", "s3": "f"}
    frames = {utt: 40 for utt in utts[:-1]}
    features = {utt: np.zeros((40, 4), np.float32) for utt in frames}
    for name in ("plain", "segments", "frames"):  # what tells the durations: tables, times, frames
        place = folder / name
        tables = {"text": {utt: f"één twee {utt}" for utt in utts}}
        wav = dict(zip(utts, recordings * 3, strict=True))
        if name == "segments":
            wav = {f"r{n}": path for n, path in enumerate(recordings)}
            times = ("0 0.2", "0.1 0.35", "0.2 -1")
            tables["segments"] = {utt: f"r{n % 3} {times[n // 3]}" for n, utt in enumerate(utts)}
        if name == "plain":
            tables |= {"utt2dur": dict.fromkeys(utts, "0.42"), "reco2dur": dict.fromkeys(wav, "0.45")}
        write_data_dir(place, wav, owner, spk2gender=genders, **tables)
        write_archive(place / "feats.ark", place / "feats.scp", features.items())
        write_archive(place / "vad.ark", place / "vad.scp", ((utt, f[:, 0]) for utt, f in features.items()))
        write_table(place / "utt2num_frames", frames)
        options = {"sample_frequency": 16000, "num_mel_bins": 4}
        record = {"content": "0" * 64, "items": len(frames), "compression": NONE}
        spec = {"spec": {"kind": "fbank", "options": options}}
        (place / "feats.json").write_text(json.dumps({**record, **spec}, indent=2) + "\n")
        (place / "vad.json").write_text(json.dumps(record, indent=2) + "\n")
        # What has no features has no vad either; Kaldi's rules want the rest of the tables exact.
        (place / "rejected.txt").write_text(f"{utts[-1]} silent: all samples are equal\n")


def _lists(folder: Path) -> None:
    folder.mkdir()
    tests = [f"{spk}-{n}" for spk in SPEAKERS for n in range(4)]
    kinds = ("nontarget", "target", "target-wrong")
    pairs = [
        (spk, test, kinds[test.startswith(spk) * (1 + test.endswith("3"))])
        for spk in SPEAKERS
        for test in tests
    ]
    (folder / "trials").write_text("".join(f"{' '.join(pair)}\n" for pair in pairs))
    (folder / "scores").write_text("".join(f"{e} {t} {0.1 * n:.3f}\n" for n, (e, t, _) in enumerate(pairs)))
    (folder / "enrol").write_text("".join(f"{spk} {spk}-e1 {spk}-e2\n" for spk in SPEAKERS))
    files = sorted(path.name for path in Path("base/audio").iterdir() if path.suffix in (".wav", ".flac"))[
        ::3
    ]
    rows = [
        {"path": f"../audio/{name}", "speaker": SPEAKERS[n % 3], "start": "0.0", "end": "0.2", "gender": "f"}
        | {"utt": f"u{n}", "text": "één twee"}
        for n, name in enumerate(files)
    ]
    heads = list(rows[0])
    for ending, sign in (("csv", ","), ("tsv", "\t")):
        lines = [sign.join(heads), *(sign.join(row.values()) for row in rows)]
        (folder / f"corpus.{ending}").write_text("\n".join(lines) + "\n")
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    (folder / "corpus.txt").write_text("".join(f"{row['path']}\t{row['speaker']}\n" for row in rows))
    (folder / "genders.txt").write_text("; speakers\n" + "".join(f"{spk} | F | x\n" for spk in SPEAKERS))


def _options(folder: Path) -> None:
    """Write option files with every option of each kind, and the configurations of recipes."""
    from wespk.features.settings import SLIDING, VAD, setting_fields

    folder.mkdir()
    unset = {"max_duration": 20, "max_clipped": 0.5, "level_db": -20, "f_max": 7000, "win_length": 400}
    dependent = [*SLIDING, *(name for schema in VAD.values() for name in schema.model_fields)]
    left_out = {"denoiser", "norm", *dependent}  # options of what is not switched on are refused
    for kind in ("fbank", "mfcc", "spectrogram", "mel_spectrogram"):
        lines = ["# every option"]
        for name, default, _ in setting_fields(kind):
            value = unset.get(name) if default is None else default
            if value is not None and name not in left_out:
                text = str(value).lower() if isinstance(value, bool) else value
                lines.append(f"--{name.replace('_', '-')}={text}")
        (folder / f"{kind}.conf").write_text("\n".join(lines) + "\n")
    (folder / "vad.conf").write_text(
        "--vad-energy-threshold=5.5\n--vad-energy-mean-scale=0.5\n--vad-proportion-threshold=0.12\n"
        "--vad-frames-context=2  # as in the voxceleb recipe\n"
    )
    recipes = Path(__file__).parents[2] / "egs"
    for path in sorted(recipes.glob("*/conf/*.yaml")):
        shutil.copyfile(path, folder / f"{path.parts[-3]}-{path.name}")
    for path in sorted(recipes.glob("*/conf/*.conf")):
        shutil.copyfile(path, folder / f"{path.parts[-3]}-{path.stem}.conf")
