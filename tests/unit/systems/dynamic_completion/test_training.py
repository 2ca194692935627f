"""Completion's training: opponents learn by turns, blocks turn a frozen network, a critic sees both ways to a smooth one."""

import math
from dataclasses import replace

import pytest
import torch
from small_completion import BLOCKS, CRITIC, SHARP, as_if_trained, shaken, some

from lossconditioning.conditioning import DynamicNet
from lossconditioning.systems import dynamic_completion as completion
from lossconditioning.training import Run


def fit(config, **made):
    return completion.fit(replace(config, half=False), Run(profile="smoke", progress=False), made=made)


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def test_training_changes_the_network_and_its_opponent_and_nothing_but_blocks_in_the_second_phase():
    model, loop = fit(SHARP)
    opponent = loop.state["discriminator"]
    started = completion.experiment_data(SHARP, Run(profile="smoke")).discriminator.state_dict()
    for trained, untrained in ((model, completion.build(SHARP).state_dict()), (opponent, started)):
        assert all(not torch.equal(value, untrained[name]) for name, value in trained.state_dict().items())
    assert all(parameter.requires_grad for parameter in opponent.parameters())
    made = as_if_trained("hole_sharp")
    main = made["hole_sharp"]
    before = {name: value.clone() for name, value in main.state_dict().items()}
    blocks, _ = fit(BLOCKS, **made)
    assert_same_bits(main.state_dict(), before)
    assert all(parameter.requires_grad for parameter in main.parameters())  # no longer frozen
    untrained = completion.build(BLOCKS).state_dict()
    assert all(not torch.equal(value, untrained[name]) for name, value in blocks.state_dict().items())


def test_a_critic_learns_alone():
    made = as_if_trained("hole_sharp", "hole_smooth", "hole_blocks")
    before = {name: {key: value.clone() for key, value in model.state_dict().items()} for name, model in made.items()}
    critic, _ = fit(CRITIC, **made)
    untrained = completion.build(CRITIC).state_dict()
    assert all(not torch.equal(value, untrained[name]) for name, value in critic.state_dict().items())
    for name, model in made.items():
        assert_same_bits(model.state_dict(), before[name])
        assert all(parameter.requires_grad for parameter in model.parameters())


class Onlooker(torch.nn.Module):
    """A critic without an opinion that keeps what it is shown."""

    def forward(self, pictures, hole):
        self.seen = pictures
        return torch.zeros(len(pictures), 1, 16, 16)


def test_a_critic_is_shown_tuned_and_blended_completions_in_equal_parts():
    made, (images, hole) = as_if_trained("hole_sharp", "hole_smooth", "hole_blocks"), some(4)
    batch = completion.Judged(images, hole, alpha=torch.tensor([0.0, 1.0, 0.0, 1.0]))
    data, critic = replace(completion.experiment_data(CRITIC, Run(profile="smoke")), made=made), Onlooker()
    with completion.around(CRITIC, critic, data) as judging, torch.no_grad():
        loss = completion.terms(judging, batch)["discriminator"]
        tuned = judging.dynamic(images, hole, alpha=1.0)
    assert loss.tolist() == pytest.approx([math.log(2)] * 4)
    with torch.no_grad():
        sharp, smooth = made["hole_sharp"](images, hole), made["hole_smooth"](images, hole)
    expected = torch.stack([sharp[0], tuned[1], sharp[2], smooth[3]])
    torch.testing.assert_close(critic.seen, torch.cat([images, expected]))


def test_the_adversarial_loss_is_weighed_by_lambda():
    first = {}
    for lam in (0.0, 0.01, 1.0):
        _, loop = fit(replace(SHARP, lam=lam, steps=1))
        first[lam] = loop.history[0]
    assert "adversarial" not in first[0.0]
    for lam in (0.01, 1.0):
        noted = first[lam]
        assert noted["l1"] == first[0.0]["l1"]
        assert noted["loss"] == pytest.approx(noted["l1"] + lam * noted["adversarial"], rel=1e-5)
        assert noted["discriminator"] == pytest.approx(0.69, abs=0.05)  # untrained: log 2


def test_at_alpha_zero_a_tuned_network_is_the_main_network():
    made, (images, hole) = as_if_trained("hole_sharp", "hole_blocks"), some()
    main = made["hole_sharp"]
    with torch.no_grad():
        expected = main(images, hole)
        model = DynamicNet(main, {"tuned": shaken(made["hole_blocks"])})
        assert torch.equal(model(images, hole, alpha=0.0), expected)
        turned = model(images, hole, alpha=torch.tensor([0.0, 0.5, 1.0]))
    assert torch.equal(turned[0], expected[0])
    assert not torch.equal(turned[1], expected[1])
    missing = hole.expand_as(images)
    assert torch.equal(turned[~missing], images[~missing])
