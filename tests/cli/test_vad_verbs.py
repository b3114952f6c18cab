"""compute-vad, apply-cmvn and select-voiced-frames: one after the other, alone, and with wrong input."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wespk.cli.main import main
from wespk.core.config import parse_config
from wespk.core.files import read_json, write_json
from wespk.data.archives import read_archive
from wespk.data.datadir import load_data_dir, write_data_dir
from wespk.features import neural_vad
from wespk.features.cmvn import SlidingCmnOptions, sliding_cmn, utterance_cmvn
from wespk.features.energy import frame_log_energy
from wespk.features.extractor import FeatureExtractor
from wespk.features.spec import FeatureSpec, read_archive_record
from wespk.features.vad import EnergyVadOptions, energy_vad

SILENT = "s1-u1"  # an utterance of noise, far below the others' level


@pytest.fixture
def verb(tmp_path, monkeypatch, capsys):
    """Run a verb in `tmp_path`, inside this process; return what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, status: int = 0) -> str:
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        assert code == status, printed.err
        return printed.out if status == 0 else printed.err

    return run


@pytest.fixture
def corpus(tmp_path, monkeypatch, voice) -> Path:
    """A data directory of two speakers: silence, speech, silence; one utterance is silent."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    wav, utt2spk = {}, {}
    for speaker in range(2):
        for number in range(2):
            utt = f"s{speaker}-u{number}"
            sound = generator.normal(0, 1e-4, 16000)
            if utt != SILENT:
                sound[4000:12000] += voice(100 + 30 * speaker, seconds=0.5)
            path = tmp_path / f"{utt}.wav"
            soundfile.write(path, sound, 16000, subtype="PCM_16")
            wav[utt], utt2spk[utt] = str(path), f"s{speaker}"
    write_data_dir("data", wav, utt2spk)
    return Path("data")


def archive(scp: object) -> dict[str, np.ndarray]:
    return {key: np.array(array) for key, array in read_archive(Path(str(scp)))}


@pytest.mark.parametrize(
    ("compute", "without_speech"),
    [
        (["compute-mfcc", "--num-ceps", 20], {SILENT}),  # holds the log energy
        # The level makes noise loud, all of it as loud; the end is made silent.
        (
            ["compute-fbank", "--snip-edges=false", "--level-db=-26", "--denoiser=quiet_tail.Denoiser"],
            set(),
        ),
    ],
)
def test_the_three_verbs_give_what_the_extractor_gives(
    verb, corpus, compute, without_speech, monkeypatch, tmp_path
):
    Path("quiet_tail.py").write_text(
        "class Denoiser:\n"
        "    def __call__(self, samples, rate):\n"
        "        return [value if at < 10000 else value / 1000 for at, value in enumerate(samples)]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    verb(*compute, "--dither", 0, "data")
    said = verb("compute-vad", "--vad-frames-context", 2, "data")
    verb("apply-cmvn", "--sliding", "--cmn-window=30", "--min-cmn-window=20", "--center=true", "data", "cmn")
    verb("select-voiced-frames", "--max-rejected", 1, "cmn", "voiced")

    record = read_archive_record("voiced")
    assert record.spec.sliding_cmn == SlidingCmnOptions(cmn_window=30, min_cmn_window=20, center=True)
    assert record.spec.vad == EnergyVadOptions(vad_frames_context=2)
    extractor, data = FeatureExtractor(record.spec), load_data_dir("voiced")
    features = archive("voiced/feats.scp")
    assert set(features) == set(data.utterances) - without_speech
    for utt, matrix in features.items():
        np.testing.assert_array_equal(matrix, extractor(data.audio(utt, 16000), utt))

    vad = archive("data/vad.scp")
    voiced, total = sum(map(np.count_nonzero, vad.values())), sum(map(len, vad.values()))
    assert 0 < voiced < total
    assert f"speech in {100 * voiced / total:.1f} % of {total} frames" in said
    assert f"none in {len(without_speech)} of 4 utterances" in said
    assert all(set(np.unique(decisions)) <= {0, 1} for decisions in vad.values())
    assert {utt: len(matrix) for utt, matrix in features.items()} == {
        utt: np.count_nonzero(vad[utt]) for utt in features
    }


def test_an_utterance_without_speech_is_named_and_rejected(verb, corpus):
    verb("compute-mfcc", "--dither", 0, "data")
    verb("compute-vad", "data")
    assert Path("data/unvoiced.txt").read_text() == f"{SILENT} no speech: none of 98 frames is voiced\n"
    assert not archive("data/vad.scp")[SILENT].any()
    told = verb("select-voiced-frames", "data", "voiced", status=1)
    assert f"1 of 4 rejected, --max-rejected 0.01 allows 0; first {SILENT}: no speech" in told
    verb("select-voiced-frames", "--max-rejected", 1, "data", "voiced")
    assert Path("voiced/rejected.txt").read_text() == f"{SILENT} no speech: none of 98 frames is voiced\n"
    load_data_dir("data")  # with its vad.scp, and the other one with its rejected utterance, they are valid
    load_data_dir("voiced")


def test_energies_come_from_the_audio_where_the_features_have_none(verb, corpus):
    verb("compute-fbank", "--dither", 0, "--snip-edges", "false", "data")
    verb("compute-vad", "--vad-energy-threshold", 5.5, "data")
    data, spec = load_data_dir("data"), read_archive_record("data").spec
    for utt, decisions in archive("data/vad.scp").items():
        energy = frame_log_energy(data.audio(utt, 16000), spec.options)
        np.testing.assert_array_equal(
            decisions, energy_vad(energy, EnergyVadOptions(vad_energy_threshold=5.5))
        )


def test_energies_of_features_and_of_audio_agree(verb, corpus):
    for name, options in (("with", ["--use-energy", "true"]), ("without", ["--use-energy", "false"])):
        shutil.copytree("data", name)
        verb("compute-fbank", "--dither", 0, *options, name)
        verb("compute-vad", name)
    with_energy, without = archive("with/vad.scp"), archive("without/vad.scp")
    for utt in with_energy:
        np.testing.assert_array_equal(with_energy[utt], without[utt])


def test_energies_of_features_on_another_scale_are_brought_to_int16(verb, corpus):
    verb("compute-mfcc", "--dither", 0, "data")
    record = read_json("data/feats.json")
    write_json("data/feats.json", {**record, "spec": {**record["spec"], "scale": 8192.0}})
    verb("compute-vad", "--vad-energy-mean-scale", 0, "--vad-energy-threshold", 10, "data")
    options = EnergyVadOptions(vad_energy_mean_scale=0, vad_energy_threshold=10)
    differ = 0
    features = archive("data/feats.scp")
    for utt, decisions in archive("data/vad.scp").items():
        energy = features[utt][:, 0]
        np.testing.assert_array_equal(decisions, energy_vad(energy + np.float32(np.log(16)), options))
        differ += np.count_nonzero(decisions != energy_vad(energy, options))
    assert differ


def test_options_are_read_from_a_kaldi_file_and_flags_overrule_it(verb, corpus):
    Path("vad.conf").write_text("--vad-energy-threshold=5.5\n--vad-frames-context=2 # frames\n")
    verb("compute-mfcc", "data")
    verb("compute-vad", "--config", "vad.conf", "--vad-frames-context", 1, "data")
    found = read_json("data/vad.json")["spec"]["vad"]
    assert (found["vad_energy_threshold"], found["vad_frames_context"]) == (5.5, 1)


def test_several_jobs_give_the_same_as_one(verb, wespk, corpus):
    verb("compute-mfcc", "data")
    verb("compute-vad", "data")
    one, record = archive("data/vad.scp"), read_json("data/vad.json")
    said = wespk("compute-vad", "--nj", 2, "data").stdout
    assert said.splitlines()[-1].endswith(f"none in 1 of 4 utterances: {SILENT} (data/unvoiced.txt)")
    assert read_json("data/vad.json") == record
    two = archive("data/vad.scp")
    assert list(one) == list(two) and all(np.array_equal(one[utt], two[utt]) for utt in one)


def test_a_finished_vad_is_not_done_again(verb, corpus):
    verb("compute-mfcc", "data")
    verb("compute-vad", "data")
    assert "4 items are up to date" in verb("compute-vad", "data")
    assert "up to date" not in verb("compute-vad", "--vad-energy-threshold", 4, "data")


@pytest.mark.skipif(
    not importlib.util.find_spec("silero_vad"), reason="the extra wespk[vad] is not installed"
)
def test_neural_vad_is_told_where_frames_begin(verb, corpus, monkeypatch):
    # The network's judgement is put in place of; it would find no speech in harmonics.
    probabilities = np.zeros(32)
    probabilities[10:20] = 1
    monkeypatch.setattr(neural_vad, "speech_probabilities", lambda samples, rate: probabilities)
    verb("compute-fbank", "--snip-edges", "false", "data")
    verb("compute-vad", "--neural", "--speech-pad-ms", 0, "data")
    decisions = archive("data/vad.scp")["s0-u0"]
    assert len(decisions) == 100
    assert np.flatnonzero(decisions).tolist() == list(range(32, 64))  # centres 80 + 160 f in 5120..10240
    assert read_json("data/vad.json")["spec"]["vad"]["speech_pad_ms"] == 0


@pytest.mark.skipif(
    not importlib.util.find_spec("silero_vad"), reason="the extra wespk[vad] is not installed"
)
def test_neural_vad_finds_speech_in_real_recordings(verb, tmp_path, real_data):
    recordings = sorted((real_data / "librispeech_sample").rglob("*.flac"))[:2]
    write_data_dir(
        tmp_path / "real",
        {f"s{n}-u": str(path) for n, path in enumerate(recordings)},
        {f"s{n}-u": f"s{n}" for n in range(2)},
    )
    verb("compute-fbank", "real")
    verb("compute-vad", "--neural", "real")
    for decisions in archive("real/vad.scp").values():
        assert 0.5 < decisions.mean() < 1


@pytest.mark.parametrize("norm_vars", ["true", "false"])
def test_utterance_cmvn_is_recorded_and_may_follow_the_selection(verb, corpus, norm_vars):
    verb("compute-mfcc", "data")
    verb("compute-vad", "data")
    verb("select-voiced-frames", "--max-rejected", 1, "data", "voiced")
    verb("apply-cmvn", "--utterance", f"--norm-vars={norm_vars}", "--max-rejected", 1, "voiced", "normal")
    spec = read_archive_record("normal").spec
    assert (spec.cmn, spec.norm_vars) == ("utterance", norm_vars == "true")
    before, after = archive("voiced/feats.scp"), archive("normal/feats.scp")
    assert set(before) == set(after) and len(after) == 3
    for utt in after:
        np.testing.assert_array_equal(after[utt], utterance_cmvn(before[utt], norm_vars == "true"))
    assert f"{SILENT} no speech" in Path("normal/rejected.txt").read_text()


def test_sliding_cmn_has_kaldi_defaults(verb, corpus):
    verb("compute-mfcc", "data")
    verb("apply-cmvn", "--sliding", "data", "cmn")
    assert read_archive_record("cmn").spec.sliding_cmn == SlidingCmnOptions()
    before, after = archive("data/feats.scp"), archive("cmn/feats.scp")
    for utt in before:
        np.testing.assert_array_equal(after[utt], sliding_cmn(before[utt], SlidingCmnOptions()))
    assert not Path("cmn/vad.scp").exists()


def test_what_was_done_is_not_done_twice_or_out_of_order(verb, corpus):
    verb("compute-mfcc", "data")
    verb("compute-vad", "data")
    verb("apply-cmvn", "--sliding", "data", "cmn")
    verb("apply-cmvn", "--utterance", "data", "mean")
    verb("select-voiced-frames", "--max-rejected", 1, "data", "voiced")
    for arguments, told in (
        (
            ["apply-cmvn", "--sliding", "cmn", "out"],
            "cmn: the mean of a sliding window is subtracted already",
        ),
        (
            ["apply-cmvn", "--utterance", "mean", "out"],
            "mean: the mean of the utterance is subtracted already",
        ),
        (["apply-cmvn", "--sliding", "mean", "out"], "mean: the mean of the utterance is subtracted already"),
        (["apply-cmvn", "--sliding", "voiced", "out"], "voiced: voiced frames are selected already"),
        (["compute-vad", "cmn"], "cmn: its features are normalised or selected already"),
        (["compute-vad", "voiced"], "voiced: its features are normalised or selected already"),
        (["select-voiced-frames", "mean", "out"], "mean: the mean of the utterance, silence included"),
        (["select-voiced-frames", "voiced", "out"], "vad.json: no such file; it says how vad.scp was made"),
        (["apply-cmvn", "--sliding", "data", "data"], "data: DATA and OUT are the same directory"),
        (["apply-cmvn", "--utterance", "--cmn-window=9", "data", "out"], "'cmn_window' goes with --sliding"),
        (
            ["apply-cmvn", "--sliding", "--center=true", "--cmn-window=9", "data", "out"],
            "min_cmn_window must",
        ),
        (["compute-vad", "--neural", "--vad-frames-context", 1, "data"], "unknown key 'vad_frames_context'"),
    ):
        assert told in verb(*arguments, status=1)
    assert not Path("out").exists()


def vad_files() -> dict[str, bytes]:
    return {name: Path("data", name).read_bytes() for name in ("vad.scp", "vad.json")}


def put_back(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        Path("data", name).write_bytes(content)


def test_a_vad_of_other_features_is_refused(verb, corpus):
    verb("compute-mfcc", "data")
    verb("compute-vad", "data")
    kept = vad_files()
    told = verb("compute-mfcc", "--frame-shift", 5, "data")
    assert "vad.scp was made of other features and is removed" in told and not Path("data/vad.scp").exists()
    put_back(kept)
    told = verb("select-voiced-frames", "data", "out", status=1)
    assert "options.frame_shift is 5.0 in data/feats.json but 10.0 in data/vad.json" in told


def test_decisions_of_another_length_are_rejected_by_name(verb, corpus):
    verb("compute-mfcc", "data")
    verb("compute-vad", "data")
    kept = vad_files()
    soundfile.write("s0-u0.wav", soundfile.read("s0-u1.wav")[0][:12000], 16000)
    verb("compute-mfcc", "data")
    put_back(kept)
    verb("select-voiced-frames", "--max-rejected", 2, "data", "out")
    rejected = Path("out/rejected.txt").read_text().splitlines()
    assert rejected[0] == "s0-u0 lengths differ: 73 frames of features, 98 of VAD"
    assert len(rejected) == 2 and len(archive("out/feats.scp")) == 2


def test_audio_that_changed_after_the_features_is_rejected_by_name(verb, corpus):
    verb("compute-fbank", "data")
    soundfile.write("s0-u0.wav", soundfile.read("s0-u1.wav")[0][:12000], 16000)
    told = verb("compute-vad", "data", status=1)
    assert "first s0-u0: lengths differ: 98 frames of features, 73 of the audio as it is now" in told


def test_features_that_are_not_finite_are_rejected_by_name(verb, corpus, monkeypatch):
    verb("compute-mfcc", "data")
    monkeypatch.setattr(
        "wespk.cli.feature_maps.MappedMatrices.__getitem__",
        lambda self, index: np.full((5, 13), np.nan if index == 2 else 1.0, dtype=np.float32),
    )
    verb("apply-cmvn", "--sliding", "--max-rejected", 1, "data", "out")
    assert Path("out/rejected.txt").read_text().startswith("s1-u0 not finite")


def test_the_specification_reads_both_kinds_of_vad_back():
    for options in (EnergyVadOptions(), neural_vad.NeuralVadOptions()):
        spec = FeatureSpec(vad=options)
        assert parse_config(FeatureSpec, spec.model_dump(mode="json"), "spec").vad == options


def test_a_data_directory_of_other_recordings_is_not_overwritten(verb, corpus):
    verb("compute-mfcc", "data")
    verb("copy-data", "--spk-prefix", "x", "--utt-prefix", "x", "data", "other")
    before = {path.name: path.read_bytes() for path in Path("other").iterdir() if path.is_file()}
    told = verb("apply-cmvn", "--sliding", "data", "other", status=1)
    assert "other: is a data directory of other recordings than data" in told
    assert {path.name: path.read_bytes() for path in Path("other").iterdir() if path.is_file()} == before


def test_every_table_but_those_of_frames_goes_along(verb, corpus):
    verb("compute-mfcc", "data")
    utts = sorted(line.split()[0] for line in Path("data/utt2spk").read_text().splitlines())
    Path("data/utt2session").write_text("".join(f"{utt} one\n" for utt in utts))
    verb("apply-cmvn", "--sliding", "data", "out")
    assert Path("out/utt2session").read_bytes() == Path("data/utt2session").read_bytes()


def test_features_of_other_width_than_their_record_are_refused(verb, corpus):
    verb("compute-mfcc", "data")
    verb("compute-mfcc", "--num-ceps", 10, "--nj", 1, str(shutil.copytree("data", "narrow")))
    shutil.copy("narrow/feats.scp", "data/feats.scp")
    told = verb("apply-cmvn", "--sliding", "data", "out", status=1)
    assert "10 columns, not 13 as feats.json says" in told
