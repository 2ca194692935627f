"""A reader at work in a notebook: one kernel, what they have made in it so far, and what a cell shows them."""

from dataclasses import dataclass, field

from jupyter_client.manager import start_new_kernel

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
model = lc.condition(network, at=["0"], prior=prior).eval()
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
