"""What λ weighs: named, unweighted, per-example loss terms, and their weighted sum."""

from lossconditioning.losses.weighted import Terms, weighted

__all__ = ["Terms", "weighted"]
