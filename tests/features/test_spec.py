import numpy as np
import pytest
from pydantic import ValidationError

from wespk.core.errors import WespkError
from wespk.core.files import write_json
from wespk.features import FbankOptions, FeatureExtractor, FeatureSpec, read_kaldi_options
from wespk.features.extractor import normalise
from wespk.features.spec import read_spec


def test_kaldi_options_file_is_read(tmp_path):
    (tmp_path / "fbank.conf").write_text(
        "# comment\n--num-mel-bins=40  # bins\n\n--use-energy\n--snip-edges=false\n"
    )
    options = read_kaldi_options(tmp_path / "fbank.conf", FbankOptions)
    assert (options.num_mel_bins, options.use_energy, options.snip_edges) == (40, True, False)
    assert options.dim == 41


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--num-mel-bin=40\n", "fbank.conf: unknown key 'num_mel_bin': did you mean 'num_mel_bins'"),
        ("num-mel-bins=40\n", "fbank.conf:1: expected --option=value"),
        ("--high-freq=9000\n", "do not fit below Nyquist"),
        ("--num-mel-bins=many\n", "'num_mel_bins'"),
        ("--frame-shift=0.01\n", "a shift at least 1"),
    ],
)
def test_impossible_options_are_refused(tmp_path, text, message):
    (tmp_path / "fbank.conf").write_text(text)
    with pytest.raises(WespkError, match=message):
        read_kaldi_options(tmp_path / "fbank.conf", FbankOptions)


def test_specification_round_trips_and_shows_what_differs(tmp_path):
    spec = FeatureSpec(options=FbankOptions(num_mel_bins=80), cmn="utterance")
    write_json(tmp_path / "spec.json", spec.model_dump(mode="json"))
    assert read_spec(tmp_path / "spec.json") == spec
    assert read_spec(tmp_path / "spec.json").digest == spec.digest
    other = FeatureSpec(options=FbankOptions(num_mel_bins=40), cmn="utterance")
    assert other.digest != spec.digest
    with pytest.raises(WespkError, match="options.num_mel_bins is 80 in here but 40 in there"):
        spec.require_same(other, "here", "there")
    assert spec.archived().cmn == "none"


def test_specification_cannot_be_changed():
    with pytest.raises(ValidationError):
        FeatureSpec().cmn = "utterance"


def test_mean_subtraction_leaves_a_zero_mean():
    features = np.random.default_rng(0).normal(5, 2, (50, 4)).astype(np.float32)
    np.testing.assert_allclose(normalise(features, FeatureSpec(cmn="utterance")).mean(axis=0), 0, atol=1e-5)
    assert normalise(features, FeatureSpec()) is features


def test_features_do_not_depend_on_hidden_state(voice):
    extractor = FeatureExtractor(FeatureSpec(options=FbankOptions(dither=1.0)))
    sound = voice()
    first = extractor(sound, "utt1")
    extractor(sound, "utt2")
    np.testing.assert_array_equal(extractor(sound, "utt1"), first)
    assert not np.array_equal(extractor(sound, "utt2"), first)


def test_int16_scale_is_applied_once(voice):
    unit = FeatureExtractor(FeatureSpec(options=FbankOptions(dither=0), scale=1.0))(voice())
    scaled = FeatureExtractor(FeatureSpec(options=FbankOptions(dither=0)))(voice())
    np.testing.assert_allclose(scaled - unit, 2 * np.log(32768), atol=0.05)


def test_options_are_read_by_the_schema_of_their_kind():
    spec = FeatureSpec.model_validate({"kind": "mfcc", "options": {"num_ceps": 20, "num_mel_bins": 30}})
    assert spec.dim == 20 and FeatureSpec.model_validate(spec.model_dump(mode="json")) == spec
    with pytest.raises(WespkError, match="features fbank: unknown key 'num_ceps'"):
        FeatureSpec.model_validate({"kind": "fbank", "options": {"num_ceps": 20}})
    with pytest.raises(WespkError, match="unknown features 'fbanks': did you mean 'fbank'"):
        FeatureSpec.model_validate({"kind": "fbanks"})


def test_a_stored_specification_that_names_foreign_code_is_not_imported(tmp_path):
    for foreign in ({"kind": "os.path.join"}, {"denoiser": {"name": "os.system"}}):
        write_json(tmp_path / "spec.json", foreign)
        with pytest.raises(WespkError, match="outside wespk"):
            read_spec(tmp_path / "spec.json")
    for kind, message in (("magic", "unknown features 'magic'"), (["fbank"], "'kind': input should be")):
        write_json(tmp_path / "spec.json", {"kind": kind})
        with pytest.raises(WespkError, match=message):
            read_spec(tmp_path / "spec.json")
    write_json(tmp_path / "spec.json", {"kind": "os.path.join"})
    with pytest.raises(WespkError, match="no `Options`"):
        read_spec(tmp_path / "spec.json", trust_code=True)


def test_difference_of_kinds_is_shown_first():
    with pytest.raises(WespkError, match="kind is mfcc in here but fbank in there"):
        FeatureSpec(kind="mfcc").require_same(FeatureSpec(kind="fbank"), "here", "there")


def test_deviations_are_divided_by_only_where_means_are_subtracted():
    with pytest.raises(ValidationError, match="norm_vars needs cmn"):
        FeatureSpec(norm_vars=True)
