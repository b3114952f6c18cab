"""The five real corpora, each by one call: all their recordings, and nothing else, are utterances."""

import os

import pytest

from wespk.data.prepare.corpus import make_corpus
from wespk.data.prepare.folders import find_in_folder


@pytest.mark.parametrize(
    ("name", "level", "utterances", "speakers", "rate", "first"),
    [
        ("an4", 1, 818, 64, 16000, "fash-an251-fash-b"),
        ("aishell_sample", 1, 160, 2, 16000, "S0150-BAC009S0150W0131"),
        ("timit_sample", 1, 160, 16, 16000, "dr1-fvmh0-sa1"),
        ("fsdd", 1, 300, 6, 8000, "george-00"),
        ("librispeech_sample", 2, 351, 261, 16000, "103-1240-0000"),
    ],
)
def test_every_recording_of_a_real_corpus_is_an_utterance(
    real_data, name, level, utterances, speakers, rate, first
):
    corpus = make_corpus(find_in_folder(real_data / name, speaker_level=level), max_rejected=0)
    assert (len(corpus.utt2spk), len(corpus.speakers)) == (utterances, speakers)
    assert min(corpus.utt2spk) == first
    assert f"recordings: {utterances} of {rate} Hz" in corpus.notes
    assert corpus.found == sum(len(files) for _, _, files in os.walk(real_data / name))
    assert {why.split(":")[0] for why in corpus.unused.reasons.values()} == {"not audio"}
