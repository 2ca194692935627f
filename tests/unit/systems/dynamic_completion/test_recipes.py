"""Which configurations of completion there are, and which can not be."""

from dataclasses import replace

import pytest
from small_completion import BLOCKS, CRITIC, SHARP

from lossconditioning import ReaderError
from lossconditioning.systems import dynamic_completion as completion


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "netwrok"}, "Did you mean 'network'"),
        ({"data": "faces"}, "no data 'faces'"),
        ({"schedule": "linear"}, "no schedule"),
        ({"schedule": "steps"}, "no schedule 'steps'. Known: constant, cosine"),
        ({"width": 0}, "width must be"),
        ({"count": 1.5}, "count must be"),
        ({"smallest": 21}, "even sides"),
        ({"smallest": 30, "largest": 28}, "smallest ≤ largest"),
        ({"offset": 17}, "offset is 0 to 16"),
        ({"lam": -1.0}, "λ, the weight of the adversarial loss"),
        ({"lam": float("nan")}, "λ, the weight of the adversarial loss"),
        ({"beta_1": 1.0}, "beta_1 is in"),
        ({"learning_rate": 0.0}, "learning_rate is a positive number; got 0"),
        ({"main": "hole_smooth"}, "only they, name a main network"),
        ({"kind": "blocks"}, "only they, name a main network"),
        ({"kind": "critic", "main": "hole_sharp", "lam": 0.0}, "names blocks and a smooth network"),
        ({"blocks": "hole_blocks", "smooth": "hole_smooth"}, "names blocks and a smooth network"),
        ({"kind": "blocks", "main": "hole_smooth"}, "Only networks are trained against a discriminator"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(ReaderError, match=said):
        replace(SHARP, **changes)


def test_experiments_come_after_what_they_need():
    before = set()
    for name, config in completion.experiments("laptop").items():
        assert before >= set(config.needs)
        before.add(name)


def test_lambda_is_what_the_networks_prior_says():
    assert completion.build(SHARP).prior.sample((2,)).tolist() == pytest.approx([SHARP.lam] * 2)
    assert (
        completion.build(BLOCKS).prior.sample((2,)).tolist()
        == completion.build(CRITIC).prior.sample((2,)).tolist()
        == [0, 0]
    )


def test_all_laptop_checkpoints_take_less_than_two_megabytes():
    sizes = [completion.build(config).state_dict() for config in completion.experiments("laptop").values()]
    assert 2 * sum(tensor.numel() for state in sizes for tensor in state.values()) < 2e6
