import json

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.data.chain_files import read_chain, write_chain
from wespk.data.kaldi_objects import read_matrix, write_matrix

MATRICES = [np.random.default_rng(seed).standard_normal((3, 4)) for seed in (0, 1)]


@pytest.fixture
def chain(tmp_path):
    write_chain(tmp_path / "final/chain.json", [MATRICES[0], "unit", MATRICES[1], "sqrt_dim"])
    return tmp_path / "final/chain.json"


def rewrite(path, **step):
    value = json.loads(path.read_text())
    value["steps"][0].update(step)
    path.write_text(json.dumps(value))


def test_a_chain_comes_back_exactly_and_its_matrices_are_kaldis(chain):
    first, unit, second, sqrt_dim = read_chain(chain)
    np.testing.assert_array_equal(first, MATRICES[0])
    np.testing.assert_array_equal(second, MATRICES[1])
    assert (unit, sqrt_dim) == ("unit", "sqrt_dim")
    np.testing.assert_array_equal(read_matrix(chain.with_name("chain.3.mat")), MATRICES[1])
    assert sorted(path.name for path in chain.parent.iterdir()) == [
        "chain.1.mat",
        "chain.3.mat",
        "chain.json",
    ]


def test_a_folder_with_its_chain_can_be_moved(chain, tmp_path):
    chain.parent.rename(tmp_path / "elsewhere")
    assert len(read_chain(tmp_path / "elsewhere/chain.json")) == 4


def test_a_chain_without_steps_is_one(tmp_path):
    assert write_chain(tmp_path / "c.json", []) == [tmp_path / "c.json"]
    assert read_chain(tmp_path / "c.json") == []


def test_a_chain_written_again_leaves_no_matrix_of_the_one_before(chain):
    write_chain(chain, ["unit", MATRICES[1]])
    assert sorted(path.name for path in chain.parent.glob("*.mat")) == ["chain.2.mat"]


@pytest.mark.parametrize("name", ["../chain.1.mat", "/etc/passwd", "a/b.mat", "..", "", "a\\b.mat", "a\0b"])
def test_files_outside_the_folder_are_not_looked_at(chain, name):
    rewrite(chain, affine=name)
    with pytest.raises(WespkError, match="a chain's files lie in its own folder"):
        read_chain(chain)


def test_a_matrix_that_was_replaced_or_lost_is_refused_by_name(chain):
    write_matrix(chain.with_name("chain.1.mat"), MATRICES[1])
    with pytest.raises(WespkError, match="chain.1.mat: is not the file that .*chain.json was saved with"):
        read_chain(chain)
    chain.with_name("chain.1.mat").unlink()
    with pytest.raises(WespkError, match="chain.1.mat: no such file"):
        read_chain(chain)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "chain.json:1: not valid JSON"),
        ("[]", "a list named 'steps' is needed"),
        ('{"steps": 1}', "a list named 'steps' is needed"),
        ('{"steps": [1]}', "step 1 is neither an affine matrix nor a length"),
        ('{"steps": [{"length": 1}]}', "step 1 is neither"),
        ('{"steps": [{"affine": "a.mat"}]}', "step 1 is neither"),
        ('{"steps": [{"affine": 1, "sha256": "x"}]}', "step 1 is neither"),
    ],
)
def test_what_is_no_chain_is_refused(chain, text, message):
    chain.write_text(text)
    with pytest.raises(WespkError, match=message):
        read_chain(chain)
