import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.core.files import read_json, write_json
from wespk.data.archives import read_archive
from wespk.data.audio import AudioError
from wespk.data.jobs import Job, Piece, merge_jobs, one_by_one


def no_progress(items, total, what):
    return items


def ones(items):
    return ((item, np.ones((2, 3))) for item in items)


@pytest.fixture
def run(tmp_path):
    made = []

    def go(job: str, items=("a", "b", "c", "d", "e"), info="v1", stamps=None, bad=(), compression="none"):
        def make(item):
            made.append(item)
            if item in bad:
                raise AudioError("silent: all samples are equal")
            return np.full((2, 3), ord(item))

        stamp = (stamps or {}).get
        how = {"how": info}
        made_by = one_by_one(make)
        piece = Piece(
            tmp_path, "feats", list(items), how, lambda item: stamp(item, item), made_by, compression
        )
        piece.run(Job.parse(job), no_progress)
        return made

    return go


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_cut_the_items_without_gap_or_overlap(count):
    items = list("abcde")
    shares = [Job(index, count).share(items) for index in range(1, count + 1)]
    assert [item for share in shares for item in share] == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_impossible_jobs_are_refused(text):
    with pytest.raises(WespkError, match="--job"):
        Job.parse(text)


def test_merge_joins_the_pieces_and_counts_rejections(run, tmp_path):
    for job in ("1/2", "2/2"):
        run(job, bad="d")
    assert "4 of 5, 1 rejected (1 silent)" in merge_jobs(tmp_path, "feats", max_rejected=1)
    assert [key for key, _ in read_archive(tmp_path / "feats.scp")] == ["a", "b", "c", "e"]
    assert (tmp_path / "rejected.txt").read_text() == "d silent: all samples are equal\n"
    assert (tmp_path / "utt2num_frames").read_text() == "a 2\nb 2\nc 2\ne 2\n"
    with pytest.raises(WespkError, match="1 of 5 rejected, --max-rejected 0 allows 0; first d: silent"):
        merge_jobs(tmp_path, "feats", max_rejected=0)


def test_finished_job_is_not_redone_unless_an_input_changes(run):
    assert run("1/1") == list("abcde")
    assert run("1/1") == list("abcde")
    assert len(run("1/1", stamps={"c": "changed"})) == 10
    assert len(run("1/1", info="v2")) == 15


def test_merge_waits_for_every_job(run, tmp_path):
    with pytest.raises(WespkError, match="run the jobs"):
        merge_jobs(tmp_path, "feats", 0)
    run("1/2")
    with pytest.raises(WespkError, match="job 2 of 2 has not finished"):
        merge_jobs(tmp_path, "feats", 0)
    run("2/2", info="v2")
    with pytest.raises(WespkError, match="run on different inputs"):
        merge_jobs(tmp_path, "feats", 0)


def test_equal_inputs_give_equal_bytes_whatever_the_number_of_jobs(run, tmp_path):
    run("1/1")
    merge_jobs(tmp_path, "feats", 0)
    alone = dict(read_archive(tmp_path / "feats.scp"))
    for job in ("1/3", "2/3", "3/3"):
        run(job)
    merge_jobs(tmp_path, "feats", 0)
    together = dict(read_archive(tmp_path / "feats.scp"))
    assert alone.keys() == together.keys()
    assert all(np.array_equal(alone[key], together[key]) for key in alone)


def test_all_rejected_is_an_error(run, tmp_path):
    run("1/1", bad="abcde")
    with pytest.raises(WespkError, match="every item of feats was rejected"):
        merge_jobs(tmp_path, "feats", 10)


def test_recomputing_takes_the_merged_table_away(run, tmp_path):
    run("1/1")
    merge_jobs(tmp_path, "feats", 0)
    run("1/1", stamps={"c": "changed"})
    assert not (tmp_path / "feats.scp").exists() and not (tmp_path / "feats.json").exists()


def test_fresh_and_stale_pieces_are_not_merged(run, tmp_path):
    run("1/2")
    run("2/2")
    changed = {"a": "changed"}
    run("1/2", stamps=changed)
    with pytest.raises(WespkError, match="jobs 1 and 2 of feats were run on different inputs"):
        merge_jobs(tmp_path, "feats", 0)
    made = len(run("2/2", stamps=changed))
    assert made == 2 * 2 + 3  # job 1 was done twice, job 2 once
    merge_jobs(tmp_path, "feats", 0)


def test_incomplete_record_is_not_merged_and_the_piece_is_made_again(run, tmp_path):
    run("1/1")
    record = tmp_path / "jobs/feats.1.json"
    write_json(record, {"job": 1, "jobs": 1, "inputs": "old", "rows": {}})
    with pytest.raises(WespkError, match="feats.1.json: the record is incomplete"):
        merge_jobs(tmp_path, "feats", 0)
    assert len(run("1/1")) == 10


def test_content_digest_does_not_depend_on_the_jobs(run, tmp_path):
    digests = set()
    for count in (1, 2, 5):
        for index in range(1, count + 1):
            run(f"{index}/{count}")
        merge_jobs(tmp_path, "feats", 0)
        digests.add(read_json(tmp_path / "feats.json")["content"])
    assert len(digests) == 1


def test_compression_is_an_input_and_is_told_in_the_record(run, tmp_path):
    run("1/1")
    merge_jobs(tmp_path, "feats", 0)
    plain = read_json(tmp_path / "feats.json")
    assert len(run("1/1", compression="two-byte-auto")) == 10
    merge_jobs(tmp_path, "feats", 0)
    small = read_json(tmp_path / "feats.json")
    assert (plain["compression"], small["compression"]) == ("none", "two-byte-auto")
    assert plain["content"] != small["content"]
    assert (tmp_path / "jobs/feats.1.ark").read_bytes().startswith(b"a \0BCM2 ")


def test_an_archive_of_another_size_is_made_again(run, tmp_path):
    run("1/1")
    with open(tmp_path / "jobs/feats.1.ark", "r+b") as stream:
        stream.truncate(50)
    with pytest.raises(WespkError, match="feats.1.ark: has 50 bytes and was written with"):
        merge_jobs(tmp_path, "feats", 0)
    assert len(run("1/1")) == 10
    merge_jobs(tmp_path, "feats", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace("feats.1.ark", "feats.2.ark"),
            "is not what the job wrote",
        ),
        (lambda text: text.replace(":2\n", ":99999\n"), "is not what the job wrote"),
        (lambda text: text[text.index("b ") :], "is not what the job wrote"),
        (lambda text: text + "x elsewhere.ark:2\n", "is not what the job wrote"),
    ],
)
def test_a_piece_whose_scp_was_changed_is_not_merged(run, tmp_path, change, message):
    run("1/1")
    scp = tmp_path / "jobs/feats.1.scp"
    scp.write_text(change(scp.read_text()))
    with pytest.raises(WespkError, match=message):
        merge_jobs(tmp_path, "feats", 0)


def test_a_record_that_is_none_is_told(run, tmp_path):
    run("1/1")
    (tmp_path / "jobs/feats.1.json").write_text("[]")
    with pytest.raises(WespkError, match="the record is incomplete"):
        merge_jobs(tmp_path, "feats", 0)
    assert len(run("1/1")) == 10


@pytest.mark.parametrize(
    ("field", "value"), [("jobs", None), ("rows", []), ("content", "nan"), ("info", 1), ("job", "1")]
)
def test_a_record_with_a_damaged_field_is_refused_and_made_again(run, tmp_path, field, value):
    run("1/1")
    record = tmp_path / "jobs/feats.1.json"
    write_json(record, {**read_json(record), field: value})
    with pytest.raises(WespkError, match="feats.1.json: the record is incomplete"):
        merge_jobs(tmp_path, "feats", 0)
    assert len(run("1/1")) == 10
    merge_jobs(tmp_path, "feats", 0)


def test_a_record_that_is_no_mapping_and_an_scp_without_places_are_named(run, tmp_path):
    run("1/1")
    (tmp_path / "jobs/feats.1.scp").write_text("a x\nb x\nc x\nd x\ne x\n")
    with pytest.raises(WespkError, match="jobs/feats.1.scp: is not what the job wrote"):
        merge_jobs(tmp_path, "feats", 0)
    (tmp_path / "jobs/feats.1.json").write_text("[]")
    with pytest.raises(WespkError, match="feats.1.json: the record is incomplete"):
        merge_jobs(tmp_path, "feats", 0)


def test_what_was_rejected_for_a_passing_cause_is_tried_again(tmp_path):
    causes = {"b": "pipe failed: cat b | (status 1)"}

    def make(item):
        if item in causes:
            raise AudioError(causes[item])
        return np.full((2, 3), ord(item), dtype=np.float32)

    def run():
        Piece(tmp_path, "feats", ["a", "b"], {}, str, one_by_one(make)).run(Job(1, 1), no_progress)
        merge_jobs(tmp_path, "feats", 1)
        return {key for key, _ in read_archive(tmp_path / "feats.scp")}

    assert run() == {"a"}
    causes.clear()
    assert run() == {"a", "b"}
    causes["b"] = "silent: all samples are equal"
    (tmp_path / "jobs/feats.1.ark").unlink()
    assert run() == {"a"}
    causes.clear()  # a fault of the recording itself, whose stamp would change: not tried again
    assert run() == {"a"}


def test_a_fault_that_is_no_rejection_ends_the_job_and_names_the_item(tmp_path):
    def make(item):
        raise WespkError("the disk is full")

    with pytest.raises(WespkError, match=f"{tmp_path}: 'a': the disk is full"):
        Piece(tmp_path, "feats", ["a"], {}, str, one_by_one(make)).run(Job(1, 1), no_progress)


@pytest.mark.parametrize("made", ["a", "abc"])
def test_items_that_are_lost_or_not_asked_for_are_an_error(tmp_path, made):
    with pytest.raises(WespkError):
        Piece(tmp_path, "feats", ["a", "b"], {}, str, lambda items: ones(made)).run(Job(1, 1), no_progress)


def test_a_folder_may_be_moved_between_jobs_and_merge(tmp_path):
    piece = Piece(tmp_path / "here", "feats", ["a"], {}, str, ones)
    piece.run(Job(1, 1), no_progress)
    (tmp_path / "here").rename(tmp_path / "there")
    merge_jobs(tmp_path / "there", "feats", 0)
    [(key, matrix)] = read_archive(tmp_path / "there/feats.scp")
    assert key == "a" and matrix.shape == (2, 3)


def test_pieces_of_more_jobs_than_now_are_removed(tmp_path):
    for count in (3, 2):
        for job in range(1, count + 1):
            Piece(tmp_path, "feats", list("abc"), {}, str, ones).run(Job(job, count), no_progress)
        merge_jobs(tmp_path, "feats", 0)
        assert len(list((tmp_path / "jobs").glob("feats.*.ark"))) == count
