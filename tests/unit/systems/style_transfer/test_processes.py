"""Style transfer's painters are trained by several processes as by one."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import small_painters
from small_painters import QUIET, SMALL

from lossconditioning.systems import style_transfer

YOTO = SMALL["yoto"]

SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
from accelerate import PartialState
from small_painters import QUIET, SMALL
from lossconditioning.systems import style_transfer

out = Path(sys.argv[1])
model, loop = style_transfer.fit(replace(SMALL["yoto"], batch_size=3, steps=3), QUIET)
if PartialState().is_main_process:
    weights = {name: float(p.detach().double().sum()) for name, p in model.named_parameters()}
    found = {"history": loop.history, "weights": weights, "processes": PartialState().num_processes}
    (out / "found.json").write_text(json.dumps(found))
"""


@pytest.mark.slow
def test_two_processes_take_the_same_steps_as_one(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port]
    places = os.pathsep.join([os.path.dirname(small_painters.__file__), os.getcwd()])
    done = subprocess.run(
        [sys.executable, *launcher, str(tmp_path / "script.py"), str(tmp_path)],
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "found.json").read_text())
    model, loop = style_transfer.fit(replace(YOTO, batch_size=3, steps=3), QUIET)
    assert found["processes"] == 2
    assert len(found["history"]) == 3
    for ours, its in zip(found["history"], loop.history, strict=True):
        assert ours == pytest.approx(its, rel=1e-3)
    for name, parameter in model.named_parameters():
        moved = parameter.numel() * YOTO.learning_rate
        total = float(parameter.detach().double().sum())
        assert found["weights"][name] == pytest.approx(total, rel=1e-3, abs=moved / 10), name
