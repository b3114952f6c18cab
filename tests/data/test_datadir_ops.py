import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.data_tables import DataTables, read_tables, refuse_same, write_data
from wespk.data.datadir_ops import combine, prefix_speakers, rename, restrict

SPEC = {"kind": "fbank", "options": {"num_mel_bins": 80, "frame_shift": 10.0}}


def record(content="c0", **more):
    return {"spec": SPEC, "content": content, "items": 3, **more}


@pytest.fixture
def data():
    """Three utterances of two speakers with all kinds of tables."""
    utts = ("a-1", "a-2", "b-1")
    tables = {
        name: {utt: f"{name}:{utt}" for utt in utts} for name in ("feats.scp", "vad.scp", "utt2session")
    }
    tables |= {
        "wav.scp": {utt: f"/{utt}.wav" for utt in utts},
        "utt2spk": {utt: utt[0] for utt in utts},
        "utt2dur": dict.fromkeys(utts, "1.5"),
        "utt2num_frames": dict.fromkeys(utts, "150"),
        "reco2dur": dict.fromkeys(utts, "1.5"),
        "text": {"a-1": "one two", "a-2": "", "b-1": "three"},
        "spk2gender": {"a": "m", "b": "f"},
        "cmvn.scp": {"a": "c:1", "b": "c:2"},
    }
    return DataTables("data", tables, {"feats.json": record()}, {})


@pytest.fixture
def segmented():
    tables = {
        "wav.scp": {"r1": "/r1.wav", "r2": "/r2.wav"},
        "segments": {"a-1": "r1 0 1", "a-2": "r1 1 2", "b-1": "r2 0 -1"},
        "utt2spk": {"a-1": "a", "a-2": "a", "b-1": "b"},
        "reco2dur": {"r1": "2", "r2": "3"},
    }
    return DataTables("segmented", tables, {})


def test_everything_survives_writing_and_reading(data, tmp_path):
    write_data(tmp_path / "d", data)
    read = read_tables(tmp_path / "d")
    assert read.tables == data.tables and read.records == data.records and read.rejected == {}


def test_subset_takes_every_table_along(data):
    part = restrict(data, ["a-2"])
    assert set(part.tables) == set(data.tables)
    for name, table in part.tables.items():
        assert list(table) == (["a"] if name in ("spk2gender", "cmvn.scp") else ["a-2"]), name


def test_subset_keeps_only_the_recordings_that_are_used(segmented):
    part = restrict(segmented, ["a-1"])
    assert list(part.tables["wav.scp"]) == list(part.tables["reco2dur"]) == ["r1"]


def test_subset_of_unknown_utterances_is_refused(data):
    with pytest.raises(WespkError, match="data: no utterance 'x' there .2 so"):
        restrict(data, ["a-1", "x", "y"])


def test_features_of_a_subset_keep_their_spec_and_get_a_content_of_their_own(data):
    whole = restrict(data, data.utt2spk).records["feats.json"]
    one, other = (restrict(data, utts).records["feats.json"] for utts in (["a-1"], ["a-2"]))
    assert whole == record()
    assert one["spec"] == SPEC and one["items"] == 1
    assert len({whole["content"], one["content"], other["content"]}) == 3
    assert restrict(data, ["a-1"]).records["feats.json"] == one


def test_subset_of_a_subset_is_usable_by_the_reader_of_features(data, tmp_path):
    from wespk.data.datadir import load_features
    from wespk.features.spec import read_archive_record

    loaded = write_data(tmp_path / "d", restrict(restrict(data, ["a-1", "a-2"]), ["a-2"]))
    assert load_features(loaded) == {"a-2": "feats.scp:a-2"}
    assert read_archive_record(tmp_path / "d").spec.options.num_mel_bins == 80


def test_rejected_utterances_follow(data, tmp_path):
    tables = {name: dict(table) for name, table in data.tables.items()}
    del tables["feats.scp"]["a-1"], tables["utt2num_frames"]["a-1"], tables["vad.scp"]["a-1"]
    data = DataTables("data", tables, data.records, {"a-1": "silent: all samples are equal"})
    assert restrict(data, ["a-1", "b-1"]).rejected == {"a-1": "silent: all samples are equal"}
    assert restrict(data, ["b-1"]).rejected == {}
    renamed = rename(data, lambda utt: utt + "-x", str)
    assert list(renamed.rejected) == ["a-1-x"]
    write_data(tmp_path / "d", renamed)


def test_renaming_sorts_again(tmp_path):
    utts = ("a-1", "a-1-2")  # a suffix turns their order round: "-" is below "2", "a-1x" above "a-1-2x"
    tables = {"wav.scp": dict.fromkeys(utts, "w"), "utt2spk": dict.fromkeys(utts, "a")}
    write_data(tmp_path / "d", rename(DataTables("d", tables, {}), lambda utt: utt + "x", str))
    assert list(read_tables(tmp_path / "d").utt2spk) == ["a-1-2x", "a-1x"]


def test_renaming_that_breaks_the_order_of_speakers_is_refused(tmp_path):
    data = DataTables("d", {"wav.scp": {"a-1": "w", "a-2": "w"}, "utt2spk": {"a-1": "y", "a-2": "z"}}, {})
    turned = rename(data, lambda utt: {"a-1": "b"}.get(utt, utt), str)
    with pytest.raises(WespkError, match="speaker 'y' is out of order after 'z'; begin utterance ids"):
        write_data(tmp_path / "d", turned)
    assert not (tmp_path / "d").exists()


def test_recordings_of_segments_keep_their_ids(segmented):
    copy = rename(segmented, lambda utt: f"x-{utt}", lambda spk: f"x-{spk}")
    assert copy.tables["wav.scp"] == segmented.tables["wav.scp"]
    assert list(copy.tables["segments"]) == ["x-a-1", "x-a-2", "x-b-1"]
    assert set(copy.utt2spk.values()) == {"x-a", "x-b"}


def test_copy_without_new_ids_keeps_the_content_of_features(data):
    assert rename(data, str, str).records == data.records
    assert rename(data, lambda utt: "x" + utt, str).records["feats.json"]["content"] != "c0"


def test_speakers_become_prefixes_once():
    tables = {"wav.scp": {"1": "w", "b-2": "w"}, "utt2spk": {"1": "b", "b-2": "b"}}
    assert list(prefix_speakers(DataTables("d", tables, {})).utt2spk) == ["b-1", "b-2"]
    clash = {"wav.scp": {"1": "w", "b-1": "w"}, "utt2spk": {"1": "b", "b-1": "b"}}
    with pytest.raises(WespkError, match="d: utterance 'b-1' and '1' would both become 'b-1'"):
        prefix_speakers(DataTables("d", clash, {}))


@given(st.sets(st.sampled_from(["a-1", "a-2", "b-1"]), min_size=1), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parts_of_a_directory_combine_to_the_directory(data, kept, draw):
    data = DataTables("data", data.tables, {}, data.rejected)
    rest = draw.draw(st.sets(st.sampled_from(sorted(data.utt2spk)))) | (data.utt2spk.keys() - kept)
    if rest:
        joined, left_out = combine([restrict(data, kept), restrict(data, rest)])
        assert joined.tables == data.tables and not left_out


def test_tables_that_an_input_lacks_are_left_out_and_named(data):
    other = {name: table for name, table in data.tables.items() if name not in ("text", "feats.scp")}
    joined, left_out = combine([data, DataTables("other", other, {}, {})])
    assert "text" not in joined.tables and "feats.scp" not in joined.tables and not joined.records
    assert left_out == {"text": ["other"], "feats.scp": ["other"], "feats.json": ["other"]}


def test_id_with_two_meanings_is_refused_by_name(data):
    other = {**data.tables, "wav.scp": {**data.tables["wav.scp"], "a-2": "/else.wav"}}
    with pytest.raises(WespkError, match="'a-2' is '/a-2.wav' in wav.scp of data but '/else.wav' in other"):
        combine([data, DataTables("other", other, data.records, {})])


def test_whole_recordings_become_segments_beside_segments(data, segmented, tmp_path):
    copy = rename(data, lambda utt: f"x{utt}", lambda spk: f"x{spk}")
    joined, left_out = combine([copy, segmented])
    assert joined.tables["segments"]["xa-1"] == "xa-1 0 -1"
    assert joined.tables["reco2dur"] == {**copy.tables["reco2dur"], "r1": "2", "r2": "3"}
    assert "segments" not in left_out
    assert write_data(tmp_path / "d", joined).segments["xa-1"].end is None


def test_features_with_other_options_are_not_combined(data):
    other = json.loads(json.dumps(record()))
    other["spec"]["options"]["num_mel_bins"] = 40
    with pytest.raises(
        WespkError, match="feats.json: spec.options.num_mel_bins is 80 in data but 40 in other; compute"
    ):
        combine([data, DataTables("other", data.tables, {"feats.json": other}, {})])


def test_combined_features_do_not_depend_on_the_order_or_on_how_they_are_stored(data):
    one = restrict(data, ["a-1"])
    two = restrict(data, ["a-2", "b-1"])
    stored = {"feats.json": {**two.records["feats.json"], "compression": "automatic"}}
    two = DataTables("two", two.tables, stored, {})
    first, second = (combine(pair)[0].records["feats.json"] for pair in ([one, two], [two, one]))
    assert first == second and first["items"] == 3 and "compression" not in first
    assert combine([data, data])[0].records["feats.json"] == record()


def test_features_here_and_a_rejection_there_are_refused(data):
    tables = {name: dict(table) for name, table in data.tables.items()}
    del tables["feats.scp"]["a-1"]
    other = DataTables("other", tables, data.records, {"a-1": "silent: x"})
    with pytest.raises(
        WespkError, match="'a-1' has features in data, but another directory lists it as rejected"
    ):
        combine([data, other])


def test_directory_is_not_written_over_one_that_is_read(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "d")
    with pytest.raises(WespkError, match="link: is a directory that is read"):
        refuse_same(tmp_path / "link", [tmp_path / "d"])


def test_a_record_without_its_archive_in_any_part_is_left_out_and_named(data):
    tables = {name: table for name, table in data.tables.items() if name != "feats.scp"}
    part = DataTables("data", tables, data.records, None)
    joined, left_out = combine([part, part])
    assert "feats.json" not in joined.records and left_out["feats.json"] == ["data", "data"]
