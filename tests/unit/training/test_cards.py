"""Finished checkpoints: weights and card belong together, what is not whole is refused, and nothing is ever unpickled."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from lossconditioning import CheckpointError, Loop
from lossconditioning.training import load_state
from lossconditioning.training.cards import Card, cards, load_published, publish, read_card


class Bomb:
    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize("write", [lambda bomb, file: file.write_bytes(pickle.dumps(bomb)), torch.save])
def test_nothing_is_unpickled(write, published, tmp_path):
    step = published / "step-000000001.safetensors"
    for file in (step, published / "net.safetensors"):
        write(Bomb(tmp_path / "exploded"), file)
    loop = Loop(lambda t: t, steps=3, state={}, path=published)
    for load in (lambda: load_state(step), lambda: load_published(published, "net", "toy"), loop.resume):
        with pytest.raises(CheckpointError, match="damaged"):
            load()
    assert not (tmp_path / "exploded").exists()
    pickle.loads(pickle.dumps(Bomb(tmp_path / "exploded")))
    assert (tmp_path / "exploded").exists()


CARD = Card("toy", "net", {"width": 4}, "smoke", seed=1, steps=2, seconds=0.5, data="none", command="train toy")
WEIGHTS = {"w": torch.arange(3.0), "half": torch.ones(2, dtype=torch.bfloat16), "count": torch.tensor(3)}


@pytest.fixture
def published(tmp_path) -> Path:
    publish(tmp_path / "published", CARD, WEIGHTS)
    return tmp_path / "published"


def test_a_finished_checkpoint_comes_back_with_its_card(published):
    card, weights = load_published(published, "net", "toy")
    assert [card] == [read_card(published / "net.json")] == cards(published, "toy")
    assert replace(card, digest="") == CARD
    assert {name: tensor.dtype for name, tensor in weights.items()} == {
        "w": torch.float32,
        "half": torch.float32,
        "count": torch.int64,
    }
    assert all(torch.equal(weights[name], tensor.to(weights[name])) for name, tensor in WEIGHTS.items())


def test_tied_weights_can_be_published(tmp_path):
    base = torch.arange(24.0)
    publish(tmp_path, CARD, {"encoder": base, "decoder": base, "part": base[:3]})
    weights = load_published(tmp_path, "net", "toy")[1]
    assert torch.equal(weights["decoder"], base)
    assert torch.equal(weights["part"], base[:3])


def test_a_card_never_stands_alone(tmp_path):
    (tmp_path / "net.safetensors").mkdir()
    with pytest.raises(OSError, match="net"):
        publish(tmp_path, CARD, WEIGHTS)
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


def flip_last_bit(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("file", "edit", "said"),
    [
        ("net.safetensors", flip_last_bit, "digest does not fit"),
        ("net.safetensors", lambda data: save({"w": torch.zeros(3)}), "digest does not fit"),
        ("net.safetensors", lambda data: data[:-1], "damaged"),
        ("net.safetensors", None, "stands alone"),
        ("net.json", None, "no card"),
        ("net.json", lambda data: data[:-9], "not a card"),
        ("net.json", lambda data: b'{"learning_rate": 0.1}', "not a card"),
        ("net.json", lambda data: b"[1, 2]", "not a card"),
        ("net.json", lambda data: b"\xff\xfe", "not a card"),
        ("net.json", lambda data: data.replace(b'"toy"', b'"vae"'), "'vae'"),
    ],
)
def test_weights_and_card_are_held_together(file, edit, said, published):
    data = (published / file).read_bytes()
    (published / file).unlink()
    if edit:
        (published / file).write_bytes(edit(data))
    with pytest.raises(CheckpointError, match=said):
        load_published(published, "net", "toy")


@pytest.mark.parametrize("text", ['{"learning_rate": 0.1}', "not JSON", '{"system": "vae"}'])
def test_a_folder_with_foreign_json_is_refused(text, published):
    (published / "other.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"other\.json is not a card"):
        cards(published, "toy")
