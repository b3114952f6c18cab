"""make-trials refuses what makes no sense before it writes anything."""

import pytest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--apart", "s00"], "write it as two speaker ids"),
        (["--apart", "s00,s00"], "write it as two speaker ids"),
        (["--text", "nowhere"], "nowhere: no such file"),
        (["--enrol", "list", "--utts-per-speaker", 2], "does not go with --enrol"),
        (
            ["--apart", "s00,s01", "--utts-per-speaker", 1],
            "test: no two of its utterances may meet in a trial",
        ),
        (["--num-enrol", 4], "speaker 's00' has 4 utterances, 4 to enrol and 1 to test are needed"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(make_corpus, wespk, tmp_path, options, message):
    make_corpus("test", speakers=2)
    (tmp_path / "list").write_text("s00 s00-u0\ns01 s01-u0\n")
    failed = wespk("make-trials", *options, "test", status=1)
    assert message in failed.stderr and failed.stderr.count("\n") == 1
    assert not (tmp_path / "test/trials").exists() and not (tmp_path / "test/enrol").exists()


def test_given_models_are_enrolled_and_their_texts_flagged(make_corpus, wespk, tmp_path):
    make_corpus("test", speakers=2, utts=3)
    (tmp_path / "list").write_text("s00 s00-u0 s00-u1\ns01 s01-u1\n")
    (tmp_path / "text").write_text("".join(f"s0{s}-u{u} text {u}\n" for s in (0, 1) for u in range(3)))
    options = ["--enrol", "list", "--text", "text", "--suffix", "_x", "--apart", "s00,s99"]
    shown = wespk("make-trials", *options, "test").stdout
    assert "--apart s00,s99: no speaker 's99' here" in shown
    assert (tmp_path / "test/enrol_x").read_text() == (tmp_path / "list").read_text()
    assert "3 target and 3 nontarget trials" in shown
    assert (tmp_path / "test/same_text_x").read_text() == "s00 s01-u0 text 0\n"


def test_a_list_without_one_kind_of_trial_is_remarked(make_corpus, wespk):
    make_corpus("one", speakers=1, utts=3)
    assert "no nontarget trials: no error rate" in wespk("make-trials", "one").stdout
    make_corpus("alone", speakers=3, utts=1)
    assert "no target trials: no error rate" in wespk("make-trials", "alone").stdout
    make_corpus("two", speakers=2, utts=2)
    assert "no error rate" not in wespk("make-trials", "two").stdout
