"""Experiments: the paper's numbers, equal budgets, all rows of its tables; networks that are their seed's alone."""

from dataclasses import asdict, replace

import pytest
import torch
from small_staged import SMALL, same, some

from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder.models import SCALES

PROFILES = ("smoke", "laptop", "paper")
FREE = {"name", "variant", "begins", "frozen", "encoder_rate", "steps", "schedule", "repeat"}
"""What the experiments of Table 4 may differ in."""


@pytest.mark.parametrize("profile", PROFILES)
def test_what_an_experiment_needs_comes_before_it_and_is_of_the_right_kind(profile):
    configs, before = staged.experiments(profile), set()
    for name, config in configs.items():
        assert set(config.needs) <= before, name
        for need in config.needs:
            expected = "encoder" if config.frozen else "translator"
            assert configs[need].kind == expected
            assert configs[need].z_size == config.z_size
        before.add(name)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_rival_has_as_many_steps_as_both_stages_and_everything_else_alike(profile):
    configs = staged.experiments(profile)
    rows = [config for config in configs.values() if config.name.startswith("outlines") and "_by_" not in config.name]
    kept = [{name: value for name, value in asdict(config).items() if name not in FREE} for config in rows]
    assert len(rows) > 30
    assert all(each == kept[0] for each in kept)
    for dataset in ("outlines", "valley", "facades"):
        both = configs[f"{dataset}_stage2"].steps + configs[dataset].steps
        assert [configs[f"{dataset}_bicycle_{version}"].steps for version in ("v1", "v2")] == [both, both]
    for config in rows:
        if not config.row.pretrained:
            assert config.steps == configs["outlines_stage2"].steps + configs["outlines"].steps
        else:
            assert config.steps == configs["outlines_stage2" if config.frozen else "outlines"].steps


@pytest.mark.parametrize("profile", PROFILES)
def test_all_rows_of_tables_2_and_4_are_there_and_table_4_three_times(profile):
    configs = staged.experiments(profile)
    for again in ("", "_again1", "_again2"):
        names = [f"outlines{'' if row == 'ours_v3' else f'_{row}'}{again}" for row in staged.VARIANTS]
        assert [configs[name].variant for name in names] == list(staged.VARIANTS)
        assert {configs[name].repeat for name in names} == {int(again[-1:] or 0)}
        # Ours v4 goes on from v3's second stage, for what codes weigh does not matter while they stay as they are.
        assert configs[f"outlines_ours_v4{again}"].begins == configs[f"outlines{again}"].begins
        assert configs[f"outlines_ours_v1_stage2{again}"].begins == f"encoder_outlines{again}"
    for dataset, other in (
        ("outlines", "valley"),
        ("valley", "outlines"),
        ("outlines", "facades"),
        ("facades", "outlines"),
    ):
        config = configs[f"{dataset}_by_{other}_stage2"]
        assert (config.dataset, config.begins) == (dataset, f"encoder_{other}")
    assert ("play" in configs) == (profile != "paper")


def test_stage_3_goes_on_with_stage_2_and_the_encoders_rate_is_a_tenth():
    stage2, stage3 = SMALL["outlines_stage2"], SMALL["outlines"]
    assert (stage2.frozen, stage2.schedule) == (True, "constant")
    assert (stage3.frozen, stage3.encoder_rate, stage3.schedule, stage3.begins) == (False, 0.1, "linear", stage2.name)


def test_the_paper_profile_is_a_1s():
    configs = staged.experiments("paper")
    encoder, stage2, stage3 = (configs[name] for name in ("encoder_outlines", "outlines_stage2", "outlines"))
    assert (encoder.close, encoder.far, encoder.margin, encoder.batch_size) == (5, 13, 0.1, 12)
    assert (encoder.count, encoder.z_size) == (8000, 8)
    assert encoder.layers == stage2.layers == tuple(f"relu{i}_2" for i in range(1, 6))
    for config in configs.values():
        assert (config.gan, config.L2, config.features, config.pretrained) == (1, 0.01, "vgg16", True)
        assert (config.learning_rate, config.beta_1, config.beta_2, config.average) == (1e-3, 0, 0.99, 0.999)
        assert (config.side, config.width, config.blocks, config.discriminator) == (256, 64, 9, 64)
        if not config.told and "lively" not in config.name and "faithful" not in config.name:
            assert config.lam == (0.02,)
    assert SCALES == 3
    assert stage2.steps * stage2.batch_size == 250_000
    assert 600_000 <= stage2.steps * stage2.batch_size + stage3.steps * stage3.batch_size <= 700_000


@pytest.mark.parametrize("profile", PROFILES)
def test_one_generator_is_told_what_two_have_one_end_of_each(profile):
    configs = staged.experiments(profile)
    told, weight = configs["valley_told"], configs["valley_stage2"].lam[0]
    assert told.lam == pytest.approx((weight / 4, 4 * weight))
    assert (configs["valley_lively"].lam, configs["valley_faithful"].lam) == ((told.lam[0],), (told.lam[1],))
    assert [name for name, config in configs.items() if config.told] == ["valley_told"]
    assert len({configs[name].steps for name in configs["valley_critic"].judged}) == 1


# Networks -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["encoder_outlines", "outlines_stage2", "outlines_bicycle_v1", "valley_told", "valley_critic"]
)
def test_weights_depend_on_seed_and_repetition_alone(name):
    first = staged.build(SMALL[name], 3)
    torch.manual_seed(99)
    assert same(first, staged.build(SMALL[name], 3))
    assert same(first, staged.build(replace(SMALL[name], learning_rate=0.5, steps=9), 3))
    assert not same(first, staged.build(SMALL[name], 4))
    assert not same(first, staged.build(replace(SMALL[name], repeat=1), 3))


def test_what_is_published_has_a_discriminator_where_training_goes_on_with_it():
    models = {name: staged.build(SMALL[name]) for name in ("outlines_stage2", "outlines", "outlines_bicycle_v1")}
    assert {name: model.opponent is not None for name, model in models.items()} == {
        "outlines_stage2": True,
        "outlines": False,
        "outlines_bicycle_v1": False,
    }


def test_the_told_generator_hears_lambda_and_others_do_not():
    low, high = SMALL["valley_told"].lam
    layouts, pictures = some(2, seed=1), some(2, seed=2)
    for name, hears in (("valley_told", True), ("valley_stage2", False)):
        model = staged.build(SMALL[name])
        for weight in model.generator.parameters():
            weight.data += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            made = [model(layouts, pictures, torch.full((2,), lam)) for lam in (low, high)]
        assert torch.equal(*made) != hears
    conditioned = staged.build(SMALL["valley_told"])
    assert (float(conditioned.prior.low), float(conditioned.prior.high)) == pytest.approx((low, high))
    # Both convolutions of a block and all layers that halve or double are told; those that put out pictures are not.
    config = SMALL["valley_told"]
    assert len(conditioned.generator.conditioners) == 2 * config.levels + 2 * config.blocks
