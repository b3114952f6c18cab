"""Margins on angles: right where they are plain, monotone over the half circle, finite at its ends."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wespk.losses.angles import multiplied, narrowed, widened, widened_below_right_angle, widened_to_pi

MARGINS = st.floats(0.0, 1.5)
ANGLES = st.floats(0.02, math.pi - 0.02)


def value(function, theta: float, margin: float) -> float:
    return function(torch.tensor(math.cos(theta), dtype=torch.float64), margin).item()


@given(ANGLES, MARGINS)
def test_a_target_is_the_cosine_of_the_angle_plus_the_margin(theta, margin):
    if abs(theta + margin - math.pi) < 1e-6:
        return
    within = theta + margin < math.pi
    beyond = math.cos(theta) - margin * math.sin(margin)
    assert value(widened, theta, margin) == pytest.approx(math.cos(theta + margin) if within else beyond)
    assert value(widened_to_pi, theta, margin) == pytest.approx(math.cos(min(theta + margin, math.pi)))


@given(ANGLES, MARGINS)
def test_another_class_is_the_cosine_of_the_angle_less_the_margin(theta, margin):
    expected = math.cos(theta - margin) if theta > margin else math.cos(theta) + 1 - math.cos(margin)
    assert value(narrowed, theta, margin) == pytest.approx(expected)


def test_easy_margin_applies_below_a_right_angle_only():
    assert value(widened_below_right_angle, 1.0, 0.3) == pytest.approx(math.cos(1.3))
    assert value(widened_below_right_angle, 2.0, 0.3) == pytest.approx(math.cos(2.0))


@given(st.floats(0.0, math.pi), st.integers(1, 6))
def test_a_multiplied_angle_falls_from_1_to_1_less_2m(theta, m):
    k = min(math.floor(m * theta / math.pi), m - 1)
    assert value(multiplied, theta, m) == pytest.approx((-1) ** k * math.cos(m * theta) - 2 * k, abs=1e-6)
    assert value(multiplied, 0.0, m) == 1
    assert value(multiplied, math.pi, m) == pytest.approx(1 - 2 * m)


@given(ANGLES, st.integers(1, 4), st.floats(0.0, 1.0))
def test_between_whole_factors_the_neighbours_are_mixed(theta, m, rest):
    mixed = (1 - rest) * value(multiplied, theta, m) + rest * value(multiplied, theta, m + 1)
    assert value(multiplied, theta, m + rest) == pytest.approx(mixed)
    assert value(multiplied, theta, rest) == pytest.approx(math.cos(theta))  # below 1: no margin


@given(st.floats(0.05, 1.5))
def test_a_larger_angle_never_pays(margin):
    cosine = torch.linspace(1, -1, 4001, dtype=torch.float64)
    for changed in (widened(cosine, margin), narrowed(cosine, margin), multiplied(cosine, 1 + 2 * margin)):
        assert (changed.diff() < 1e-12).all()
    assert (widened_to_pi(cosine, margin).diff() <= 1e-12).all()
    assert (widened(cosine, margin) <= cosine + 1e-6).all()
    assert (narrowed(cosine, margin) >= cosine - 1e-6).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("function", [widened, widened_to_pi, widened_below_right_angle, narrowed])
@pytest.mark.parametrize("margin", [0.0, 0.2, 1.5])
def test_values_and_gradients_are_finite_at_the_ends_and_a_rounding_beyond(function, margin, dtype):
    cosine = torch.tensor(
        [1.0, -1.0, 1 + 2e-7, -1 - 2e-7, 1 - 1e-7, -1 + 1e-7], dtype=dtype, requires_grad=True
    )
    changed = function(cosine, margin)
    changed.sum().backward()
    assert changed.isfinite().all() and cosine.grad.isfinite().all()


@pytest.mark.parametrize("m", [1, 2, 2.5, 4])
def test_a_multiplied_angle_has_finite_gradients_at_the_ends(m):
    cosine = torch.tensor([1.0, -1.0, 1 + 2e-7, -1 - 2e-7], requires_grad=True)
    multiplied(cosine, m).sum().backward()
    assert (cosine.grad.abs() <= 17).all()  # the derivative of cos(m theta) by cos theta is m^2 there
