"""Configurations: what makes no sense is refused, Table 2's models are there, and what ships is small."""

from dataclasses import replace

import pytest
import torch
from small_mixed import SMALL, SYM

from lossconditioning import ReaderError
from lossconditioning.systems import mixed_domain as mixed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "syn"}, "Did you mean 'sym'"),
        ({"conditioning": "cam"}, "Did you mean 'ccam'"),
        ({"upsampling": "cubic"}, "no upsampling"),
        ({"units": "mine"}, "no units"),
        ({"schedule": "cosine"}, "no schedule 'cosine'. Known: constant, linear"),
        ({"losses": ("reconstruction", "adversarial", "perzeptual")}, "no loss 'perzeptual'"),
        ({"losses": ("reconstruction", "adversarial")}, "three domains, each with a loss"),
        ({"domains": ("photographs", "monet", "udnie")}, "no domain 'udnie'"),
        ({"width": 0}, "width must be"),
        ({"concentration": 0.0}, "concentration is a positive number"),
        ({"identity": -1.0}, "identity and pool are 0 or more"),
        ({"pool": -1}, "identity and pool are 0 or more"),
        ({"beta_1": 1.0}, "beta_1 is in"),
        ({"kind": "separate"}, "three weights that sum to 1"),
        ({"kind": "separate", "lam": (0.5, 0.2, 0.2)}, "three weights that sum to 1"),
        ({"lam": (1.0, 0.0, 0.0)}, "leave lam out"),
        ({"kind": "one_hot"}, "adversarial losses alone"),
        ({"kind": "critic"}, "names the experiments it judges"),
        ({"judged": ("sym",)}, "only it, names the experiments it judges"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(ReaderError, match=said):
        replace(SYM, **changes)


def test_the_paper_profile_is_a_2s():
    config = mixed.experiments("paper")["sym"]
    assert (config.width, config.blocks, config.upsampling, config.side, config.batch_size) == (
        64,
        9,
        "transposed",
        128,
        4,
    )
    assert (config.learning_rate, config.beta_1, config.schedule, config.pool) == (2e-4, 0.5, "linear", 50)
    assert (config.reconstruction, config.adversarial, config.identity) == (2, 1, 5)
    assert (config.content, config.style, config.units, config.features) == (1e-3, 200, "raw", "vgg16")
    assert config.style_layers == ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    assert mixed.build(SYM).prior.concentration.tolist() == [0.5] * 3


@pytest.mark.parametrize("profile", ["smoke", "laptop", "paper"])
def test_all_of_tables_2_and_3_and_their_rivals_are_there(profile):
    configs = mixed.experiments(profile)
    assert [configs[f"model_{i}"].losses[1:] for i in (2, 3)] == [
        ("adversarial", "perceptual"),
        ("adversarial", "adversarial"),
    ]
    separate = [config for config in configs.values() if config.kind == "separate" and not config.repeat]
    assert [config.lam for config in separate] == list(mixed.TABLE_3)
    ways = {
        config.conditioning for config in configs.values() if config.kind == "sym" and config.purpose == "comparison"
    }
    assert ways == set(mixed.CONDITIONING)
    compared = [config for name, config in configs.items() if config.purpose == "comparison" and name != "model_3"]
    assert len({(config.steps, config.width, config.batch_size) for config in compared}) == 1  # equal budgets
    assert sum(config.repeat for config in compared) == 1 + len(mixed.TABLE_3)  # a second seed of Table 3
    plays = [name for name, config in configs.items() if config.purpose == "play"]
    assert plays == ([] if profile == "paper" else ["play"])


def test_s_is_named_by_the_domains_that_have_a_weight():
    assert [mixed.letters(lam) for lam in mixed.TABLE_3] == ["a", "ab", "b", "bc", "c", "ac", "abc"]


def test_a_separate_networks_s_is_its_priors():
    model = mixed.build(SMALL["separate_bc"])
    assert torch.equal(model.prior.sample((2,)), torch.tensor([[0.0, 0.5, 0.5]] * 2))


def test_there_is_a_discriminator_for_each_adversarial_domain_with_a_weight():
    counts = {name: len(config.learned_against) for name, config in SMALL.items()}
    expected = {"sym": 1, "separate_a": 0, "separate_b": 1, "separate_ac": 0, "critic": 0, "model_3": 2, "one_hot": 3}
    assert expected.items() <= counts.items()
    for name, count in expected.items():
        opponents = mixed.build_opponents(SMALL[name])
        assert (0 if opponents is None else len(list(opponents))) == count


def test_what_ships_takes_less_than_twelve_megabytes():
    configs = mixed.experiments("laptop").values()
    ships = [config for config in configs if not config.repeat and not config.name.startswith("model_")]
    sizes = [sum(tensor.numel() for tensor in mixed.build(config).state_dict().values()) for config in ships]
    assert 2 * sum(sizes) < 12e6
