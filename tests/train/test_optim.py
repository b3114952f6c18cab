import itertools

import pytest
import torch

from wespk.core.config import parse_config
from wespk.core.errors import WespkError
from wespk.train.config import MarginConfig, OptimConfig
from wespk.train.optim import build_optimizer, learning_rate, margin_share


def test_rate_warms_up_to_the_peak_and_decays_to_the_end():
    config = OptimConfig(lr=1.0, final_lr=0.01, warmup_steps=10)
    rates = [learning_rate(step, 100, config) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == rates[10] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.01)
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))


def test_margin_ramps_between_its_two_fractions():
    config = MarginConfig(start=0.2, end=0.6)
    assert [margin_share(step, 100, config) for step in (0, 20, 60, 100)] == [0, 0, 1, 1]
    assert margin_share(40, 100, config) == pytest.approx(0.5)
    assert margin_share(0, 100, MarginConfig()) == 1.0
    at_once = MarginConfig(start=0.5, end=0.5)
    assert [margin_share(step, 100, at_once) for step in (0, 49, 50, 100)] == [0, 0, 1, 1]


def test_margin_that_rises_after_its_end_is_refused():
    with pytest.raises(WespkError, match=r"start, 0\.5, is after end, 0; raise end"):
        parse_config(MarginConfig, {"start": 0.5}, "margin")


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_only_matrices_are_decayed(name):
    layer = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    decayed, others = build_optimizer(layer, OptimConfig(name=name, weight_decay=0.1)).param_groups
    assert [p.ndim for p in decayed["params"]] == [2] and decayed["weight_decay"] == 0.1
    assert [p.ndim for p in others["params"]] == [1, 1, 1] and others["weight_decay"] == 0.0
