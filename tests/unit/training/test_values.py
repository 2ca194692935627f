"""Every type that schedulers, optimizers and samplers keep comes back as it was, or is refused by name."""

from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from enum import IntEnum

import numpy as np
import pytest
import torch
from torch import nn

from lossconditioning import CheckpointError
from lossconditioning.training import load_state, save_state

Point = namedtuple("Point", "x y")


class Colour(IntEnum):
    RED = 1


class Versioned(nn.Module):
    """A layer whose format has changed: it reads the numbers of the first version as halves."""

    _version = 2

    def __init__(self):
        super().__init__()
        self.register_buffer("number", torch.tensor(3.0))

    def _load_from_state_dict(self, state_dict, prefix, metadata, *others):
        if metadata.get("version") != 2:
            state_dict[f"{prefix}number"] = 2 * state_dict[f"{prefix}number"]
        super()._load_from_state_dict(state_dict, prefix, metadata, *others)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state.safetensors"


def there_and_back(value, file):
    save_state(file, {"value": value})
    return load_state(file)["value"]


@pytest.mark.parametrize(
    "value",
    [
        Counter({5: 1, 10: 2}),
        Counter({np.int64(5): 1}),
        OrderedDict(b=1, a=2),
        defaultdict(int, a=1),
        defaultdict(list, {3: [1]}),
        defaultdict(None, a=1),
        deque([1, 2, 3], maxlen=4),
        deque([[1], (2,)]),
        {1, "a", 2.5},
        frozenset((1, 2)),
        (1, [2, (3,)]),
        torch.Size((2, 3)),
        {1: "one", "1": "text", 1.5: "more", None: "none", False: "no"},
        np.float32(0.1),
        np.float64(0.1),
        np.float16("inf"),
        np.int64(-3),
        np.uint8(200),
        np.bool_(True),
        np.str_("text"),
        {"deep": [Counter("abca"), {"set": {1}}]},
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_come_back_as_the_types_they_were(value, file):
    back = there_and_back(value, file)
    assert back == value
    assert type(back) is type(value)
    if isinstance(value, dict):
        assert [(type(key), key) for key in back] == [(type(key), key) for key in value]
    assert getattr(back, "maxlen", None) == getattr(value, "maxlen", None)
    assert getattr(back, "default_factory", None) == getattr(value, "default_factory", None)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint32", "uint64", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 2), (2, 3)], ids=str)
def test_arrays_come_back(dtype, shape, file):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    for each in (array, array.T):
        back = there_and_back(each, file)
        assert (type(back), back.dtype, back.shape) == (np.ndarray, each.dtype, each.shape)
        assert np.array_equal(back, each)


@pytest.mark.parametrize("coalesced", [False, True])
def test_sparse_tensors_come_back(coalesced, file):
    sparse = torch.sparse_coo_tensor([[0, 2, 0]], [[1.0], [2.0], [4.0]], (3, 1))
    sparse = sparse.coalesce() if coalesced else sparse
    back = there_and_back(sparse, file)
    assert back.is_coalesced() is coalesced
    assert torch.equal(back._indices(), sparse._indices())
    assert torch.equal(back._values(), sparse._values())


def test_a_layer_knows_its_own_version_again(file):
    layer = nn.Sequential(Versioned())
    layer.load_state_dict(there_and_back(layer.state_dict(), file))
    assert layer[0].number == 3


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Point(1, 2), "Point"),
        (Colour.RED, "Colour"),
        (defaultdict(lambda: 0), "defaultdict"),
        (np.datetime64("2020-01-01"), "datetime64"),
        (np.array([object()]), "ndarray of object"),
        (np.longdouble(1), "longdouble"),
        ({Colour.RED: 1}, "Colour"),
        (range(3), "range"),
        (1j, "complex"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else type(value).__name__
    ),  # no address, for it differs by process
)
def test_what_would_not_come_back_is_refused_by_name(value, named, file):
    with pytest.raises(CheckpointError, match=rf"state/value .*{named}"):
        save_state(file, {"value": value})
    assert not file.exists()


def test_what_contains_itself_is_refused(file):
    endless = []
    endless.append(endless)
    with pytest.raises(CheckpointError, match="contains itself"):
        save_state(file, {"value": endless})
