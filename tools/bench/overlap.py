"""Overlap of virtual actors' emotions: a linear classifier should recognise strong displays and confuse weak ones."""
from __future__ import annotations

import numpy as np

from tfg.vocabulary import EMOTIONS, LEVELS, SENTENCES

FOLDS = 4


def run() -> dict:
    """Print the accuracy at each level, and the confusion of emotions at LO."""
    print("Emotions of virtual actors, read by a linear classifier from a clip's mean coefficients, actors held out:")
    found = {level: overlap(level) for level in LEVELS}
    for level, result in found.items():
        print(f"  {level}  {result['accuracy']:.1%}   by class " +
              "  ".join(f"{e} {result['confusion'][k, k]:.0%}" for k, e in enumerate(EMOTIONS)))
    return {level: result["accuracy"] for level, result in found.items()}


def overlap(level: str, *, actors: int = 72, sentences: int = 2, first_seed: int = 1000) -> dict:
    """Accuracy of a linear classifier of the six emotions, on takes at one level.

    Multinomial logistic regression on the mean of each coefficient over a take, standardised on the training actors;
    trained on three quarters of the actors, tested on the others, four times round.
    Returns accuracy, confusion (6, 6) (rows: truth, shares of it), x (N, 52), y (N,), actor (N,).
    """
    from tfg.actors.take import make_take

    codes, x, y, who = list(SENTENCES), [], [], []
    for a in range(actors):
        for e, emotion in enumerate(EMOTIONS):
            for s in range(sentences):
                take = make_take(f"V{a:03d}", first_seed + a, sentence=codes[(a + 5 * s + e) % 12], emotion=emotion,
                                 level=level)
                x.append(take.motion.expression.mean(0))
                y.append(e)
                who.append(a)
    x, y, who = np.array(x, float), np.array(y), np.array(who)
    said = held_out(x, y, who)
    confusion = np.array([[np.mean(said[y == t] == g) for g in range(len(EMOTIONS))] for t in range(len(EMOTIONS))])
    return dict(accuracy=float(np.mean(said == y)), confusion=confusion, x=x, y=y, actor=who)


def held_out(x: np.ndarray, y: np.ndarray, who: np.ndarray, folds: int = FOLDS) -> np.ndarray:
    """Answers of classifiers that were not trained on the actor, (N,) int."""
    said = np.empty(len(y), int)
    for fold in range(folds):
        test = who % folds == fold
        mean, spread = x[~test].mean(0), x[~test].std(0) + 1e-9
        w = fit((x[~test] - mean) / spread, y[~test])
        said[test] = np.argmax((x[test] - mean) / spread @ w[:-1] + w[-1], 1)
    return said


def fit(x: np.ndarray, y: np.ndarray, *, c: float = 1.0) -> np.ndarray:
    """Multinomial logistic regression: weights (D + 1, K), the last row the bias. Summed loss + |w|^2 / (2 c)."""
    from scipy.optimize import minimize

    classes = int(y.max()) + 1
    x1, hot = np.hstack([x, np.ones((len(x), 1))]), np.eye(classes)[y]

    def loss(flat):
        w = flat.reshape(-1, classes)
        z = x1 @ w
        z -= z.max(1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(1, keepdims=True)
        penalty = np.vstack([w[:-1], np.zeros((1, classes))]) / c
        return -np.sum(hot * np.log(p + 1e-12)) + .5 * np.sum(penalty * w), (x1.T @ (p - hot) + penalty).ravel()

    return minimize(loss, np.zeros((x1.shape[1]) * classes), jac=True, method="L-BFGS-B",
                    options=dict(maxiter=400)).x.reshape(-1, classes)
