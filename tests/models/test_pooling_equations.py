"""Each pooling against its equations, written out with loops, and against the others."""

import pytest
import torch

from wespk.models.masking import LEAST_VARIANCE
from wespk.models.pooling import build_pooling
from wespk.models.pooling.xi import log_softplus

TSTP = build_pooling("tstp", 12)


@pytest.fixture
def frames():
    torch.manual_seed(0)
    return torch.randn(2, 12, 9)


def built(options):
    """Return the pooling with parameters far from uniform attention."""
    torch.manual_seed(1)
    pooling = build_pooling(options, 12)
    for parameter in pooling.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return pooling.eval()


def moments(x, weights):
    """Return weighted mean and standard deviation of frames (C, T) by a loop over frames."""
    mean = sum(weights[..., t] * x[:, t] for t in range(x.shape[1]))
    variance = sum(weights[..., t] * (x[:, t] - mean) ** 2 for t in range(x.shape[1]))
    return mean, variance.clamp_min(LEAST_VARIANCE).sqrt()


def test_statistics_are_mean_and_biased_variance(frames):
    variance, mean = torch.var_mean(frames, dim=-1, correction=0)
    torch.testing.assert_close(build_pooling("tap", 12)(frames), mean)
    torch.testing.assert_close(build_pooling("tsdp", 12)(frames), variance.sqrt())
    torch.testing.assert_close(TSTP(frames), torch.cat([mean, variance.sqrt()], dim=1))
    torch.testing.assert_close(build_pooling("tsp", 12)(frames), torch.cat([mean, variance], dim=1))


@pytest.mark.parametrize("options", ["asp", "astp", {"name": "astp", "global_context": False}], ids=str)
def test_uniform_attention_gives_plain_statistics(options, frames):
    pooling = built(options)
    torch.nn.init.zeros_(getattr(pooling, "attention", pooling).excite.weight)
    torch.testing.assert_close(pooling(frames), TSTP(frames))


@pytest.mark.parametrize("name", ["mhastp", "mqmhastp"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_uniform_heads_give_plain_statistics_for_every_query(name, per_channel, frames):
    pooling = built({"name": name, "heads": 4, "per_channel": per_channel})
    torch.nn.init.zeros_(pooling.attention[-1].weight)
    statistics = pooling(frames).unflatten(1, (2, pooling.queries, 12))
    expected = TSTP(frames).unflatten(1, (2, 1, 12)).expand_as(statistics)
    torch.testing.assert_close(statistics, expected)


@pytest.mark.parametrize("name", ["sap", "asp"])
def test_one_weight_a_frame_comes_from_its_agreement_with_a_learned_vector(name, frames):
    pooling = built(name)
    squeeze, vector = pooling.attention.squeeze, pooling.attention.excite.weight[0, :, 0]
    for x, pooled in zip(frames, pooling(frames), strict=True):
        hidden = [torch.tanh(squeeze.weight[:, :, 0] @ x[:, t] + squeeze.bias) for t in range(9)]
        weights = torch.stack([vector @ h for h in hidden]).softmax(dim=0)
        mean, std = moments(x, weights)
        torch.testing.assert_close(pooled, mean if name == "sap" else torch.cat([mean, std]))


def test_attention_with_context_sees_the_statistics_beside_every_frame(frames):
    pooling = built("astp")
    copied = torch.cat([frames, TSTP(frames).unsqueeze(-1).expand(-1, -1, 9)], dim=1)
    energies = pooling.excite(torch.tanh(pooling.squeeze(copied)))
    for x, weights, pooled in zip(frames, energies.softmax(dim=-1), pooling(frames), strict=True):
        torch.testing.assert_close(pooled, torch.cat(moments(x, weights)))


def test_one_head_with_weights_for_each_channel_is_astp_without_context(frames):
    one_head = built({"name": "mhastp", "heads": 1, "bottleneck": 128, "per_channel": True})
    astp = build_pooling({"name": "astp", "global_context": False}, 12)
    names = {"attention.0": "squeeze", "attention.2": "excite"}
    astp.load_state_dict(
        {key.replace(old, new): value for key, value in one_head.state_dict().items()
         for old, new in names.items() if key.startswith(old)}
    )  # fmt: skip
    torch.testing.assert_close(one_head(frames), astp(frames))


def test_one_head_and_query_with_one_weight_a_frame_is_asp(frames):
    one_head = built({"name": "mqmhastp", "heads": 1, "queries": 1, "bottleneck": 128, "per_channel": False})
    asp = build_pooling("asp", 12)
    asp.attention.squeeze.load_state_dict(one_head.attention[0].state_dict())
    asp.attention.excite.load_state_dict({"weight": one_head.attention[2].weight})
    torch.testing.assert_close(one_head(frames), asp(frames))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("per_channel", [False, True])
def test_heads_and_queries_are_attention_networks_of_their_own(layers, per_channel, frames):
    heads, queries, bottleneck, size = 3, 2, 5, 4
    options = {"heads": heads, "queries": queries, "bottleneck": bottleneck, "per_channel": per_channel}
    pooling = built({"name": "mqmhastp", "layers": layers, **options})
    means, stds = torch.empty(2, queries, heads, size), torch.empty(2, queries, heads, size)
    for head in range(heads):
        x = frames[:, head * size : (head + 1) * size]
        for query in range(queries):
            energies = x
            for number, layer in enumerate(pooling.attention[::2]):
                rows = layer.out_channels // (heads * queries)
                start = (head * queries + query) * rows
                weight, bias = layer.weight[start : start + rows, :, 0], layer.bias[start : start + rows]
                energies = weight @ (energies.tanh() if number else energies) + bias[:, None]
            for row in range(2):
                weights = energies[row].softmax(dim=-1)
                means[row, query, head], stds[row, query, head] = moments(x[row], weights)
    torch.testing.assert_close(pooling(frames), torch.cat([means.flatten(1), stds.flatten(1)], dim=1))


@pytest.mark.parametrize("std", [False, True])
def test_xi_is_the_product_of_the_frames_gaussians_and_the_prior(std, frames):
    pooling = built({"name": "xi", "std": std})
    precisions = torch.nn.functional.softplus(pooling.estimate(frames)).square()  # (B, C, T)
    prior_precision, prior_mean = pooling.prior_log_precision[0].exp(), pooling.prior_mean[0]
    for x, precision, pooled in zip(frames, precisions, pooling(frames), strict=True):
        posterior_precision, mean = prior_precision, prior_mean
        for t in range(9):  # of a product of Gaussian densities precisions add, and average the means
            total = posterior_precision + precision[:, t]
            mean = (posterior_precision * mean + precision[:, t] * x[:, t]) / total
            posterior_precision = total
        torch.testing.assert_close(pooled[:12], mean)
        if std:
            spread = sum(precision[:, t] * (x[:, t] - mean) ** 2 for t in range(9))
            variance = (spread + prior_precision * (prior_mean - mean) ** 2) / posterior_precision
            torch.testing.assert_close(pooled[12:], variance.sqrt())


def test_xi_of_a_certain_prior_is_the_prior_and_of_a_vague_one_the_weighted_mean(frames):
    pooling = built("xi")
    torch.nn.init.constant_(pooling.prior_log_precision, 40)
    torch.testing.assert_close(pooling(frames), pooling.prior_mean.expand(2, -1))
    torch.nn.init.constant_(pooling.prior_log_precision, -40)
    torch.nn.init.zeros_(pooling.estimate[-1].weight)
    torch.testing.assert_close(pooling(frames), frames.mean(dim=-1))


def test_log_softplus_survives_where_the_exponential_underflows():
    x = torch.tensor([-1000.0, -15.0, -1.0, 0.0, 30.0, 1000.0], requires_grad=True)
    exact = x.double().exp().log1p().log()
    exact = torch.where(x < -700, x.double(), torch.where(x > 700, x.double().log(), exact))
    torch.testing.assert_close(log_softplus(x).double(), exact, rtol=1e-5, atol=1e-6)
    (slope,) = torch.autograd.grad(log_softplus(x).sum(), x)
    assert slope.isfinite().all() and slope[0] == 1


def test_vlad_sums_the_residuals_of_each_cluster(frames):
    pooling = built({"name": "ghostvlad", "clusters": 3, "ghosts": 2})
    weight, bias = pooling.assign.weight[:, :, 0], pooling.assign.bias
    for x, pooled in zip(frames, pooling(frames), strict=True):
        clusters = torch.zeros(3, 12)
        for t in range(9):
            shares = (weight @ x[:, t] + bias).softmax(dim=0)  # over clusters and ghosts
            for k in range(3):
                clusters[k] += shares[k] * (x[:, t] - pooling.centres[k])
        clusters = clusters / clusters.norm(dim=1, keepdim=True)
        torch.testing.assert_close(pooled, clusters.flatten() / clusters.norm())


def test_ghosts_that_attract_no_frame_drop_out(frames):
    ghost_vlad = built({"name": "ghostvlad", "clusters": 3, "ghosts": 2})
    net_vlad = build_pooling({"name": "netvlad", "clusters": 3}, 12)
    with torch.no_grad():
        ghost_vlad.assign.bias[3:] = -1e4
        net_vlad.centres.copy_(ghost_vlad.centres)
        net_vlad.assign.weight.copy_(ghost_vlad.assign.weight[:3])
        net_vlad.assign.bias.copy_(ghost_vlad.assign.bias[:3])
    assert ghost_vlad.out_dim == net_vlad.out_dim == 36
    torch.testing.assert_close(ghost_vlad(frames), net_vlad(frames))


def test_frames_that_are_their_centre_have_finite_gradients():
    pooling = built({"name": "netvlad", "clusters": 1})
    x = pooling.centres.detach().unsqueeze(-1).repeat(1, 1, 2).requires_grad_()
    pooled = pooling(x)
    pooled.sum().backward()
    assert not pooled.any()
    for leaf in [x, *pooling.parameters()]:
        assert leaf.grad.square().sum().isfinite()
