"""Every system has the parts that the protocol names, and they fit together."""

import dataclasses
import json
from dataclasses import replace

import pytest
import torch
from smallest import KINDS, chosen

from lossconditioning import ReaderError
from lossconditioning.evaluation import Evaluation
from lossconditioning.paths import shipped
from lossconditioning.systems import SYSTEMS, system
from lossconditioning.training import PROFILES, Config, Data, Ensemble, Run, System
from lossconditioning.training.experiments import in_waves


@pytest.fixture(params=SYSTEMS)
def found(request) -> System:
    return system(request.param)


def test_its_networks_ship(found):
    assert found.recorded()


def test_it_is_a_system_under_its_own_name(found):
    assert isinstance(found, System)
    assert SYSTEMS[found.name]
    assert issubclass(found.Config, Config)
    assert all(callable(getattr(found, part)) for part in ("play", "data", "terms", "weigh", "measure", "compare"))
    assert found.tolerance
    assert set(found.reads) <= {field.name for field in dataclasses.fields(Run)}


@pytest.mark.parametrize("profile", PROFILES)
def test_experiments_are_named_and_survive_json(found, profile):
    configs = found.experiments(profile)
    for name, config in configs.items():
        assert config.name == name
        assert found.Config.from_json(json.loads(json.dumps(config.as_json()))) == config
        assert config.steps >= 1
        assert set(config.needs) <= set(configs)
    order = [config.name for wave in in_waves(configs.values()) for config in wave]
    assert sorted(order) == sorted(configs)


def test_what_ships_was_trained_by_the_laptop_profile(found):
    assert found.experiments("demo") == found.experiments("laptop")
    configs = found.experiments("laptop")
    for name, card in found.recorded().items():
        assert found.Config.from_json(card.config) == configs[name]
        assert (card.system, card.name, card.steps) == (found.name, name, configs[name].steps)
        command = f"lossconditioning train {found.name} --only {name} --profile laptop --seed 0 --out DIR"
        assert card.command == command + (" --start DIR" if card.start else "")


def test_an_unknown_profile_is_answered_with_the_known_ones(found):
    with pytest.raises(ReaderError, match=r"no profile 'papier'\. Did you mean 'paper'"):
        found.experiments("papier")


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_networks_weights_depend_on_seed_and_repetition_alone(name, kind):
    found, config = system(name), chosen(system(name))[0][kind]

    def weights(seed: int, **changes):
        return found.build(replace(config, **changes), seed).state_dict()

    def same(one, other) -> bool:
        return all(torch.equal(value, other[key]) for key, value in one.items())

    first = weights(3)
    torch.manual_seed(99)
    assert same(first, weights(3))
    assert not same(first, weights(4))
    assert not same(first, weights(3, repeat=1))


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_terms_are_one_number_per_example_and_reach_the_network(name, kind, shelves):
    shelf = shelves(name)
    found, config = shelf.system, shelf.kinds[kind]
    data, model = shelf.data(config), shelf.system.build(config, 0)
    assert isinstance(data, Data)
    assert data.source
    assert model.prior.sample((2,)).isfinite().all()
    with found.around(config, model, data) as network:
        batch, lam = found.draw(config, model, data.batches(0), 1.0)
        terms = found.terms(network, batch, lam)
        weighed = found.weigh(config, terms, lam)
        weighed.sum().backward()
    rows = lam.shape[: 2 if isinstance(model, Ensemble) else 1]
    for term in (*terms.values(), weighed):
        assert term.shape == rows
        assert term.isfinite().all()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_every_claim_names_what_it_needs(found):
    assert all(statement.needs for statement in found.CLAIMS)


def test_the_record_has_the_systems_claims_word_for_word(found):
    record = Evaluation.read(shipped("records") / f"{found.name}.json")
    metrics = {**record.metrics, **found.recall(found.recorded())}
    assert [statement.judged(metrics) for statement in found.CLAIMS] == record.claims
