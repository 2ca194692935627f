"""The README tells the truth: its tables are those of the records, its example runs, its links lead somewhere."""

import re

import torch

import lossconditioning as lc
from lossconditioning.paths import checkout
from lossconditioning.records import FRONT_ENDS, FRONT_ENDS_SECTIONS, README_SECTIONS, fill, repository

README = (checkout() / "README.md").read_text(encoding="utf-8")


def test_generated_sections_are_up_to_date():
    assert fill(README, README_SECTIONS) == README
    front_ends = (checkout() / FRONT_ENDS).read_text(encoding="utf-8")
    assert fill(front_ends, FRONT_ENDS_SECTIONS) == front_ends


def test_the_example_has_fifteen_lines_and_trains(tmp_path, monkeypatch):
    example, tuning = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    body = [line for line in example.splitlines() if line and not line.startswith("import")]
    assert len(body) <= 15
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    images, labels = torch.rand(8, 3, 32, 32), torch.arange(8)
    scope = {"batches": lc.Batches(images, labels, batch_size=4)}
    exec(example.replace("steps=10_000", "steps=3"), scope)
    assert scope["loss"].isfinite()
    assert sorted(tmp_path.glob("runs/mine/step-*.safetensors"))
    scope["network"] = scope["model"].undo().eval()
    before = scope["network"](images)
    exec(tuning.replace("steps=1_000", "steps=3"), scope)
    assert scope["halfway"].isfinite().all()
    assert torch.equal(scope["model"](images, alpha=0.0), before)


def test_links_inside_the_repository_lead_to_files():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (checkout() / target).exists(), target


def test_every_address_of_the_repository_is_the_one_in_pyproject():
    slugs = set(re.findall(r"github\.com/([\w-]+/[\w-]+)", README))
    assert slugs == {repository().removeprefix("https://github.com/")}
