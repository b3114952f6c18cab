import numpy as np
import pytest

from wespk.backend.quality import magnitudes, model_quality, trial_quality
from wespk.core.errors import WespkError


def test_magnitudes_are_euclidean_lengths_in_double_precision():
    rows = np.array([[3, 4, 0], [1e25, 0, 0]], dtype=np.float32)
    assert magnitudes(rows[:1]).tolist() == [5.0]
    assert magnitudes(rows)[1] == pytest.approx(1e25)


def test_a_model_has_the_mean_quality_of_its_utterances():
    assert model_quality([1.0, 2.0, 6.0], [1, 0, 1], 2).tolist() == [2.0, 3.5]


def test_a_trial_has_the_lower_and_the_higher_quality_of_its_sides():
    low_high = trial_quality([1.0, 5.0], [3.0, 4.0], [0, 1, 1], [0, 0, 1])
    assert low_high.tolist() == [[1, 3], [3, 5], [4, 5]]


def test_trial_quality_stays_when_the_sides_change_places():
    rng = np.random.default_rng(0)
    enrol, test, rows, columns = rng.random(5), rng.random(7), rng.integers(0, 5, 30), rng.integers(0, 7, 30)
    one, other = trial_quality(enrol, test, rows, columns), trial_quality(test, enrol, columns, rows)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: magnitudes([[np.nan]]), "row 0 holds NaN"),
        (lambda: model_quality([1.0], [0], 2), "model 1 has no enrolment utterance"),
        (lambda: model_quality([np.inf], [0], 1), "values: item 0 is inf"),
        (lambda: trial_quality([1.0], [1.0], [1], [0]), "enrol_index: item 0 is 1"),
        (lambda: trial_quality([np.nan], [1.0], [0], [0]), "enrol: item 0 is nan"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message):
        work()
