"""Files that survive: what is saved comes back, and what is not whole is refused."""

import multiprocessing
import os
import resource
import signal
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from torch import nn

from lossconditioning import CheckpointError, Loop
from lossconditioning.training import load_state, save_state
from lossconditioning.training.checkpoints import FORMAT, _digest, write_atomically

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["pytest", "torch._dynamo", "lossconditioning.systems.toy"])

DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    *(torch.bool, torch.complex64),
]


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "state.safetensors"


def round_trip(file: Path, state: dict) -> dict:
    save_state(file, state)
    return load_state(file)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 3)], ids=str)
def test_tensors_of_every_dtype_come_back(dtype, shape, file):
    tensor = torch.arange(6)[: torch.Size(shape).numel()].reshape(shape).to(dtype)
    back = round_trip(file, {"x": tensor})["x"]
    assert (back.dtype, back.shape) == (tensor.dtype, tensor.shape)
    assert back.view(-1).view(torch.uint8).tolist() == tensor.view(-1).view(torch.uint8).tolist()


BASE = torch.arange(24.0)


@pytest.mark.parametrize(
    "tensor",
    [
        pytest.param(BASE.view(4, 6).t(), id="transposed"),
        pytest.param(BASE[::2], id="every other"),
        pytest.param(BASE[::2][:1], id="one of every other"),
        pytest.param(BASE[:1].expand(3), id="expanded"),
        pytest.param(BASE.view(1, 2, 3, 4).to(memory_format=torch.channels_last), id="channels last"),
        pytest.param(nn.Parameter(BASE), id="parameter"),
    ],
)
def test_the_layout_of_a_tensor_does_not_matter(tensor, file):
    state = round_trip(file, {"x": tensor, "same": tensor, "part": BASE[3:5]})
    assert torch.equal(state["x"], tensor)
    assert torch.equal(state["same"], tensor)
    assert torch.equal(state["part"], BASE[3:5])
    state["x"].zero_()
    assert torch.equal(state["same"], tensor)


def test_saved_state_is_a_copy_of_the_moment(file):
    model = nn.Linear(2, 2)
    expected = model.weight.detach().clone()
    save_state(file, {"model": model.state_dict()})
    nn.init.zeros_(model.weight)
    assert torch.equal(load_state(file)["model"]["weight"], expected)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(state=st.dictionaries(st.text(max_size=3) | st.integers(), plain, max_size=4))
def test_nested_state_comes_back_with_its_types(state, tmp_path_factory):
    # By repr: nan equals nan, 1 is not True, and a list is not a tuple.
    assert repr(round_trip(tmp_path_factory.getbasetemp() / "hypothesis.safetensors", state)) == repr(state)


def test_an_optimizers_state_comes_back(file):
    model = nn.Linear(2, 1)
    adam = torch.optim.Adam(model.parameters(), betas=(0.5, 0.9), amsgrad=True)
    model(torch.ones(3, 2)).sum().backward()
    adam.step()
    back = round_trip(file, adam.state_dict())
    assert back["param_groups"] == adam.state_dict()["param_groups"]
    assert list(back["state"]) == [0, 1]
    assert torch.equal(back["state"][1]["exp_avg_sq"], adam.state_dict()["state"][1]["exp_avg_sq"])


@pytest.mark.parametrize(
    "state",
    [{"a/b": torch.zeros(2), "a": {"b": torch.ones(2)}}, {0: torch.zeros(2), "0": torch.ones(2)}],
    ids=["a slash in a name", "an integer beside its text"],
)
def test_tensors_are_told_apart(state, file):
    assert str(round_trip(file, state)) == str(state)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (nn.Linear(1, 1), "Linear"),
        (signal.SIGINT, "Signals"),
        (torch.float32, "dtype"),
        (b"x", "bytes"),
        (lambda: 0, "function"),
    ],
)
def test_what_can_not_be_stored_names_its_place(value, named, file):
    with pytest.raises(CheckpointError, match=f"state/loop/parts/1/x is a {named}"):
        save_state(file, {"loop": {"parts": [0, {"x": value}]}})
    assert not file.exists()


@pytest.mark.parametrize(
    "tensor", [torch.zeros(1, dtype=torch.complex128), torch.eye(2).to_sparse_csr()], ids=["z", "sparse rows"]
)
def test_tensors_that_can_not_be_stored_name_their_place(tensor, file):
    with pytest.raises(CheckpointError, match="state/loop/x"):
        save_state(file, {"loop": {"x": tensor}})


@pytest.mark.parametrize("key", [("layer", 1), torch.float32, frozenset()], ids=["tuple", "dtype", "set"])
def test_keys_that_can_not_be_stored_are_refused_when_saving(key, file):
    with pytest.raises(CheckpointError, match="loop"):
        save_state(file, {"loop": {key: 1}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "3",
        "null",
        '{"tensor": "other"}',
        '{"tensor": {}}',
        '{"items": [["a"]]}',
        '{"odd": 1}',
        "[" * 99_999,
    ],
    ids=str.__len__,
)
def test_a_file_whose_contents_are_no_state_is_one_sentence(text, file):
    """With a digest that fits: as another program would write it that means to."""
    tensors = {"a": torch.zeros(2)}
    file.write_bytes(save(tensors, metadata={"format": FORMAT, "state": text, "digest": _digest(text, tensors)}))
    with pytest.raises(CheckpointError, match=r"state\.safetensors holds no state that save_state wrote"):
        load_state(file)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"model": torch.zeros(2)}, "lacks step, config; it holds model"),
        ({"step": 3, "config": None, "model": 1}, None),
        ({"step": 3}, "lacks config; it holds step"),
        ({}, "lacks step, config; it holds nothing"),
        ([1, 2], "lacks step, config; it holds a list"),
        (torch.zeros(2), "lacks step, config; it holds a Tensor"),
    ],
)
def test_a_state_without_the_keys_that_are_needed_names_them(state, said, file):
    save_state(file, state)
    if said is None:
        assert load_state(file, keys=("step", "config")) == state
        return
    with pytest.raises(CheckpointError, match=rf"state\.safetensors {said}"):
        load_state(file, keys=("step", "config"))


def test_a_loop_refuses_a_file_that_is_no_loops_own(tmp_path):
    save_state(tmp_path / "step-000000003.safetensors", {"model": torch.zeros(2)})
    with pytest.raises(CheckpointError, match=r"step-000000003\.safetensors lacks config, .*; it holds model"):
        list(Loop(lambda t: t, steps=5, state={}, path=tmp_path, progress=False))


def on_a_full_disk(check, *arguments) -> None:
    """Run a check in a process of its own that can limit how much a file takes."""
    with context.Pool(1) as pool:
        pool.apply(check, arguments)


def limit_file_size(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def failed_write_leaves_the_old_file(folder: Path) -> None:
    write_atomically(folder / "file", b"old")
    limit_file_size(20_000)
    with pytest.raises(OSError, match="too large"):
        write_atomically(folder / "file", bytes(100_000))
    with pytest.raises(OSError, match="too large"):
        write_atomically(folder / "new", bytes(100_000))
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert (folder / "file").read_bytes() == b"old"


def training_goes_on(folder: Path) -> None:
    model = nn.Linear(100, 100)
    loop = Loop(lambda t: t, steps=20, every=5, state={"model": model}, path=folder, progress=False)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for t in loop:
            model.bias.data.fill_(t)
            if t == 12:
                limit_file_size(20_000)
            if t == 17:
                assert [path.name[-14:-12] for path in sorted(folder.iterdir())] == ["05", "10"]
                assert load_state(folder / "step-000000010.safetensors")["state"]["model"]["bias"][0] == 9
                limit_file_size(resource.RLIM_INFINITY)
    assert ["step 15 not saved" in str(warning.message) for warning in said] == [True]
    assert loop.done
    assert load_state(folder / "step-000000020.safetensors")["step"] == 20


@pytest.mark.parametrize("check", [failed_write_leaves_the_old_file, training_goes_on])
def test_a_full_disk_costs_nothing_but_the_write(check, tmp_path):
    on_a_full_disk(check, tmp_path)


def test_a_place_that_can_not_be_written_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        save_state(tmp_path / "file" / "state.safetensors", {})
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_have_the_mode_the_umask_asks_for(umask, mode, file):
    before = os.umask(umask)
    try:
        save_state(file, {})
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == mode
