"""`weighted` is Σ_k λ_k · L_k for every example by itself, and says what does not fit."""

import pytest
import torch

from lossconditioning import ReaderError, balanced, weighted

B, M = 5, 3


@pytest.fixture
def terms():
    torch.manual_seed(0)
    return {name: torch.randn(B) for name in ("rate", "distortion", "style")}


@pytest.fixture
def lam():
    torch.manual_seed(1)
    return torch.rand(B, 3)


def test_equals_a_loop_over_examples_and_terms(terms, lam):
    expected = [sum(float(lam[b, k] * term[b]) for k, term in enumerate(terms.values())) for b in range(B)]
    torch.testing.assert_close(weighted(terms, lam), torch.tensor(expected))


def test_columns_and_names_agree_whatever_the_order_of_names(terms, lam):
    named = {"style": lam[:, 2], "rate": lam[:, 0], "distortion": lam[:, 1]}
    assert torch.equal(weighted(terms, named), weighted(terms, lam))


def test_one_weight_vector_serves_all_examples(terms, lam):
    torch.testing.assert_close(weighted(terms, lam[0]), weighted(terms, lam[:1].expand(B, 3)))


def test_a_term_without_a_weight_counts_once(terms, lam):
    expected = lam[:, 0] * terms["rate"] + terms["distortion"] + terms["style"]
    torch.testing.assert_close(weighted(terms, {"rate": lam[:, 0]}), expected)
    torch.testing.assert_close(weighted(terms, {}), sum(terms.values()))


def test_one_weight_may_stand_under_several_names_and_as_a_number(terms, lam):
    shared = lam[:, 0]
    expected = shared * (terms["rate"] + terms["style"]) + 0.25 * terms["distortion"]
    torch.testing.assert_close(weighted(terms, {"rate": shared, "style": shared, "distortion": 0.25}), expected)


def test_weight_zero_silences_a_term(terms):
    assert torch.equal(weighted(terms, {"rate": 0, "style": 0}), terms["distortion"])


def test_an_ensemble_is_its_members_side_by_side():
    torch.manual_seed(0)
    terms, lam = {name: torch.randn(M, B) for name in "ab"}, torch.rand(M, B, 2)
    members = [weighted({name: term[m] for name, term in terms.items()}, lam[m]) for m in range(M)]
    torch.testing.assert_close(weighted(terms, lam), torch.stack(members))
    # One row of weights for all members.
    torch.testing.assert_close(weighted(terms, lam[0]), weighted(terms, lam[:1].expand(M, B, 2)))


def test_each_example_sees_its_own_weight_only():
    terms = {name: torch.ones(B, requires_grad=True) for name in "ab"}
    lam = torch.arange(2.0 * B).view(B, 2).requires_grad_()
    weighted(terms, lam)[2].backward()
    assert terms["a"].grad.tolist() == [0, 0, 4, 0, 0]
    assert terms["b"].grad.tolist() == [0, 0, 5, 0, 0]
    assert lam.grad.nonzero().tolist() == [[2, 0], [2, 1]]


def test_the_arguments_stay_as_they_are(terms, lam):
    before = {name: term.clone() for name, term in terms.items()}
    weighted(terms, lam)
    assert list(terms) == list(before)
    assert all(torch.equal(terms[name], before[name]) for name in terms)


@pytest.mark.parametrize(
    ("terms", "weights", "said"),
    [
        ({"kl": torch.ones(4)}, {"lk": 1.0}, r"given for \['lk'\], but the terms are named \['kl'\]"),
        ({"kl": torch.tensor(1.0)}, {"kl": 1.0}, r"'kl' is one number.*shape \(B,\)"),
        ({"ok": torch.ones(4), "kl": 2.0}, {}, "'kl' is one number"),
        ({"a": torch.ones(4), "b": torch.ones(4, 1)}, {}, r"same shape.*'a': \(4,\), 'b': \(4, 1\)"),
        ({"a": torch.ones(4), "b": torch.ones(3)}, torch.ones(4, 2), r"'a': \(4,\), 'b': \(3,\)"),
        ({"a": torch.ones(4), "b": torch.ones(4)}, torch.ones(4, 3), r"\(4, 3\) do not fit the 2 terms.*\(4, 2\)"),
        ({"a": torch.ones(4), "b": torch.ones(4)}, torch.ones(4), r"\(4,\) do not fit the 2 terms \['a', 'b'\]"),
        ({"a": torch.ones(4)}, torch.tensor(1.0), r"shape \(\) do not fit"),
        ({"a": torch.ones(4), "b": torch.ones(4)}, torch.ones(2, 4, 2), r"expected \(4, 2\)"),
        ({"a": torch.ones(4)}, torch.ones(3, 1), r"weight of 'a' has shape \(3,\), its term \(4,\)"),
        ({"a": torch.ones(4)}, {"a": torch.ones(3)}, r"weight of 'a' has shape \(3,\), its term \(4,\)"),
        # A column would broadcast to (4, 4), every example under every weight.
        ({"a": torch.ones(4)}, {"a": torch.ones(4, 1)}, r"weight of 'a' has shape \(4, 1\)"),
        ({}, {}, "no terms to weigh"),
    ],
)
def test_what_does_not_fit_is_named(terms, weights, said):
    with pytest.raises(ReaderError, match=said):
        weighted(terms, weights)


# Balanced ---------------------------------------------------------------------------------------------------------------


def test_balanced_divides_by_the_size_of_the_weights():
    terms = {"rate": torch.tensor([1.0, 1.0]), "distortion": torch.tensor([2.0, 2.0])}
    lam = torch.tensor([1.0, 100.0])
    assert balanced(terms, {"distortion": lam}, lam).tolist() == pytest.approx([3.0, 2.01])
    assert balanced(terms, {"distortion": lam}, lam, 0.5).tolist() == pytest.approx([3.0, 20.1])
    assert torch.equal(balanced(terms, {"distortion": lam}, lam, 0.0), weighted(terms, {"distortion": lam}))
