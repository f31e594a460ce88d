"""Facial Action Units (AUs) as a function of the 52 coefficients.

FACS describes a face by muscles (Ekman, Friesen & Hager 2002); OpenFace reports 17 of them on a scale of 0 to 5, and so
does this module: 5 times a coefficient, left and right averaged. Taught in notebooks/03_action_units_and_expression.
"""
from __future__ import annotations

import numpy as np

from tfg import vocabulary

AUS = tuple(vocabulary.AU_NAMES)
"""Numbers of the 17 AUs in the order of the columns: 1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45."""
MOST = vocabulary.AU_MOST
"""Intensity of an AU at its strongest."""
COEFFICIENT = {
    1: ("browInnerUp",), 2: ("browOuterUp",), 4: ("browDown",), 5: ("eyeWide",), 6: ("cheekSquint",),
    7: ("eyeSquint",), 9: ("noseSneer",), 10: ("mouthUpperUp",), 12: ("mouthSmile",), 14: ("mouthDimple",),
    15: ("mouthFrown",), 17: ("mouthShrugLower",), 20: ("mouthStretch",), 23: ("mouthRollLower", "mouthRollUpper"),
    26: ("jawOpen",), 45: ("eyeBlink",),
}
"""AU -> the coefficients whose mean it is. AU 25 (lips part) is a difference, computed in `action_units`."""
UNSEEN = (5, 6, 9, 15)
"""AUs whose coefficients MediaPipe leaves at or near 0 in every expression; measured values are NaN, not 0."""


def action_units(expression: np.ndarray, *, measured: bool = False) -> np.ndarray:
    """AU intensities in [0, 5] from coefficients.

    expression: (T, 52) or (52,), `vocabulary.EXPRESSION` order, NaN where missing.  measured: the coefficients come
    from MediaPipe, so the columns of `UNSEEN` are NaN.  Returns (T, 17) or (17,) float32 in the order of `AUS`.
    Subtract the person's own neutral first (`tfg.faces.measure.subtract_neutral`).
    """
    expression = np.asarray(expression, float)
    if expression.shape[-1] != len(vocabulary.EXPRESSION):
        raise ValueError(f"expression must have {len(vocabulary.EXPRESSION)} columns, got shape {expression.shape}")

    def mean(*names):
        return expression[..., vocabulary.index(*names)].mean(-1)

    # the lips part when the jaw drops or a lip is drawn away, minus mouthClose, which brings them together
    gap = mean("jawOpen") + (mean("mouthLowerDown") + mean("mouthUpperUp")) / 2 - mean("mouthClose")
    columns = [gap if au == 25 else mean(*COEFFICIENT[au]) for au in AUS]
    out = MOST * np.clip(np.stack(columns, -1), 0, 1)
    if measured:
        out[..., [AUS.index(au) for au in UNSEEN]] = np.nan
    return out.astype(np.float32)
