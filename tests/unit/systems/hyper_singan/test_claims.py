"""Claims of sections 4 to 6: each is judged by its bound, on either side of it."""

from lossconditioning.systems.hyper_singan.claims import CLAIMS

BOUNDS = {
    "as_good_as_separate": ((0.115, 0.1001), (0.116, 0.1)),
    "as_diverse": ((0.451, 0.5), (0.449, 0.5)),
    "less_time": ((0.2,), (0.21,)),
    "shared_discriminator_leaks": ((0.31, 0.1), (0.29, 0.1)),
    "shared_embedding_collapses": ((0.009, 0.1), (0.011, 0.1)),
    "unseen_is_harder": ((0.2, 0.1), (0.19, 0.1)),
}
"""Claim → metrics that bear it out, and some that do not."""


def test_claims_are_judged_by_their_bounds():
    assert [statement.id for statement in CLAIMS] == list(BOUNDS)
    for statement in CLAIMS:
        for values, right in zip(BOUNDS[statement.id], (True, False), strict=True):
            claim = statement.judged(dict(zip(statement.needs, values, strict=True)))
            assert claim.reproduced is right, (statement.id, claim.value)
    words = {s.id: s.judged(dict(zip(s.needs, BOUNDS[s.id][0], strict=True))).value for s in CLAIMS}
    assert words["shared_discriminator_leaks"] == "31.0% of patches against 10.0%"
