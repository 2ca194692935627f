"""A paper's claim beside what was measured, reproduced or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Claim:
    """One row of a notebook's claims table.

    Attributes:
        id: short name, stable across versions.
        claim: the claim in one sentence, with its place in the paper.
        paper: the paper's number, in words where it gives none.
        value: what was measured.
        reproduced: whether the measurement bears the claim out.
    """

    id: str
    claim: str
    paper: str
    value: str
    reproduced: bool

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` of a system returns.

    Attributes:
        checkpoint: what was measured, a folder or a file.
        metrics: name → number.
        claims: the paper's claims beside these metrics.
    """

    checkpoint: str
    metrics: dict[str, float]
    claims: list[Claim]

    @classmethod
    def read(cls, path: Path) -> Evaluation:
        """A recorded evaluation, as `as_json` put it."""
        record = json.loads(path.read_text(encoding="utf-8"))
        return cls(record["checkpoint"], record["metrics"], [Claim(**claim) for claim in record["claims"]])

    def as_json(self, system: str) -> dict[str, object]:
        return {
            "system": system,
            "checkpoint": self.checkpoint,
            "metrics": self.metrics,
            "claims": [claim.as_json() for claim in self.claims],
        }


def measured_claims(
    makers: Sequence[Callable[[Mapping[str, float]], Claim]], metrics: Mapping[str, float]
) -> list[Claim]:
    """The claims whose metrics are there, in order; a maker raises ``KeyError`` where a number it needs is missing."""
    found = []
    for make in makers:
        try:
            found.append(make(metrics))
        except KeyError:  # the experiments this claim rests on were not measured
            continue
    return found


def claims_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """Claims as a table for a notebook: one row each, in order."""
    return pd.DataFrame(
        {
            "claim": [c.claim for c in claims],
            "paper": [c.paper for c in claims],
            "measured": [c.value for c in claims],
            "reproduced": ["yes" if c.reproduced else "no" for c in claims],
        },
        index=pd.Index([c.id for c in claims], name="id"),
    )


def claims_markdown(claims: Sequence[Claim]) -> str:
    """Claims as a Markdown table, for the README."""
    rows = [
        "| " + " | ".join(t.replace("|", "\\|") for t in (c.claim, c.paper, c.value, _mark(c))) + " |" for c in claims
    ]
    return "\n".join(["| claim | paper | measured | reproduced |", "|---|---|---|---|", *rows])


def _mark(claim: Claim) -> str:
    return "yes" if claim.reproduced else "**no**"
