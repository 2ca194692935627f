"""A paper's claim beside what was measured, reproduced or not."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from lossconditioning.errors import ReaderError

Metrics = Mapping[str, float]
"""Name → number."""


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
class Statement:
    """A claim before it is measured.

    Attributes:
        id, claim, paper: see `Claim`.
        needs: names of the metrics it is judged by; ``NAME*`` stands for all that begin so, at least one.
        judge: these metrics, in this order → what was measured, in words, and whether it bears the claim out. Where no more is
            to it than a sentence and a comparison, see `verdict`. Where one of them is not a finite number nothing does,
            whatever the judge says, and the words name it.
        of: experiments that it is about. Where one of them was not measured, the claim is left out.
    """

    id: str
    claim: str
    paper: str
    needs: tuple[str, ...]
    judge: Callable[[Metrics], tuple[str, bool]]
    of: tuple[str, ...] = ()

    def judged(self, metrics: Metrics) -> Claim:
        """The claim beside the metrics it needs; it is shown no others."""
        shown, missing = {}, []
        for need in self.needs:
            fits = [name for name in metrics if name.startswith(need[:-1]) if need.endswith("*")] or [need]
            missing += [name for name in fits if name not in metrics]
            shown.update({name: metrics[name] for name in fits if name in metrics})
        if missing:
            raise ReaderError(f"The claim {self.id!r} needs the metrics {missing}, which were not measured.")
        try:
            value, reproduced = self.judge(shown)
        except KeyError as error:
            raise ReaderError(
                f"The claim {self.id!r} reads the metric {error}, but does not say that it needs it."
            ) from None
        odd = [name for name, metric in shown.items() if not math.isfinite(metric)]
        if odd:  # max and min pass over nan, and anything is less than infinity
            value, reproduced = f"{value} (not finite: {', '.join(odd)})", False
        return Claim(self.id, self.claim, self.paper, value, bool(reproduced))


def verdict(said: str, holds: Callable[..., bool]) -> Callable[[Metrics], tuple[str, bool]]:
    """A `Statement`'s judge: a sentence with a place for every metric that is needed, and a comparison of them.

    Args:
        said: what was measured, as `str.format` takes it: the metrics fill its places in the order in which they are needed.
        holds: the metrics, in that order → whether they bear the claim out.

    Example:
        >>> judge = verdict("{:.1f} against {:.1f}", lambda ours, theirs: ours < theirs)
        >>> judge({"ours": 1.0, "theirs": 2.0})
        ('1.0 against 2.0', True)
    """
    # What rounds to nothing has no sign: "-0.00" and "+0.00" read as if it had a direction.
    return lambda metrics: (
        re.sub(r"(?<![\w.])[-+](0(?:\.0+)?)(?![\d.])", r"\1", said.format(*metrics.values())),
        holds(*metrics.values()),
    )


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


def measured_claims(statements: Iterable[Statement], metrics: Metrics, experiments: Collection[str]) -> list[Claim]:
    """The claims whose experiments were measured, in order.

    Raises:
        ReaderError: if a metric that one of them needs is missing all the same.
    """
    return [statement.judged(metrics) for statement in statements if set(statement.of) <= set(experiments)]


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
