"""What a model without any idea of anatomy reaches on the same splits, to be printed beside every network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

BASELINE_SIDE = 32


def logistic_regression(
    inputs: NDArray[np.float32], positive: NDArray[np.bool_], unseen: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Probabilities of `unseen`, from a regularised logistic regression on 32 x 32 gray values."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=400, class_weight="balanced"))
    model.fit(_thumbnails(inputs), positive)
    return np.asarray(model.predict_proba(_thumbnails(unseen))[:, 1], dtype=np.float64)


def _thumbnails(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, 1, H, W] or [N, H, W, 1] -> [N, 32 * 32] by block means; H and W are multiples of 32."""
    gray = inputs.reshape(len(inputs), *[side for side in inputs.shape[1:] if side != 1])
    rows, columns = (side // BASELINE_SIDE for side in gray.shape[1:])
    blocks = gray.reshape(len(gray), BASELINE_SIDE, rows, BASELINE_SIDE, columns)
    return np.asarray(blocks.mean(axis=(2, 4)).reshape(len(gray), -1), dtype=np.float32)
