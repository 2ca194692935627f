"""A hypernetwork makes the weights of a primary network of a code, of an image or of λ."""

import copy
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from generated_networks import PRIMARIES, build, chain, one_by_one, others
from safetensors.torch import load, save
from torch import nn
from torch.utils.checkpoint import checkpoint

import lossconditioning as lc
from lossconditioning import LogUniform, ReaderError, WeightWarning, hypernetwork
from lossconditioning.conditioning import apply

CODE = 6
PRIOR = LogUniform(0.1, 10.0)
LAM = torch.tensor([0.1, 1.0, 5.0, 10.0])
CODES = torch.randn(4, CODE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=PRIMARIES)
def name(request):
    return request.param


def made(name="chain", **changes):
    """A hypernetwork whose biases are not zero any longer, and its inputs."""
    network, _, inputs = build(name)
    hyper = hypernetwork(network, CODE, **changes)
    with torch.no_grad():
        for parameter in hyper.heads.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return hyper.train(network.training), inputs


# A code -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heads", ["full", "low-rank", "chunked"])
def test_each_example_goes_through_a_network_of_its_own(name, heads):
    hyper, inputs = made(name, heads=heads)
    network = PRIMARIES[name][0]()
    network.load_state_dict(build(name)[0].state_dict())  # its buffers
    network.train(hyper.training)
    weights = hyper.weights(CODES)
    assert {key: value.shape[1:] for key, value in weights.items()} == {
        k: v.shape for k, v in network.named_parameters()
    }
    expected = one_by_one(network, weights, *inputs)
    for outputs in (hyper(*inputs, CODES), hyper.run(weights, *inputs), hyper(*inputs, lam=CODES)):
        torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=1e-5)


def test_one_code_serves_a_whole_batch():
    hyper, (x,) = made()
    torch.testing.assert_close(hyper(x, CODES[:1]), hyper(x, CODES[:1].expand(4, -1)), atol=1e-5, rtol=1e-5)


def test_the_primary_network_is_left_alone_and_not_trained():
    primary = others()
    before = copy.deepcopy(primary.state_dict())
    hyper = hypernetwork(primary, CODE).eval()
    hyper(torch.randn(4, 3, 5, 5), CODES).square().sum().backward()
    assert all(torch.equal(value, before[key]) for key, value in primary.state_dict().items())
    assert all(parameter.grad is None for parameter in primary.parameters())
    assert all(key.startswith(("heads.", "primary.buffer/1/", "start/")) for key in hyper.state_dict())
    primary[1].running_mean.fill_(5.0)  # its buffers are a copy
    assert not hyper.state_dict()["primary.buffer/1/running_mean"].eq(5.0).any()


def test_an_image_encoder_as_embedding():
    encoder = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, CODE)
    )
    hyper, (z,) = made(embedding=encoder)
    images = torch.randn(4, 3, 16, 16)
    torch.testing.assert_close(hyper(z, images), hyper.run(hyper.weights(encoder(images)), z))
    hyper(z, images).sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_a_state_dict_survives_a_file(name):
    hyper, inputs = made(name, prior=PRIOR)
    fresh = hypernetwork(PRIMARIES[name][0](), CODE, prior=PRIOR).train(hyper.training)
    assert not torch.equal(fresh(*inputs, LAM), hyper(*inputs, LAM))
    fresh.load_state_dict(load(save(hyper.state_dict())), strict=True)
    assert torch.equal(fresh(*inputs, LAM), hyper(*inputs, LAM))


def test_a_deep_copy_is_equal_and_independent():
    hyper, (x,) = made(prior=PRIOR)
    before, twin = hyper(x, LAM), copy.deepcopy(hyper)
    assert torch.equal(twin(x, LAM), before)
    with torch.no_grad():
        twin.heads.linear.weight.add_(1.0)
    assert not torch.equal(twin(x, LAM), before)
    assert torch.equal(hyper(x, LAM), before)


def test_double_precision():
    hyper = hypernetwork(chain().double(), CODE, prior=PRIOR)
    x = torch.randn(4, 3, 7, 6, dtype=torch.float64)
    assert hyper(x, LAM.double()).dtype == torch.float64


def test_autocast(name):
    hyper, inputs = made(name, prior=PRIOR)
    with torch.autocast("cpu", torch.bfloat16):
        rough = hyper(*inputs, LAM)
    outputs = hyper(*inputs, LAM)
    torch.testing.assert_close(rough.float(), outputs, atol=0.05 * float(outputs.detach().abs().max()), rtol=0.1)
    assert not torch.equal(rough.float(), outputs)


def test_four_threads_get_the_pictures_of_their_own_weights():
    hyper, (x,) = made(prior=PRIOR)
    hyper.eval()
    alone = [hyper(x, lam.expand(4)) for lam in LAM]
    together = threading.Barrier(4)

    def wrong(number):
        together.wait()
        return sum(not torch.equal(hyper(x, LAM[number].expand(4)), alone[number]) for _ in range(100))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(wrong, range(4))) == [0, 0, 0, 0]


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpointed_hypernetwork_has_the_same_gradients(reentrant):
    found = []
    for run in (lambda model, *given: model(*given), lambda *given: checkpoint(*given, use_reentrant=reentrant)):
        hyper, (x,) = made(prior=PRIOR)
        run(hyper, x.requires_grad_(), LAM).square().sum().backward()
        found.append([parameter.grad for parameter in hyper.parameters()])
    torch.testing.assert_close(*found)


def test_compiled():
    hyper, (x,) = made(prior=PRIOR)
    hyper.eval()
    torch._dynamo.reset()
    fast = torch.compile(hyper, backend="aot_eager")
    for lam in (LAM, LAM.flip(0)):
        torch.testing.assert_close(fast(x, lam), hyper(x, lam), atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:While compiling, we found certain side effects")
@pytest.mark.parametrize("strict", [False, True])
def test_exported_at_a_fixed_batch(name, strict):
    hyper, inputs = made(name, prior=PRIOR)
    hyper.eval()
    before = hyper(*inputs, LAM)
    exported = torch.export.export(hyper, (*inputs, LAM), strict=strict).module()
    torch.testing.assert_close(exported(*inputs, LAM), before, atol=1e-5, rtol=1e-5)
    assert torch.equal(hyper(*inputs, LAM), before)


def test_an_mlp_exports_for_any_batch_size():
    hyper, (x,) = made("mlp", prior=PRIOR)
    hyper.eval()
    batch = torch.export.Dim("batch", min=2, max=64)
    shapes = {"inputs": ({0: batch}, {0: batch})}
    exported = torch.export.export(hyper, (x, LAM), dynamic_shapes=shapes, strict=False).module()
    x, lam = torch.randn(7, 5), PRIOR.sample((7,))
    torch.testing.assert_close(exported(x, lam), hyper(x, lam), atol=1e-5, rtol=1e-5)


# λ ------------------------------------------------------------------------------------------------------------------------


def test_a_network_told_its_weights():
    hyper, (x,) = made(prior=PRIOR)
    hyper.eval()
    outputs = hyper(x, LAM)
    assert hyper.prior is PRIOR
    assert torch.equal(hyper(x, lam=LAM), outputs)
    assert torch.equal(apply(hyper, x, LAM), outputs)
    torch.testing.assert_close(hyper(x, LAM.double()), outputs)  # as out of NumPy
    moved = (hyper(x, LAM.flip(0)) - outputs).abs().amax((1, 2, 3))
    assert (moved > 1e-3).all()
    code = hyper.embedding(PRIOR.encode(LAM))
    torch.testing.assert_close(code.square().mean(1), torch.ones(4), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(hyper.run(hyper.weights(code), x), outputs)


def test_an_embedding_of_a_readers_own_is_given_the_code_of_the_weights():
    embedding = nn.Linear(1, CODE)
    hyper, (x,) = made(prior=PRIOR, embedding=embedding)
    torch.testing.assert_close(hyper(x, LAM), hyper.run(hyper.weights(embedding(PRIOR.encode(LAM))), x))


def test_weights_outside_the_prior_are_warned_about_where_the_network_is_called():
    hyper, (x,) = made(prior=PRIOR)
    far = torch.full((4,), 100.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hyper.train()(x, far)
        hyper.eval()(x, LAM)
    with pytest.warns(WeightWarning, match=r"outside the prior's support, \[0.1, 10\]") as caught:
        hyper(x, far)
    assert caught[0].filename == __file__
    with pytest.raises(ReaderError, match="can not be encoded"):
        hyper(x, -LAM)
    with pytest.raises(ReaderError, match="finite"):
        hyper(x, LAM * float("nan"))
    with pytest.raises(ReaderError, match="takes one λ per example"):
        hyper(x, torch.tensor(1.0))


def test_term_values_of_a_hypernetwork():
    hyper, (x,) = made(prior=PRIOR)
    hyper.eval()
    values = lc.term_values(lambda lam: {"size": hyper(x, lam.expand(4)).square().mean((1, 2, 3))}, LAM)
    expected = torch.stack([hyper(x, lam.expand(4)).square().mean().double() for lam in LAM])
    torch.testing.assert_close(values["size"], expected)


@pytest.mark.parametrize("heads", ["full", "low-rank", "chunked"])
def test_it_learns_every_trade_off_at_once(heads):
    """argmin over y of λ (y − a(x))² + (y − b(x))² is (λ a + b) / (λ + 1)."""
    torch.manual_seed(0)
    hyper = hypernetwork(nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1)), 16, heads=heads, prior=PRIOR)
    optimizer = torch.optim.Adam(hyper.parameters(), 0.005)

    def targets(x):
        return (2 * x).sin(), 1 - x.square()

    for _ in range(400):
        x, lam = 2 * torch.rand(128, 1) - 1, PRIOR.sample((128,), stratified=True)
        (a, b), y = targets(x), hyper(x, lam)
        terms = {"a": (y - a).square().squeeze(1), "b": (y - b).square().squeeze(1)}
        loss = (lc.weighted(terms, {"a": lam}) / (1 + lam)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x = torch.linspace(-1, 1, 41).unsqueeze(1)
    a, b = targets(x)
    with torch.no_grad():
        for lam in (0.1, 1.0, 10.0):
            best = (lam * a + b) / (lam + 1)
            found = hyper.eval()(x, torch.full((41,), lam))
            assert float((found - best).square().mean()) < 0.01 * float((a - b).square().mean())


# Mistakes -----------------------------------------------------------------------------------------------------------------


def test_wrong_arguments_are_refused():
    for arguments, said in [
        ((nn.ReLU(), 4), "has no parameters"),
        ((3, 4), "A primary network is an nn.Module; got a int"),
        ((nn.Linear(2, 2), 0), "code_size must be a whole number"),
    ]:
        with pytest.raises(ReaderError, match=said):
            hypernetwork(*arguments)
    for arguments, said in [
        ({"prior": 3.0}, "prior= is where λ is drawn from"),
        ({"embedding": torch.relu}, r"embedding= is a module that makes codes \(B, 1\)"),
        ({"prior": PRIOR}, "at least 2 numbers"),
    ]:
        with pytest.raises(ReaderError, match=said):
            hypernetwork(nn.Linear(2, 2), 1, **arguments)


def test_wrong_calls_are_refused():
    hyper, (x,) = made()
    for given, said in [
        ((x,), r"takes the code, .* last: model\(inputs, code\)"),
        ((x, CODES[:3]), "4 examples came with 3 sets of weights"),
        ((x, CODES[:, :5]), r"A code is a tensor \(B, 6\).*got one of shape \(4, 5\)"),
        ((x, CODES[0]), r"got one of shape \(6,\)"),
        ((x, [1.0]), "got a list"),
    ]:
        with pytest.raises(ReaderError, match=said):
            hyper(*given)
    told, _ = made(prior=PRIOR)
    with pytest.raises(ReaderError, match=r"takes the loss weights last: model\(inputs, lam\)"):
        told(x)
    with pytest.raises(ReaderError, match="4 examples came with 3 sets of weights"):
        told(x, LAM[:3])


def test_batch_norm_is_refused_in_training_alone():
    hyper = hypernetwork(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), CODE)
    x = torch.randn(4, 3, 5, 5)
    with pytest.raises(ReaderError, match="BatchNorm2d '1' of the primary network"):
        hyper(x, CODES)
    hyper.primary.eval()
    hyper(x, CODES).sum().backward()
    assert hyper.training
