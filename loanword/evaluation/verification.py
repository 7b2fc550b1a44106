"""Tells voices apart from their embeddings, and says how often that goes wrong. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def equal_error_rate(same: Floats, different: Floats) -> float:
    """Where the share of one voice's scores below a threshold equals that of two voices' at or above it, from 0 to 1.

    Between two thresholds it is interpolated. Both need a score at least.
    """
    thresholds = np.unique(np.concatenate([same, different]))
    missed = np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    mistaken = 1 - np.searchsorted(np.sort(different), thresholds, side="left") / len(different)
    missed, mistaken = np.append(missed, 1.0), np.append(mistaken, 0.0)
    after = int(np.argmax(missed >= mistaken))
    before = max(after - 1, 0)
    gap = (mistaken[before] - missed[before], mistaken[after] - missed[after])
    share = gap[0] / (gap[0] - gap[1]) if gap[0] > gap[1] else 0.0
    return float(missed[before] + share * (missed[after] - missed[before]))


@dataclass(frozen=True, slots=True)
class BackEnd:
    """Scores by the cosine in the space where a voice's own variation is round.

    Within-class covariance normalisation (Hatch et al. 2006), shrunk towards its diagonal mean, since few voices teach
    little; linear, so that an attacker can train it on a laptop.
    """

    centre: Floats
    turned: Floats

    @classmethod
    def train(cls, embeddings: Floats, speakers: Sequence[int], shrinkage: float) -> "BackEnd":
        """`embeddings` has shape (pieces, dimensions); the pieces of a speaker stand together."""
        centre = embeddings.mean(0)
        groups = [np.array(list(group)) for _, group in groupby(range(len(speakers)), key=lambda at: speakers[at])]
        within = np.concatenate([embeddings[group] - embeddings[group].mean(0) for group in groups])
        covariance = within.T @ within / max(1, len(within) - len(groups))
        covariance = (1 - shrinkage) * covariance
        covariance += (shrinkage * np.trace(covariance) / len(covariance) + 1e-12) * np.eye(len(covariance))
        values, vectors = np.linalg.eigh(covariance)
        return cls(centre, vectors / np.sqrt(values))

    def scores(self, enrolled: Floats, tried: Floats) -> Floats:
        """(enrolled, tried)."""
        cosines: Floats = self._placed(enrolled) @ self._placed(tried).T
        return cosines

    def _placed(self, embeddings: Floats) -> Floats:
        placed = (embeddings - self.centre) @ self.turned
        directions: Floats = placed / (np.linalg.norm(placed, axis=1, keepdims=True) + 1e-12)
        return directions
