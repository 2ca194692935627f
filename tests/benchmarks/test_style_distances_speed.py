"""Style distances of all pairs against a loop over pairs: ratios measured side by side in one run, one thread.

Both sides begin with every picture's Gram matrices, computed once: VGG-16's five layers of the paper, 128 pixels, random
filters, which take the time that trained ones do. There are 64 pictures, and 2,016 pairs, where a training has thousands;
with more of them matrix products gain further.
"""

from itertools import combinations

import pytest
import torch
import torch.nn.functional as F
from ratios import side_by_side

from lossconditioning.losses import PerceptualFeatures, gram
from lossconditioning.systems.staged_encoder.distances import all_pairs, style_codes

LAYERS = tuple(f"relu{block}_2" for block in range(1, 6))
COUNT, SIDE = 64, 128

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def features():
    return PerceptualFeatures(LAYERS, "vgg16", weights="random")


@pytest.fixture(scope="module")
def pictures():
    draw = torch.Generator().manual_seed(0)
    light = torch.rand(COUNT, 3, 1, 1, generator=draw)  # noise alone would have one style
    return (255 * light * torch.rand(COUNT, 3, SIDE, SIDE, generator=draw)).byte()


@pytest.fixture(scope="module")
def codes(features, pictures):
    return style_codes(pictures, features)


@pytest.fixture(scope="module")
def grams(features, pictures):
    """Of every layer, ``(N, C, C)``."""
    with torch.no_grad():
        parts = [[gram(found) for found in features(part.float() / 255).values()] for part in pictures.split(8)]
    return [torch.cat(layer) for layer in zip(*parts, strict=True)]


@torch.no_grad()
def pair_by_pair(grams):
    """As it is commonly written: the loss of style of every pair."""
    found = torch.zeros(COUNT, COUNT)
    for i, j in combinations(range(COUNT), 2):
        found[i, j] = found[j, i] = sum(F.mse_loss(layer[i], layer[j]) for layer in grams)
    return found


def test_both_are_the_same_distances(codes, grams):
    expected = pair_by_pair(grams)
    torch.testing.assert_close(all_pairs(codes), expected, rtol=1e-3, atol=1e-5 * float(expected.max()))


def test_all_pairs_against_a_loop(benchmark, codes, grams):
    """At least five times as fast: it fails above 0.17."""
    side_by_side(benchmark, lambda: all_pairs(codes), lambda: pair_by_pair(grams), rounds=5, usually=0.11)
