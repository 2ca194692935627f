"""What a reader does wrong in a notebook is answered there in words, and costs them nothing.

One kernel serves every case: a cell is run in it as a front end would run it, and what comes back is what the reader would
see. After each case the state made before is still there, to the bit, and the next good call works.
"""

import io
import struct
import zlib
from dataclasses import dataclass, field

import ipykernel
import nbformat
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel
from PIL import Image

from lossconditioning import notebooks

SETUP = """
import errno, math, os, pathlib, pickle, shutil, hashlib, io
import numpy as np
import torch
from PIL import Image
from torch import nn
import lossconditioning as lc
from lossconditioning import notebooks
from lossconditioning.datasets import cifar10, dataset
from lossconditioning.display import Upload, figure, open_picture, show
from lossconditioning.environment import check_environment
from lossconditioning.paths import shipped
from lossconditioning.systems import beta_vae, system, toy
from lossconditioning.training import checkpoints, load_state, save_state

torch.manual_seed(0)
prior, pair = lc.LogUniform(0.5, 512.0), lc.Dirichlet([0.5, 0.5])
network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
model = lc.condition(network, at=["0"], prior=prior)
inputs, lam = torch.randn(3, 4), torch.tensor([1.0, 16.0, 256.0])
terms = {"rate": torch.tensor([1.0, 2.0, 3.0]), "distortion": torch.tensor([3.0, 2.0, 1.0])}

def shade(beta):
    buffer = io.BytesIO()
    Image.new("L", (8, 8), round(255 * beta)).save(buffer, "PNG")
    return buffer.getvalue()

panel = lc.explore(shade, beta=lc.Slider(0.0, 1.0, 0.5), alt="a grey that grows with β")

def as_png(picture):
    buffer = io.BytesIO()
    Image.fromarray((255 * picture.pixels).byte().permute(1, 2, 0).numpy()).save(buffer, "PNG")
    return buffer.getvalue()

given = Upload({"night": torch.zeros(3, 8, 8), "day": torch.ones(3, 8, 8)}, size=4)
album = lc.explore(as_png, picture=given, alt="a picture of the reader's")
brought = album._widgets["picture"]

class Short(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

def training(steps=8, net=None, **options):
    torch.manual_seed(1)
    trained = net or Short()
    options = {"path": "runs", "config": {"width": 4}, "progress": False, "every": 2, **options}
    loop = lc.Loop(lambda t: t, steps=steps, state={"model": trained}, **options)
    for _ in loop:
        with torch.no_grad():
            trained.layer.weight.add_(0.1)
    return loop

training()
runs = sorted(pathlib.Path("runs").iterdir())
saved = runs[-1].read_bytes()
shipped_toy, shipped_vae = shipped("checkpoints") / "toy", shipped("checkpoints") / "beta_vae"
save_state("state.safetensors", {"x": torch.ones(100)})
pathlib.Path("folder_that_is_a_file").write_text("in the way")

def everything():
    "All the reader has made so far, in one number."
    sha = hashlib.sha256()
    for tensor in (*model.state_dict().values(), inputs, lam, *terms.values(), brought.value.pixels):
        sha.update(tensor.numpy().tobytes())
    for file in (*sorted(pathlib.Path("runs").iterdir()), pathlib.Path("state.safetensors")):
        sha.update(file.name.encode() + file.read_bytes())
    sha.update(bytes(panel.image) + bytes(album.image) + repr((panel.values, album.values)).encode())
    return sha.hexdigest()

def a_good_call():
    "The reader mends the mistake."
    assert model(inputs, lam).isfinite().all()
    assert lc.weighted(terms, {"rate": lam}).shape == (3,)
    assert panel.set(beta=1.0) == shade(1.0) and panel.set(beta=0.5) == shade(0.5)
    assert training().done and load_state("state.safetensors")["x"].sum() == 100

a_good_call()
before = everything()
"""


@dataclass
class Shown:
    """What a cell shows below it."""

    error: str = ""
    said: str = ""
    text: dict = field(default_factory=lambda: {"stdout": "", "stderr": ""})
    updates: list = field(default_factory=list)


class Kernel:
    """A kernel, and what a front end does with it."""

    def __init__(self, folder):
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", cwd=str(folder), extra_arguments=["--IPKernelApp.log_level=40"]
        )

    def run(self, code: str) -> Shown:
        return self._collect(self.client.execute(code, store_history=False))

    def value(self, code: str) -> str:
        shown = self.run(f"print({code}, end='')")
        assert not shown.error, shown.said
        return shown.text["stdout"]

    def upload(self, widget: str, files) -> Shown:
        """Send files as the button of a FileUpload does: one message, the bytes beside it."""
        state = [{"name": name, "type": "", "size": len(data), "last_modified": 0} for name, data in files]
        message = self.client.session.msg(
            "comm_msg",
            {
                "comm_id": self.value(f"{widget}.comm.comm_id"),
                "data": {
                    "method": "update",
                    "state": {"value": state},
                    "buffer_paths": [["value", i, "content"] for i in range(len(files))],
                },
            },
        )
        self.client.session.send(self.client.shell_channel.socket, message, buffers=[data for _, data in files])
        return self._collect(message["header"]["msg_id"])

    def _collect(self, request: str) -> Shown:
        shown = Shown()
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                shown.text[content["name"]] += content["text"]
            elif kind == "error":
                shown.error, shown.said = content["ename"], content["evalue"]
            elif kind == "comm_msg":
                shown.updates.append(content["data"].get("state", {}))
            elif kind == "status" and content["execution_state"] == "idle":
                return shown

    def nothing_is_lost(self) -> None:
        shown = self.run("assert everything() == before\na_good_call()\nassert everything() == before")
        assert not shown.error, f"{shown.error}: {shown.said}"


@pytest.fixture(scope="session")
def shared_kernel(tmp_path_factory):
    kernel = Kernel(tmp_path_factory.mktemp("reader"))
    shown = kernel.run(SETUP)
    assert not shown.error, f"{shown.error}: {shown.said}"
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(shared_kernel, record_property):
    record_property("front_end", [f"ipykernel {ipykernel.__version__}", "bad input: a clear message, nothing lost"])
    yield shared_kernel
    shared_kernel.nothing_is_lost()


# Cells that end in an error -----------------------------------------------------------------------------------------------

# A name: the cell, and what its error says: what was given, what is expected, what to do.
WEIGHTS = {
    "NaN": ("prior.check(torch.tensor([1.0, math.nan]))", "finite numbers", "[1.0, nan]"),
    "infinite": ("prior.check(torch.tensor([1.0, math.inf]))", "finite numbers", "[1.0, inf]"),
    "a number": ("model(inputs, 3.0)", "the float 3.0", "one λ per example, shape (B,)", "torch.tensor"),
    "a list": ("model(inputs, [1.0, 2.0, 3.0])", "the list [1.0, 2.0, 3.0]", "tensor"),
    "an array": ("model(inputs, np.ones(3))", "the ndarray", "tensor"),
    "text": ("model(inputs, 'strong')", "the str 'strong'", "tensor"),
    "complex": ("model(inputs, torch.ones(3, dtype=torch.complex64))", "torch.complex64", "real numbers"),
    "yes and no": ("model(inputs, torch.tensor([True, False, True]))", "torch.bool", "real numbers"),
    "forgotten": ("model(inputs)", "loss weights last: model(inputs, lam)"),
    "too few": ("model(inputs, lam[:2])", "3 examples came with 2 loss weights", "expand it"),
    "one for all": ("model(inputs, torch.tensor(1.0))", "shape ()", "one λ per example", "expand it"),
    "a column": ("model(inputs, lam[:, None])", "(3, 1)", "one λ per example"),
    "three for two": ("pair.encode(torch.ones(5, 3) / 3)", "(5, 3)", "expected (B, 2)"),
    "three for two, checked": ("pair.check(torch.ones(5, 3) / 3)", "(5, 3)", "expected (B, 2)"),
    "checked, a number": ("prior.check(1.0)", "the float 1.0", "torch.tensor"),
    "a bare size": ("prior.sample(3)", "got 3", "such as (B,)"),
    "a negative size": ("prior.sample((-1,))", "got (-1,)", "such as (B,)"),
    "for unknown terms": ("lc.weighted(terms, {'rat': lam})", "['rat']", "['rate', 'distortion']", "same names"),
    "one for two terms": ("lc.weighted(terms, 0.5)", "got 0.5", "{'rate': 0.5}"),
    "text for a term": ("lc.weighted(terms, {'rate': 'x'})", "'rate' is a str", "expected a number"),
    "of another batch": ("lc.weighted(terms, {'rate': torch.ones(4)})", "(4,)", "one weight per example"),
    "of reduced terms": ("lc.weighted({'rate': torch.tensor(1.0)}, {'rate': 1.0})", "'rate' is one number", "(B,)"),
    "of a list of terms": ("lc.weighted([lam], {'rate': 1.0})", "got a list", "dictionary"),
    "a prior upside down": ("lc.LogUniform(512.0, 0.5)", "low < high", "low=512.0"),
    "a prior from zero": ("lc.LogUniform(0.0, 1.0)", "low > 0", "low=0.0"),
    "a negative concentration": ("lc.Dirichlet([1.0, -1.0])", "positive concentrations", "-1.0"),
    "a prior of text": ("lc.Dirichlet('half')", "needs numbers", "'half'"),
    "a ragged choice": ("lc.Choice([[1.0, 2.0], [3.0]])", "needs numbers", "[[1.0, 2.0], [3.0]]"),
    "fixed to nothing": ("lc.Fixed(None)", "needs numbers", "None"),
}
NETWORKS = {
    "an unknown layer": ("lc.condition(network, at=['layer1'], prior=prior)", "'layer1'", "Known: 0, 1, 2"),
    "no such kind of layer": ("lc.condition(network, at=[nn.Conv2d], prior=prior)", "no Conv2d", "Linear"),
    "no layer": ("lc.condition(network, at=[], prior=prior)", "at least one layer", "at=["),
    "a layer without channels": ("lc.condition(network, at=['1'], prior=prior)", "(ReLU)", "example="),
    "no prior": ("lc.condition(network, at=['0'], prior=None)", "got None", "lc.LogUniform"),
    "torch's own prior": (
        "lc.condition(network, at=['0'], prior=torch.distributions.Uniform(0.0, 1.0))",
        "got Uniform",
        "lc.LogUniform",
    ),
    "no network": ("lc.condition('resnet18', at=['0'], prior=prior)", "got a str", "nn.Module"),
    "a conditioner by name": ("lc.condition(network, at=['0'], prior=prior, using='film')", "'film'", "lc.FiLM"),
    "an ensemble of one network": ("lc.Ensemble(network)", "list of networks"),
    "an ensemble of two kinds": ("lc.Ensemble([network, nn.Linear(1, 1)])", "member 1 differs from member 0"),
}
NAMES = {
    "profile, environment": ("check_environment('dmeo')", "'dmeo'", "Did you mean 'demo'?", "smoke"),
    "profile, run": (
        "notebooks.run(notebooks.notebook_paths(['01']), 'dmeo', pathlib.Path('out'))",
        "'dmeo'",
        "'demo'",
    ),
    "profile, experiments": ("toy.experiments('fast')", "'fast'", "smoke, demo, laptop, paper"),
    "a misspelt parameter": (
        "notebooks.run(notebooks.notebook_paths(['01']), 'smoke', pathlib.Path('out'), {'sed': 1})",
        "'sed'",
        "Did you mean 'seed'?",
    ),
    "a notebook": ("notebooks.notebook_paths(['07'])", "no notebook '07'", "01_sym_parameter_toy"),
    "a notebook that is none": ("notebooks.read(pathlib.Path('state.safetensors'))", "is not a notebook"),
    "a data set": ("dataset('cifar')", "'cifar'", "Did you mean 'cifar10'?"),
    "data that are not there": ("cifar10('real', folder='.')", "neither cifar10.npz", "data fetch cifar10"),
    "a system": ("system('betavae')", "'betavae'", "Did you mean 'beta_vae'?"),
    "a configuration": ("toy.Config('mine', width=0)", "width", "at least 1; got 0"),
    "batches of none": ("lc.Batches(inputs, batch_size=0)", "batch_size", "got 0"),
    "batches that differ": ("lc.Batches(inputs, lam[:2], batch_size=1)", "one common length", "(2,)"),
}
PANELS = {
    "upside down": ("lc.Slider(1.0, 0.0, value=0.5)", "low < high", "1.0, 0.0"),
    "endless": ("lc.Slider(0.0, math.inf, value=0.5)", "finite", "inf"),
    "log from zero": ("lc.Slider(0.0, 1.0, value=0.5, log=True)", "low > 0", "0.0"),
    "start outside": ("lc.Slider(0.0, 1.0, value=2.0)", "[0, 1]", "got 2.0"),
    "start at NaN": ("lc.Slider(0.0, 1.0, value=math.nan)", "[0, 1]", "got nan"),
    "set beyond": ("panel.set(beta=1.5)", "from 0 to 1", "got 1.5"),
    "set to NaN": ("panel.set(beta=math.nan)", "from 0 to 1", "got nan"),
    "unknown slider": ("panel.set(bta=0.5)", "'bta'", "Did you mean 'beta'?"),
    "a picture that is not given": ("album.set(picture='dya')", "'dya'", "Did you mean 'day'?"),
    "a path as a picture": ("album.set(picture=pathlib.Path('a.png'))", "tensor (3, H, W)", "open_picture makes one"),
    "no alt text": ("lc.explore(shade, beta=lc.Slider(0.0, 1.0, 0.5), alt='')", "alt text", "one sentence"),
    "no slider": ("lc.explore(shade, alt='nothing moves')", "at least one slider"),
    "no caption": ("show(figure()[0], alt='a line', caption='')", "caption"),
    "no picture to begin with": ("Upload({})", "at least one picture", "tensor (3, H, W)"),
    "an 8-bit picture": ("Upload({'a': torch.full((3, 4, 4), 200.0)})", "[0, 1]", "Divide 8-bit values by 255"),
    "a picture that is not there": ("open_picture('cat.jpg')", "no file 'cat.jpg'", "spelling"),
    "a folder as a picture": ("open_picture('runs')", "is a folder", "Name a file in it"),
    "a checkpoint as a picture": ("open_picture('state.safetensors')", "not a picture", "JPEG, PNG"),
}
FILES = {
    "missing": ("load_state('no.safetensors')", "no checkpoint", "no.safetensors"),
    "a folder": ("load_state('runs')", "no checkpoint", "runs"),
    "empty": ("pathlib.Path('f').write_bytes(b''); load_state('f')", "damaged", "fetch it again"),
    "truncated": (
        "pathlib.Path('f').write_bytes(pathlib.Path('state.safetensors').read_bytes()[:-40]); load_state('f')",
        "damaged",
        "fetch it again",
    ),
    "edited": (
        "pathlib.Path('f').write_bytes(pathlib.Path('state.safetensors').read_bytes()[:-1] + b'!'); load_state('f')",
        "changed since it was written",
        "fetch it again",
    ),
    "a pickle": (
        "pathlib.Path('f.safetensors').write_bytes(pickle.dumps(lam)); load_state('f.safetensors')",
        "not a safetensors file",
        "fetch it again",
    ),
    "of torch.save": (
        "torch.save(model.state_dict(), 'f.safetensors'); load_state('f.safetensors')",
        "not a safetensors",
    ),
    "somebody else's": ("load_state(shipped_toy / 'best.safetensors')", "not written by lossconditioning"),
    "no card": ("toy.load(shipped_toy, 'bets')", "no card", "bets.json", "Check folder and name"),
    "no card, folder as text": ("toy.load('somewhere', 'best')", "no card", "Check folder and name"),
    "another system's": ("toy.load(shipped_vae, 'cifar10_yoto')", "of 'beta_vae', not of 'toy'", "another folder"),
    "another system's folder": (
        "toy.evaluate(shipped_vae)",
        "of another system (cifar10_fixed), not of 'toy'",
        "another folder",
    ),
    "weights under another card": (
        "shutil.copy(shipped_toy / 'best.json', 'best.json'); shutil.copy(shipped_toy / 'film.safetensors', "
        "'best.safetensors'); toy.load('.', 'best')",
        "not the file its card describes",
        "Fetch it again",
    ),
    "a card alone": (
        "shutil.copy(shipped_toy / 'cosine.json', 'cosine.json'); toy.load('.', 'cosine')",
        "stands alone",
        "Fetch it again",
    ),
    "another configuration": (
        "training(config={'width': 8})",
        "width is 4 there, 8 here",
        "delete the folder or give another path",
    ),
    "another network": (
        "training(net=nn.ModuleDict({'layer': nn.Linear(4, 5)}))",
        "model does not fit",
        "another path",
    ),
    "more steps than asked for": ("training(steps=4)", "8 steps, more than the 4", "another path"),
    "what can not be stored": ("save_state('f', {'model': network})", "state/model is a Sequential", "Keep tensors"),
    "of another training": (
        "toy.train(toy.Config('best', epochs=1), out=shipped_toy)",
        "another configuration",
        "Give another",
    ),
}
TRAINING = {
    "a path that is a file": ("training(path='folder_that_is_a_file')", "is a file", "Give another"),
    "a folder below a file": ("training(path='folder_that_is_a_file/runs')", "can not be saved", "another folder"),
    "a read-only place": ("training(path='/proc/lossconditioning')", "can not be saved", "another folder"),
    "a checkpoint folder below a file": (
        "toy.train(toy.Config('mine'), out='folder_that_is_a_file/runs')",
        "can not be made",
        "Give another",
    ),
    "no steps": ("training(steps=0)", "steps", "at least 1; got 0"),
    "steps as 1e4": ("training(steps=1e4)", "whole number", "got 10000.0"),
    "no time": ("training(minutes=0)", "minutes must be a positive number; got 0"),
    "time as text": ("training(minutes='5')", "minutes must be a positive number; got '5'"),
    "a seed of text": ("training(seed='a')", "seed must be a whole number; got 'a'"),
    "one checkpoint only": ("training(keep=1)", "keep must be at least 2"),
    "an iterator": ("lc.Loop(iter([1, 2]), steps=2, state={})", "list_iterator", "batches[t] or batches(t)"),
    "state that is a network": ("lc.Loop(lambda t: t, steps=2, state=network)", "dictionary", "got a Sequential"),
    "state without state": ("lc.Loop(lambda t: t, steps=2, state={'a': 3})", "state['a'] is a int", "state_dict"),
    "a metric per example": (
        "loop = lc.Loop(lambda t: t, steps=2, state={}, progress=False)\nfor _ in loop: loop.log(loss=lam)",
        "loss has shape (3,)",
        ".mean()",
    ),
}


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
        ("prior.check(torch.tensor([-1.0]))", ("-1.0", "[0.5, 512]", "extrapolates")),
        ("prior.check(torch.tensor([0.0]))", ("0.0", "[0.5, 512]", "extrapolates")),
        ("pair.check(torch.tensor([[1.2, -0.2]]))", ("1.2", "2 non-negative weights that sum to 1", "extrapolates")),
        ("pair.check(torch.tensor([[0.6, 0.6]]))", ("0.6", "2 non-negative weights that sum to 1", "extrapolates")),
    ],
    ids=["above", "negative", "zero", "beyond the corner", "off the simplex"],
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


# Uploads ------------------------------------------------------------------------------------------------------------------

SCENE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb() -> bytes:
    """A whole PNG of 20,000 × 20,000 pixels, one bit each."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer, rows = zlib.compressobj(1), bytes(2501 * 100)
    pixels = b"".join([*(packer.compress(rows) for _ in range(200)), packer.flush()])
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


TURNED = Image.Exif()
TURNED[0x0112] = 6  # the camera was held sideways


# A file's name: its bytes, and what is said at the button: what it is, what is expected, what to do.
REFUSED = {
    "empty.png": (b"", "empty (0 bytes)", "JPEG, PNG"),
    "notes.txt": (b"to do: nothing", "is text, not a picture", "Convert it"),
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3", "a PDF document", "Convert it"),
    "all.zip": (b"PK\x03\x04" + bytes(30), "a zip archive", "Convert it"),
    "page.jpg": (b"<!doctype html><title>404</title>", "a web page (HTML)", "Convert it"),
    "logo.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing", "Convert it"),
    "a & b.heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC or AVIF photograph", "Convert it"),
    "half.jpg": (encoded(SCENE, "JPEG")[:1000], "a JPEG file of 40 × 30 pixels", "truncated", "download it again"),
    "half.png": (encoded(SCENE, "PNG")[:2000], "a PNG file of 40 × 30 pixels", "truncated", "download it again"),
    "start.png": (encoded(SCENE, "PNG")[:12], "starts like a PNG", "truncated", "Download it again"),
    "bomb.png": (bomb(), "too large", "more than 178,956,970 pixels", "at most 64,000,000", "Reduce it"),
    "depth.tif": (encoded(Image.new("F", (4, 4), -7.5), "TIFF"), "from -7.5", "expected 0", "Scale them"),
}
UNUSUAL = {
    "one.png": encoded(Image.new("RGB", (1, 1), "red"), "PNG"),
    "inks.jpg": encoded(SCENE.convert("CMYK"), "JPEG"),
    "palette.gif": encoded(SCENE.quantize(16), "GIF"),
    "deep.png": encoded(Image.new("I;16", (9, 9), 40_000), "PNG"),
    "clear.webp": encoded(SCENE.convert("RGBA"), "WEBP"),
    "fax.tif": encoded(SCENE.convert("1"), "TIFF"),
    "turned.jpg": encoded(SCENE, "JPEG", exif=TURNED),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_picture_is_answered_at_the_button(name, kernel):
    data, *words = REFUSED[name]
    shown = kernel.upload("brought._button", [(name, data)])
    said = kernel.value("brought._message.value")
    assert not shown.error
    assert shown.text == {"stdout": "", "stderr": ""}
    assert {"value": said} in shown.updates  # it reached the front end
    for word in (name.replace("&", "&amp;"), *words, "The picture before it stays."):
        assert word in said
    assert kernel.value("brought.value.name, brought._button.value") == "night ()"


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_pictures_are_simply_taken(name, kernel):
    shown = kernel.upload("brought._button", [(name, UNUSUAL[name])])
    assert not shown.error
    assert shown.text == {"stdout": "", "stderr": ""}
    taken = kernel.value("brought.value.name, tuple(brought.value.pixels.shape), brought._message.value")
    assert taken == f"{name} (3, 4, 4) "
    assert kernel.value("album.set() == as_png(brought.value) != as_png(given.value)") == "True"
    assert not kernel.run("album.set(picture='night')").error


def test_the_kernel_stays_small_when_a_bomb_arrives(kernel):
    peak = "int(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])"
    if kernel.run("open('/proc/self/clear_refs', 'w').write('5')").error:
        pytest.skip("this system does not tell a process its peak memory")
    before = int(kernel.value(peak))
    kernel.upload("brought._button", [("bomb.png", REFUSED["bomb.png"][0])])
    assert int(kernel.value(peak)) - before < 20 * 1024  # KiB
