"""Models without any idea of anatomy, on small gray pictures: to be printed beside every network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

BASELINE_SIDE = 32
COMPONENTS_MAX = 60
NEIGHBOURS_MAX = 15
SEED = 0
Floats = NDArray[np.floating]


def _regression(images: int, pixels: int) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=400, class_weight="balanced"))


def _svm(images: int, pixels: int) -> Any:
    return make_pipeline(StandardScaler(), _components(images, pixels), SVC(class_weight="balanced"))


def _forest(images: int, pixels: int) -> Any:
    return RandomForestClassifier(200, class_weight="balanced_subsample", random_state=SEED)


def _boosting(images: int, pixels: int) -> Any:
    boosting = HistGradientBoostingClassifier(class_weight="balanced", random_state=SEED)
    return make_pipeline(_components(images, pixels), boosting)


def _neighbours(images: int, pixels: int) -> Any:
    nearest = KNeighborsClassifier(min(NEIGHBOURS_MAX, images), weights="distance")
    return make_pipeline(StandardScaler(), _components(images, pixels), nearest)


def _components(images: int, pixels: int) -> PCA:
    return PCA(min(COMPONENTS_MAX, images, pixels), random_state=SEED)


# Each is made for the number of images it will learn and the number of their pixels.
MODELS: dict[str, Callable[[int, int], Any]] = {
    "logistic regression": _regression,
    "SVM": _svm,
    "random forest": _forest,
    "gradient boosting": _boosting,
    "nearest neighbours": _neighbours,
}


def scores(name: str, pictures: Floats, positive: NDArray[np.bool_], unseen: Floats) -> NDArray[np.float64]:
    """[unseen]: how much the model `name`, taught on `pictures` [N, side, side], takes each unseen one for positive.

    A probability or a distance from the border: good for an AUC. Raises ValueError when a class is missing.
    """
    learned, asked = pictures.reshape(len(pictures), -1), unseen.reshape(len(unseen), -1)
    model = MODELS[name](*learned.shape)
    model.fit(learned, positive)
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(asked), dtype=np.float64)
    return np.asarray(model.predict_proba(asked)[:, 1], dtype=np.float64)


def logistic_regression(
    inputs: NDArray[np.float32], positive: NDArray[np.bool_], unseen: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Probabilities of `unseen`, from a regularised logistic regression on network inputs reduced to 32 x 32."""
    model = _regression(len(inputs), BASELINE_SIDE**2)
    model.fit(_thumbnails(inputs), positive)
    return np.asarray(model.predict_proba(_thumbnails(unseen))[:, 1], dtype=np.float64)


def block_means(pictures: Floats, side: int) -> Floats:
    """[N, H, W] -> [N, side, side]; H and W are multiples of `side`."""
    rows, columns = (length // side for length in pictures.shape[1:])
    return np.asarray(pictures.reshape(len(pictures), side, rows, side, columns).mean(axis=(2, 4)))


def _thumbnails(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, 1, H, W] or [N, H, W, 1] -> [N, 32 * 32] by area means."""
    gray = inputs.reshape(len(inputs), *[side for side in inputs.shape[1:] if side != 1])
    size = (BASELINE_SIDE, BASELINE_SIDE)
    small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA).ravel() for one in gray]
    return np.asarray(small, dtype=np.float32)
