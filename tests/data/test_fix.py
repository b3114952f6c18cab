import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.datadir import load_data_dir
from wespk.data.fix import fix_data_dir

UTTS = ("a-1", "a-2", "b-1", "b-2")
TABLES = {
    "wav.scp": dict.fromkeys(UTTS, "/x.wav"),
    "utt2spk": {utt: utt[0] for utt in UTTS},
    "spk2utt": {"a": "a-1 a-2", "b": "b-1 b-2"},
    "spk2gender": {"a": "m", "b": "f"},
    "utt2dur": dict.fromkeys(UTTS, "1.5"),
    "text": dict.fromkeys(UTTS, "what was said"),
    "vad.scp": dict.fromkeys(UTTS, "v:1"),
    "utt2session": dict.fromkeys(UTTS, "x"),
}


@pytest.fixture
def data(tmp_path):
    for name, table in TABLES.items():
        (tmp_path / name).write_text("".join(f"{key} {value}\n" for key, value in table.items()))
    return tmp_path


def files(path):
    return {
        os.path.relpath(os.path.join(place, name), path): open(os.path.join(place, name), "rb").read()
        for place, _, names in os.walk(path)
        for name in names
    }


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


def test_valid_directory_is_left_untouched(data):
    before = files(data)
    fix = fix_data_dir(data)
    assert not fix.changed and not fix.dropped and files(data) == before


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("wav.scp", lambda t: t.replace(b"\n", b"\r\n")),
        ("wav.scp", lambda t: b"\xef\xbb\xbf" + t),
        ("utt2spk", lambda t: t[:-1]),
        ("utt2spk", lambda t: b"".join(reversed(t.splitlines(True)))),
        ("utt2dur", lambda t: t.replace(b" ", b"\t")),
        ("utt2spk", lambda t: t + t),
        ("spk2gender", lambda t: b"\n" + t + b"  \n"),
        ("spk2utt", lambda t: b"nonsense"),
        ("spk2gender", lambda t: t + b"z m\n"),
    ],
)
def test_what_can_be_repaired_costs_no_utterance(data, file, change):
    want = files(data)
    edit(data / file, change)
    broken = (data / file).read_bytes()
    with pytest.raises(WespkError):
        load_data_dir(data)
    fix = fix_data_dir(data)
    assert len(fix.data.utt2spk) == fix.before == 4
    assert (data / file).read_bytes() == want[file]
    assert (data / ".backup" / file).read_bytes() == broken


@pytest.mark.parametrize(
    ("file", "change", "dropped"),
    [
        ("wav.scp", lambda t: t.replace(b"a-1", b"c-1"), {"a-1": "missing: not in wav.scp"}),
        ("text", lambda t: t.replace(b"a-2", b"z"), {"a-2": "missing: not in text"}),
        ("utt2dur", lambda t: t.replace(b"b-1 1.5", b"b-1 0"), {"b-1": "unfit value: '0'"}),
        ("utt2spk", lambda t: t + b"b-2 c\n", {"b-2": "two values"}),
        ("utt2spk", lambda t: t.replace(b"b-2 b", b"b-2 b c"), {"b-2": "not one speaker"}),
        ("spk2gender", lambda t: b"b f\n", dict.fromkeys(["a-1", "a-2"], "missing: a is not in spk2gender")),
        ("wav.scp", lambda t: t.replace(b"a-1", b"a\x00-1"), {"a-1": "missing", "'a\\x00-1'": "unfit id"}),
        (
            "utt2spk",
            lambda t: t.replace(b"a-1", "a\u00a0-1".encode()),
            {
                "'a\\xa0-1'": "unfit id",
                "a-1": "of no utterance: in text, utt2dur, utt2session, vad.scp, wav.scp",
            },
        ),
    ],
)
def test_what_cannot_be_repaired_is_dropped_and_listed(data, file, change, dropped):
    edit(data / file, change)
    fix = fix_data_dir(data)
    for item, reason in dropped.items():
        assert fix.dropped.reasons[item].startswith(reason)
        assert any(
            line.startswith(f"{item} {reason}") for line in (data / "fixed.txt").read_text().splitlines()
        )
        assert item not in load_data_dir(data).utt2spk
    assert fix.before == 4


def test_spaces_that_reading_ignores_are_put_right_too(data):
    want = files(data)
    edit(data / "text", lambda text: text.replace(b" ", b"   ", 1).replace(b"\n", b" \n", 1))
    assert fix_data_dir(data).changed == ("text",)
    assert (data / "text").read_bytes() == want["text"]


def test_missing_spk2utt_is_made(data):
    want = files(data)
    (data / "spk2utt").unlink()
    assert fix_data_dir(data).changed == ("spk2utt",)
    assert (data / "spk2utt").read_bytes() == want["spk2utt"]


def test_vad_does_not_restrict_and_is_set_aside(data):
    edit(data / "vad.scp", lambda text: text.replace(b"b-2 v:1\n", b""))
    fix = fix_data_dir(data)
    assert len(fix.data.utt2spk) == 4 and fix.set_aside == {"vad.scp": "lacks 1, first 'b-2'"}
    assert not (data / "vad.scp").exists() and (data / ".backup/vad.scp").exists()


def test_segments_are_intersected_with_recordings(data):
    (data / "wav.scp").write_text("r1 w\nr2 w\nr4 w\n")
    (data / "segments").write_text("a-1 r1 0 1\na-2 r1 2 1\nb-1 r2 0 -1\nb-2 r3 0 1\n")
    fix = fix_data_dir(data)
    assert fix.data.utterances == ["a-1", "b-1"] and list(fix.data.recordings) == ["r1", "r2"]
    assert fix.dropped.reasons["a-2"].startswith("unfit segment: 2 to 1 s")
    assert fix.dropped.reasons["b-2"] == "missing: its recording r3 is not in wav.scp"
    assert fix.dropped.reasons["r4"] == "of no utterance: in wav.scp only"


def test_rejected_utterances_need_no_features(data):
    (data / "feats.scp").write_text("a-1 f:1\na-2 f:2\nb-1 f:3\n")
    (data / "rejected.txt").write_text("b-2 silent: all samples are equal\n")
    assert not fix_data_dir(data).dropped
    (data / "rejected.txt").write_text("")
    assert list(fix_data_dir(data).dropped.reasons) == ["b-2"]


def test_features_that_are_left_get_a_content_of_their_own(data):
    (data / "feats.scp").write_text("a-1 f:1\na-2 f:2\nb-1 f:3\n")
    (data / "feats.json").write_text('{"content": "c", "spec": {}}')
    assert fix_data_dir(data).data.utterances == ["a-1", "a-2", "b-1"]
    unchanged = (data / "feats.json").read_bytes()
    edit(data / "text", lambda text: text.replace(b"a-1", b"z"))
    fix_data_dir(data)
    assert (data / "feats.json").read_bytes() != unchanged


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("utt2spk", b"", "no utterance would remain"),
        (
            "wav.scp",
            b"x y\n",
            "no utterance would remain; nothing is changed; first a-1: missing: not in wav.scp",
        ),
        ("text", b"a-1 \xff\n", "text:1: not valid UTF-8"),
        ("utt2spk", b"a-1 b\na-2 a\nb-1 b\nb-2 b\n", "speaker 'a' is out of order after 'b'"),
    ],
)
def test_hopeless_directory_is_refused_and_left_as_it_is(data, file, content, message):
    (data / file).write_bytes(content)
    before = files(data)
    with pytest.raises(WespkError, match=message):
        fix_data_dir(data)
    assert files(data) == before


@pytest.mark.parametrize("file", ["wav.scp", "utt2spk"])
def test_required_tables_are_named(data, file):
    (data / file).unlink()
    with pytest.raises(WespkError, match=f"{file}: no such file"):
        fix_data_dir(data)


def test_repair_that_was_killed_is_finished_by_the_next(data, monkeypatch):
    import wespk.data.fix as module

    edit(data / "wav.scp", lambda text: text.replace(b"\n", b"\r\n"))
    edit(data / "utt2dur", lambda text: text.replace(b" ", b"\t"))
    original = files(data)
    real, calls = module.write_bytes, []

    def write_bytes(path, content):
        calls.append(path)
        if len(calls) == 5:
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(module, "write_bytes", write_bytes)
    with pytest.raises(KeyboardInterrupt):
        fix_data_dir(data)
    monkeypatch.undo()
    assert len(fix_data_dir(data).data.utt2spk) == 4
    assert (data / ".backup/wav.scp").read_bytes() == original["wav.scp"]
    assert (data / ".backup/utt2dur").read_bytes() == original["utt2dur"]


lines = st.lists(
    st.tuples(
        st.sampled_from([*UTTS, "a", "b", "c-1", "", " a-1", "\ufeffa-1", "a\u00a0b", "é", "b\x01"]),
        st.sampled_from([" ", "\t", "  ", ""]),
        st.sampled_from(
            ["a", "b", "m", "f", "1.5", "0", "x y", "", "r1 0 1", "a-1 0 -1", "b-1 3 2", "~/w", "\x02"]
        ),
        st.sampled_from(["\n", "\n", "\r\n", "\n\n"]),
    ).map("".join),
    max_size=6,
).map("".join)
damage = st.sampled_from(
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text[:-3],
        lambda text: b"".join(reversed(text.splitlines(True))),
        lambda text: text.replace(b"a-1", b"a-3"),
        lambda text: text + text[: len(text) // 2],
        lambda text: text[len(text) // 2 :],
        lambda text: text.replace(b" ", b"\t "),
    ]
)
names = st.sampled_from([*TABLES, "segments", "feats.scp", "utt2num_frames", "reco2dur", "utt2uniq"])


@given(
    st.dictionaries(names, lines, max_size=3),
    st.lists(st.tuples(st.sampled_from([*TABLES]), damage), max_size=3),
)
@example({"segments": "a-1 a-1 0 1\nb-1 b-1 0 -1\n"}, [])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_repaired_directory_is_valid_and_repaired_once(tmp_path_factory, replaced, damaged):
    data = tmp_path_factory.mktemp("data")
    for name, table in TABLES.items():
        (data / name).write_text("".join(f"{key} {value}\n" for key, value in table.items()))
    for name, change in damaged:
        edit(data / name, change)
    for name, text in replaced.items():
        (data / name).write_bytes(text.encode())
    before = files(data)
    try:
        fix = fix_data_dir(data)
    except WespkError:
        assert files(data) == before
        return
    assert load_data_dir(data).utt2spk == fix.data.utt2spk
    accounted = set(fix.data.utt2spk) | set(fix.dropped.reasons)
    assert {utt for utt in UTTS if utt.encode() in before["utt2spk"]} <= accounted
    after = files(data)
    again = fix_data_dir(data)
    assert files(data) == after and not again.changed and not again.set_aside
