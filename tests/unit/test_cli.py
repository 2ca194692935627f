"""The command line: what it does, and that a reader's mistake is one line on stderr and exit status 2."""

import io
import json
import math
import os
import shlex
import signal
import subprocess
import sys
import types
import typing
from pathlib import Path

import nbformat
import pytest

from lossconditioning import Batches, cli, notebooks
from lossconditioning.evaluation import Evaluation
from lossconditioning.systems import toy
from lossconditioning.training import Run, System

SMOKE = "train toy --profile smoke --only paper_sym"
VERBS = ["run", "train", "evaluate", "scoreboard", "data list", "data fetch"]


@pytest.fixture
def call(capsys):
    """Run a command in this process: exit status, stdout, stderr."""

    def run(command: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            cli.main(shlex.split(command))
        return leaving.value.code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    toy.train(toy.experiments("smoke")["paper_sym"], Run(out=folder, profile="smoke", progress=False))
    return folder


@pytest.fixture
def workplace(tmp_path, trained, monkeypatch) -> Path:
    """A folder to run commands in, with everything that can be given wrongly, and one notebook in place of the course."""
    monkeypatch.chdir(tmp_path)
    Path("text").write_text("not what was asked for")
    for name in ("binary", "binary.ipynb"):
        Path(name).write_bytes(b"\xff\xfe\x00")
    Path("empty").mkdir()
    edits = {
        "good": lambda card: card,
        "other_system": lambda card: {**card, "system": "vae"},
        "other_version": lambda card: {**card, "config": {**card["config"], "depth": 3}},
        "other_width": lambda card: {**card, "config": {**card["config"], "width": 9}},
        "no_config": lambda card: {**card, "config": None},
    }
    card, weights = ((trained / f"paper_sym.{kind}").read_bytes() for kind in ("json", "safetensors"))
    for name, edit in edits.items():
        Path(name).mkdir()
        Path(name, "paper_sym.json").write_text(json.dumps(edit(json.loads(card))))
        Path(name, "paper_sym.safetensors").write_bytes(weights)
    parameters = nbformat.v4.new_code_cell("profile = 'demo'\nseed = 0", metadata={"tags": ["parameters"]})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    Path("notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[parameters], metadata=kernel), "notebooks/01_tiny.ipynb")
    monkeypatch.setattr(notebooks, "notebook_folder", lambda: tmp_path / "notebooks")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "Usage"),
        ("trian toy", "No such command 'trian'"),
        ("run 99", "There is no notebook '99'. Known: 01_tiny"),
        ("run 01_tinny", "Did you mean '01_tiny'"),
        ("run 01 --profile huge", "There is no profile 'huge'"),
        ("run 01 --fast", "--fast"),
        ("run elsewhere/01_tiny.ipynb", "There is no notebook elsewhere/01_tiny.ipynb (not there)"),
        ("run empty/", "There is no notebook empty/ (a folder)"),
        ("run text", "There is no notebook 'text'"),
        ("run binary.ipynb", "binary.ipynb is not a notebook"),
        ("run binary.ipynb --record", "are for the course's notebooks; "),
        ("run 01 --out notebooks", "would be written over it"),
        ("run 01 --cell-minutes -1", "cell_minutes is a number of minutes"),
        ("run 01 -p seed", "NAME=VALUE"),
        ("run 01 -p =3", "NAME=VALUE"),
        ("run 01 -p sede=3", "Did you mean 'seed'"),
        ("run 01 --profile smoke --update", "--update does not go with --profile smoke"),
        ("run 01 --profile smoke --out text", "text: File exists"),
        ("train", "Missing argument 'SYSTEM'"),
        ("train tyo", "There is no system 'tyo'. Did you mean 'toy'?"),
        ("train toy toy", "unexpected extra argument"),
        ("train toy --fast", "--fast"),
        ("train toy --profile huge", "There is no profile 'huge'"),
        ("train toy --only paper_syn", "Did you mean 'paper_sym'"),
        ("train toy --seed one", "--seed"),
        ("train toy --minutes ten", "--minutes"),
        ("train toy --workers two", "--workers"),
        (f"{SMOKE} --workers 0", "workers"),
        *((f"train toy --minutes {minutes}", "--minutes must be positive") for minutes in ("0", "-1", "nan")),
        (f"{SMOKE} --out text", "text"),
        (f"{SMOKE} --out good --seed 1", "another configuration (profile smoke, seed 0)"),
        ("train toy --profile laptop --only paper_sym --out good", "another configuration (profile smoke, seed 0)"),
        (f"{SMOKE} --out other_system", "another"),
        ("evaluate", "Missing argument 'SYSTEM'"),
        ("evaluate tyo", "Did you mean 'toy'"),
        ("evaluate toy --fast", "--fast"),
        ("evaluate toy --checkpoint nowhere", "no finished checkpoint of 'toy' in nowhere"),
        ("evaluate toy --checkpoint empty", "no finished checkpoint of 'toy' in empty"),
        ("evaluate toy --checkpoint nowhere.safetensors", "no card nowhere.json"),
        ("evaluate toy --checkpoint text", "text"),
        ("evaluate toy --checkpoint other_system", "another system"),
        ("evaluate toy --checkpoint other_system/paper_sym.safetensors", "a checkpoint of 'vae', not of 'toy'"),
        ("evaluate toy --checkpoint other_version", "paper_sym"),
        ("evaluate toy --checkpoint other_width", "paper_sym"),
        ("evaluate toy --checkpoint no_config", "paper_sym"),
        ("evaluate toy --checkpoint good --data nowhere", "no folder nowhere"),
        ("evaluate toy --checkpoint good --record", "does not go with --checkpoint"),
        ("scoreboard toy", "unexpected extra argument"),
        ("scoreboard --fast", "--fast"),
        ("scoreboard --update nowhere.md", "nowhere.md"),
        ("scoreboard --update empty", "empty"),
        ("scoreboard --update text", "no section"),
        ("scoreboard --update binary", "binary"),
        ("data", "Usage"),
        ("data get", "No such command 'get'"),
        ("data list toy", "unexpected extra argument"),
        ("data fetch", "Missing argument 'NAME'"),
        ("data fetch sym_toi", "There is no data set 'sym_toi'. Did you mean 'sym_toy'?"),
        ("data fetch sym_toy --fast", "--fast"),
    ],
)
def test_a_mistake_is_one_line(command, said, call, workplace):
    status, out, err = call(command)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "lossconditioning", "train", "tyo"],
        [str(Path(sys.executable).with_name("lossconditioning")), "data", "fetch", "x"],
    ],
)
def test_a_mistake_is_one_line_in_a_process_of_its_own(command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: There is no ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_an_example(verb, call):
    status, out, err = call(f"{verb} --help")
    assert (status, err) == (0, "")
    assert f"Example: lossconditioning {verb}" in " ".join(out.split())


def test_help_names_every_verb(call):
    status, out, _ = call("--help")
    assert status == 0
    assert all(verb.split()[0] in out for verb in VERBS)


def test_train_finishes_and_then_does_nothing(call, tmp_path, trained):
    status, out, _ = call(f"{SMOKE} --out {tmp_path}")
    assert (status, "All 1 experiments are finished" in out) == (0, True)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["paper_sym.json", "paper_sym.safetensors"]
    assert files[1].read_bytes() == (trained / "paper_sym.safetensors").read_bytes()
    before = [file.stat() for file in files]
    assert call(f"{SMOKE} --out {tmp_path}") == (0, out, "")
    assert [file.stat()[:9] for file in files] == [stat[:9] for stat in before]


def test_train_within_minutes_is_saved_and_continues(call, tmp_path, trained):
    for _ in range(100):
        status, out, _ = call(f"{SMOKE} --out {tmp_path} --minutes 0.0001")
        assert status == 0
        if "All 1 experiments are finished" in out:
            break
        assert "0 of 1 experiments are finished" in out
        assert [folder.name for folder in (tmp_path / "unfinished").iterdir()] == ["paper_sym"]
    assert (tmp_path / "paper_sym.safetensors").read_bytes() == (trained / "paper_sym.safetensors").read_bytes()
    assert not (tmp_path / "unfinished").exists()


@pytest.mark.parametrize("only_one_file", [False, True])
def test_evaluate_measures_a_folder_or_a_file(only_one_file, call, trained):
    status, out, err = call(
        f"evaluate toy --json --checkpoint {trained / 'paper_sym.safetensors' if only_one_file else trained}"
    )
    assert (status, err) == (0, "")
    found = json.loads(out, parse_constant=pytest.fail)
    assert list(found) == ["system", "checkpoint", "metrics", "claims"]
    assert found["system"] == "toy"
    assert all(math.isfinite(value) for value in found["metrics"].values())
    for name, value in json.loads((trained / "paper_sym.json").read_text())["metrics"].items():
        assert found["metrics"][f"paper_{name}"] == pytest.approx(value, rel=1e-4)
    assert [claim["id"] for claim in found["claims"]] == ["table_1_sym"]


def test_evaluate_prints_for_humans_too(call, trained):
    status, out, _ = call(f"evaluate toy --checkpoint {trained}")
    assert status == 0
    assert "paper_regret_0.5 " in out
    assert "paper: 0.0001, 0.0007" in out


def test_a_system_that_has_no_more_to_measure_says_so(call, trained):
    status, _, err = call(f"evaluate toy --thorough --checkpoint {trained}")
    assert (status, err) == (0, "toy has nothing more to measure; --thorough is not needed.\n")


def test_thorough_reaches_a_system_that_measures_more(call, monkeypatch):
    asked = []

    def evaluate(self, checkpoint, run):
        asked.append((self.name, run.thorough))
        return Evaluation("shipped", {}, [])

    monkeypatch.setattr(System, "evaluate", evaluate)
    for command in ("evaluate dynamic_style", "evaluate dynamic_style --thorough"):
        assert call(command)[::2] == (0, "")
    assert asked == [("dynamic_style", False), ("dynamic_style", True)]


def test_scoreboard_and_data_list(call):
    status, out, err = call("scoreboard --json")
    assert (status, err, type(json.loads(out))) == (0, "", list)
    assert call("scoreboard")[0] == 0
    assert "sym_toy: " in call("data list")[1]
    assert "nothing to download" in call("data fetch sym_toy")[1]


def test_a_failed_notebook_is_exit_status_1(call, workplace, monkeypatch):
    def run(paths, profile, out, parameters, report, cell_minutes):
        runs = [notebooks.Execution(path.stem, profile, 0.1, 99, "cell 2: NameError") for path in paths]
        report(runs[0])
        assert parameters == {"seed": 3, "name": "x", "rates": [0.1]}
        assert cell_minutes == 5
        return runs

    monkeypatch.setattr(notebooks, "run", run)
    status, out, err = call("run 01 -p seed=3 -p name=x -p rates=[0.1] --cell-minutes 5")
    assert status == 1
    assert err.strip() == "cell 2: NameError"
    assert "01_tiny   failed" in out


def test_an_interrupt_says_where_training_stands_and_the_same_command_continues(call, tmp_path, trained, monkeypatch):
    batch = Batches.__getitem__

    def interrupted_batch(batches, step):
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return batch(batches, step)

    monkeypatch.setattr(Batches, "__getitem__", interrupted_batch)
    status, _, err = call(f"{SMOKE} --out {tmp_path}")
    assert status == 130
    assert list((tmp_path / "unfinished" / "paper_sym").glob("*3.safetensors"))
    assert err.splitlines()[-1] == "Interrupted: stopped at step 3 of 4; run again to continue"
    monkeypatch.undo()
    status, _, err = call(f"{SMOKE} --out {tmp_path}")
    assert (status, "continuing from step 3 of 4" in err) == (0, True)
    assert (tmp_path / "paper_sym.safetensors").read_bytes() == (trained / "paper_sym.safetensors").read_bytes()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", ["scoreboard", "scoreboard --json", "compress --help", "data list"])
def test_a_console_that_knows_no_greek_is_answered(command, encoding, monkeypatch):
    shown = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", shown)
    with pytest.raises(SystemExit) as leaving:
        cli.main(command.split())
    assert not leaving.value.code
    shown.flush()
    text = shown.buffer.getvalue().decode(encoding, "replace")  # click answers an ASCII console in UTF-8
    if command == "scoreboard --json":
        assert "β" in str(json.loads(text))  # what stands there in place of a letter is JSON's own


# Versions -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: "SYSTEM", lambda ctx: "SYSTEM"])
@pytest.mark.parametrize("given", [{}, {"ctx": None}])
def test_help_is_written_whether_click_gives_a_context_or_not(make, given):
    """Click asks for it and gives it since 8.2, typer since 0.16."""
    assert cli._metavar(make, **given) == "SYSTEM"


@pytest.mark.parametrize("command", cli.app.registered_commands, ids=lambda command: command.callback.__name__)
def test_options_are_typed_as_the_oldest_typer_reads_them(command):
    assert command.cls is cli.Command
    for hint in typing.get_type_hints(command.callback).values():
        assert not isinstance(hint, types.UnionType)
