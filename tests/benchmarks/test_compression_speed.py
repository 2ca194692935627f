"""Our codec against CompressAI's ScaleHyperprior, with the same parameters: ratios, measured in turn, one thread each.

CompressAI asks for another NumPy than this project, so it has an environment of its own, whose Python is named by
``COMPRESSAI_PYTHON``; without it these benchmarks are skipped. Nothing else should run beside them.
"""

import os
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from compressai_names import as_compressai
from ratios import REPORT, report

import lossconditioning as lc
from lossconditioning.systems import compression
from lossconditioning.systems.compression.models import ScaleHyperprior
from lossconditioning.training import keep_freed_memory

WORKER = Path(__file__).with_name("compressai_speed.py")
N, M = 48, 128
LAM = float(compression.lam_grid()[2])
"""The middle of the range."""


@pytest.fixture(scope="module", autouse=True)
def python():
    """The Python of an environment that has CompressAI."""
    python = os.environ.get("COMPRESSAI_PYTHON")
    if not python:
        pytest.skip("COMPRESSAI_PYTHON names no Python that has CompressAI")
    if subprocess.run([python, "-W", "ignore", "-c", "import compressai"], capture_output=True).returncode:
        pytest.skip(f"{python} can not import compressai")
    return python


@pytest.fixture(scope="module", autouse=True)
def one_thread(python):
    """And freed memory kept, on both sides: what is handed back to the system and given anew would be measured otherwise."""
    keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def smooth_noise(height: int, width: int) -> torch.Tensor:
    """A picture by formula, uint8 ``(3, height, width)``: waves of all lengths, the shorter the weaker, as in photographs."""
    y, x = torch.arange(height)[:, None], torch.arange(width)
    picture = torch.full((3, height, width), 128.0)
    for k in range(1, 65):
        angle, length = 2.4 * k, 2.0 ** (9 - k / 8)
        for colour in range(3):
            picture[colour] += (
                90 / k * ((y * np.cos(angle) + x * np.sin(angle)) / length + k * (1 + 0.1 * colour)).sin()
            )
    return picture.clamp(0, 255).byte()


class Worker:
    """A process with CompressAI that does the same things; see `compressai_speed`."""

    def __init__(self, python: str, arrays: Path):
        self.process = subprocess.Popen(
            [python, "-W", "ignore", WORKER, arrays],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self.versions = self.process.stdout.readline().strip()
        assert self.versions, "CompressAI's side did not start; its error stands above"

    def ask(self, task: str) -> float:
        self.process.stdin.write(task + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def model():
    """The shipped fixed-weight model of the middle λ, where the quantisation step, which CompressAI has not, is 1."""
    model, state = ScaleHyperprior(N, M, LAM).eval(), compression.load("fixed_2").model.state_dict()
    model.load_state_dict({name: values for name, values in state.items() if not name.startswith("delta")})
    return model


@pytest.fixture(scope="module")
def picture():
    return smooth_noise(512, 768)


@pytest.fixture(scope="module")
def patches(picture):
    return torch.stack([picture[:, 100:228, at : at + 128] for at in (0, 200, 400, 600)]).float() / 255


@pytest.fixture(scope="module")
def theirs(python, model, picture, patches, tmp_path_factory):
    """CompressAI, with our parameters."""
    arrays = tmp_path_factory.mktemp("compressai") / "given.npz"
    given = {"picture": picture[None].float() / 255, "patches": patches, "lam": LAM, **as_compressai(model)}
    np.savez(arrays, **{name: np.asarray(values) for name, values in given.items()})
    worker = Worker(python, arrays)
    yield worker
    worker.close()


def in_turn(benchmark, ours, theirs: Worker, task: str, rounds: int, usually=None) -> None:
    """Time ours and theirs in turn; report the median over rounds of the ratio of the pair, ours / theirs."""
    mine, others = [], []

    def timed():
        started = time.perf_counter()
        ours()
        mine.append(time.perf_counter() - started)

    for _ in range(3):
        ours(), theirs.ask(task)  # warm both
    benchmark.pedantic(timed, setup=lambda: others.append(theirs.ask(task)), rounds=rounds, iterations=1)
    ratio = statistics.median(a / b for a, b in zip(mine, others, strict=True))
    benchmark.extra_info["ratio"] = round(ratio, 3)
    seconds = f"{1e3 * statistics.median(mine):.0f} ms against {1e3 * statistics.median(others):.0f} ms"
    report(benchmark.name, ratio, usually, f"median of {rounds} pairs; {seconds} of {theirs.versions}")


def training_step(model: ScaleHyperprior, patches: torch.Tensor):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    batch, _, height, width = patches.shape
    lam = torch.full((batch,), LAM)

    def step():
        noise = compression.uniform_noise(model, batch, height, width)
        values = compression.terms(model, (patches, *noise), lam)
        optimizer.zero_grad()
        lc.weighted(values, {"distortion": lam}).mean().backward()
        optimizer.step()

    return step


def test_a_training_step_against_compressais(benchmark, patches, theirs):
    """Forward, R + λ · D, backward and fused Adam, on four patches of 128 pixels.

    CompressAI's trainer takes a second step besides, for its quantiles; it is left out.
    """
    torch.manual_seed(0)
    ours = training_step(ScaleHyperprior(N, M, LAM), patches)
    in_turn(benchmark, ours, theirs, "step", rounds=41, usually=1.0)


def test_a_conditional_training_step_against_compressais(benchmark, patches, theirs):
    """What the same network costs when it is told λ, its quantisation step a function of it; reported, not asserted."""
    torch.manual_seed(0)
    ours = training_step(ScaleHyperprior(N, M, step=True), patches)
    in_turn(benchmark, ours, theirs, "step", rounds=41)


def test_both_make_files_of_about_the_same_size(model, picture, theirs):
    """So they do the same work. CompressAI takes the next larger deviation of its table, ours the nearest: a few per cent."""
    payload = len(compression.Codec(model).compress(picture, LAM)) - compression.OVERHEAD
    REPORT.append(
        f"{payload:7,}  bytes of a picture of 768×512 pixels, against {theirs.ask('size'):,.0f} of CompressAI"
    )
    assert payload == pytest.approx(theirs.ask("size"), rel=0.1)


def test_compressing_against_compressais(benchmark, model, picture, theirs):
    """A picture of 768×512 pixels to bytes."""
    codec = compression.Codec(model)
    in_turn(benchmark, lambda: codec.compress(picture, LAM), theirs, "compress", rounds=11, usually=1.0)


def test_decompressing_against_compressais(benchmark, model, picture, theirs):
    """Bytes to a picture of 768×512 pixels."""
    codec = compression.Codec(model)
    data = codec.compress(picture, LAM)
    in_turn(benchmark, lambda: codec.decompress(data), theirs, "decompress", rounds=11, usually=1.0)
