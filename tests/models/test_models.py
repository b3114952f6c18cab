import pytest
import torch

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.models import REGISTRY, build_model, num_parameters
from wespk.models.pooling import AttentiveStatisticsPooling, StatisticsPooling

SMALL = {
    "ecapa_tdnn": {"channels": 32, "mfa_dim": 48, "se_dim": 8, "attention_dim": 8},
    "resnet34": {"channels": 4},
}


def with_statistics(model: torch.nn.Module) -> torch.nn.Module:
    """Give normalisation layers statistics of their own, as after training."""
    torch.manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            layer.running_mean.normal_(0, 0.3)
            layer.running_var.uniform_(0.5, 2)
    return model.eval()


@pytest.mark.parametrize(
    ("name", "options", "millions", "dim"),
    [
        ("ecapa_tdnn", {"channels": 512}, 6.19, 192),
        ("ecapa_tdnn", {"channels": 1024}, 14.65, 192),
        ("resnet34", {}, 6.63, 256),
    ],
)
def test_parameter_counts_are_the_published_ones(name, options, millions, dim):
    model = build_model(Component(name=name, **options), 80)
    assert abs(num_parameters(model) / 1e6 - millions) < 0.01
    assert model.embedding_dim == dim
    assert model.eval()(torch.randn(2, 64, 80)).shape == (2, dim)


@pytest.mark.parametrize("name", REGISTRY)
def test_embedding_does_not_depend_on_batch_mates(name):
    model = with_statistics(build_model(Component(name=name, **SMALL[name]), 80))
    lengths = torch.tensor([90, 61, 40, 17])
    features = torch.randn(4, 90, 80)
    with torch.no_grad():
        together = model(features, lengths)
        alone = torch.cat([model(features[i : i + 1, :length]) for i, length in enumerate(lengths)])
    assert (1 - torch.cosine_similarity(together, alone)).max() < 1e-5
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", REGISTRY)
def test_gradients_reach_every_parameter_and_are_finite(name):
    model = build_model(Component(name=name, **SMALL[name]), 80)
    model(torch.randn(3, 50, 80)).square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), parameter_name


@pytest.mark.parametrize("pooling", [StatisticsPooling(6), AttentiveStatisticsPooling(6, 4)])
def test_constant_input_is_pooled_with_finite_gradients(pooling):
    x = torch.ones(2, 6, 10, requires_grad=True)
    pooled = pooling(x)
    pooled.sum().backward()
    torch.testing.assert_close(pooled[:, :6], torch.ones(2, 6))
    assert torch.isfinite(x.grad).all()


def test_attention_with_context_equals_the_context_copied_to_every_frame():
    pooling = AttentiveStatisticsPooling(6, 4)
    x = torch.randn(2, 6, 10)
    std, mean = torch.std_mean(x, dim=2, unbiased=False, keepdim=True)
    copied = torch.cat([x, mean.expand_as(x), std.expand_as(x)], dim=1)
    torch.testing.assert_close(
        pooling._squeeze_with_context(x, None), pooling.squeeze(copied), atol=1e-5, rtol=1e-5
    )


def test_uniform_weights_give_plain_statistics():
    pooling = AttentiveStatisticsPooling(6, 4)
    torch.nn.init.zeros_(pooling.excite.weight)
    x = torch.randn(2, 6, 10)
    torch.testing.assert_close(pooling(x), StatisticsPooling(6)(x), atol=1e-5, rtol=1e-5)


class Mean(torch.nn.Module):
    def __init__(self, feat_dim: int, says_its_dim: bool = True) -> None:
        super().__init__()
        if says_its_dim:
            self.embedding_dim = feat_dim

    def forward(self, features, lengths=None):
        return features.mean(dim=1)


def test_a_class_of_the_users_own_is_named_by_dotted_path():
    assert build_model(Component(name=f"{__name__}:Mean"), 80).embedding_dim == 80
    with pytest.raises(WespkError, match="set the attribute embedding_dim"):
        build_model(Component(name=f"{__name__}:Mean", says_its_dim=False), 80)
    with pytest.raises(WespkError, match="its constructor must take 'feat_dim'"):
        build_model(Component(name="torch.nn.Linear", in_features=2, out_features=3), 80)


def test_unknown_option_names_the_nearest():
    with pytest.raises(WespkError, match="unknown key 'chanels': did you mean 'channels'"):
        build_model(Component(name="ecapa_tdnn", chanels=3), 80)
