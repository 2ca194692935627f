"""What a reader does wrong in a notebook is answered there in words, and costs them nothing.

A cell is run in a kernel as a front end would run it, and what comes back is what the reader would see. After each case the
state made before is still there, to the bit, and the next good call works (`kernel`, in conftest.py).
"""

import nbformat
import pytest
from mistakes import FILES, NAMES, NETWORKS, PANELS, TRAINING, WEIGHTS

from lossconditioning import notebooks


def cases(expected: str, **groups: dict) -> list:
    return [
        pytest.param(expected, cell, words, id=f"{group}: {name}")
        for group, named in groups.items()
        for name, (cell, *words) in named.items()
    ]


@pytest.mark.parametrize(
    ("expected", "cell", "words"),
    [
        *cases("ReaderError", weights=WEIGHTS, networks=NETWORKS, names=NAMES, panels=PANELS, training=TRAINING),
        *cases("CheckpointError", files=FILES),
    ],
)
def test_a_mistake_is_answered_in_words(expected, cell, words, kernel):
    shown = kernel.run(cell)
    assert shown.error == expected, f"{shown.error}: {shown.said}"
    for word in words:
        assert word in shown.said
    assert "\n" not in shown.said


@pytest.mark.parametrize("path", notebooks.notebook_paths()[1:], ids=lambda path: path.stem)
def test_a_profile_that_does_not_exist_stops_a_notebook_at_once(path, kernel):
    """The reader edits the parameters cell, and runs the one below it."""
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    place = next(i for i, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", []))
    kernel.run(cells[place].source.replace('"demo"', '"dmeo"'))
    shown = kernel.run(cells[place + 1].source)
    assert shown.error == "ReaderError"
    assert "There is no profile 'dmeo'. Did you mean 'demo'?" in shown.said


# Cells that go on, and warn -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("prior.check(torch.tensor([1.0, 5000.0]))", ("5000.0", "[0.5, 512]", "extrapolates")),
        ("_ = model(inputs, 100 * lam)", ("1600.0", "[0.5, 512]", "extrapolates", "_ = model(inputs, 100 * lam)")),
        ("prior.check(torch.tensor([-1.0]))", ("-1.0", "[0.5, 512]", "extrapolates")),
        ("prior.check(torch.tensor([0.0]))", ("0.0", "[0.5, 512]", "extrapolates")),
        ("pair.check(torch.tensor([[1.2, -0.2]]))", ("1.2", "2 non-negative weights that sum to 1", "extrapolates")),
        ("pair.check(torch.tensor([[0.6, 0.6]]))", ("0.6", "2 non-negative weights that sum to 1", "extrapolates")),
    ],
    ids=["above", "above, to the network", "negative", "zero", "beyond the corner", "off the simplex"],
)
def test_weights_outside_the_prior_are_warned_about(cell, words, kernel):
    shown = kernel.run(cell)
    assert not shown.error
    assert "WeightWarning" in shown.text["stderr"]
    for word in words:
        assert word in shown.text["stderr"]


@pytest.mark.parametrize("dtype", ["torch.float64", "torch.float16", "torch.int64"])
def test_weights_of_another_dtype_are_taken(dtype, kernel):
    assert kernel.value(f"(model(inputs, lam.to({dtype})) - model(inputs, lam)).abs().max() < 1e-3") == "tensor(True)"


FULL_DISK = """
def on_a_full_disk(steps, every):
    checkpoints.open = lambda path, mode: open("/dev/full", mode)  # every write ends in: no space left on device
    try:
        return training(steps=steps, path="full", every=every)
    finally:
        del checkpoints.open
shutil.rmtree("full", ignore_errors=True)
training(steps=4, path="full")
there = {file.name: file.read_bytes() for file in pathlib.Path("full").iterdir()}
"""


def test_a_full_disk_ends_in_words_and_keeps_what_was_saved(kernel):
    if kernel.run("open('/dev/full').close()").error:
        pytest.skip("this system has no /dev/full")
    assert not kernel.run(FULL_DISK).error
    shown = kernel.run("on_a_full_disk(steps=8, every=2)")
    assert shown.error == "ReaderError"
    for word in ("step 8", "No space left on device", "saved before are untouched", "Make room"):
        assert word in shown.said
    assert "Checkpoint at step 6 not saved" in shown.text["stderr"]
    assert "training goes on" in shown.text["stderr"]
    assert kernel.value("there == {file.name: file.read_bytes() for file in pathlib.Path('full').iterdir()}") == "True"
    shown = kernel.run(
        "assert training(path='full').resumed_from == 4"
    )  # the reader makes room, and runs the cell again
    assert not shown.error, shown.said


def test_one_damaged_checkpoint_is_stepped_over(kernel):
    kernel.run("shutil.rmtree('copy', ignore_errors=True); shutil.copytree('runs', 'copy')")
    kernel.run("newest = sorted(pathlib.Path('copy').iterdir())[-1]; newest.write_bytes(saved[:-40])")
    shown = kernel.run("assert training(path='copy').resumed_from == 6")
    assert not shown.error, shown.said
    assert "damaged" in shown.text["stderr"]
    assert "Continuing from the one before it" in shown.text["stderr"]
