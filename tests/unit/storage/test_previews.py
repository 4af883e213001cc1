"""A preview is kept until it is dropped; a broken or missing one counts as lost, never as an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scp_node.storage.previews import PreviewStore

NAME = "ab" * 32


def test_a_preview_comes_back_as_it_went_in_and_leaves_nothing_behind(tmp_path: Path) -> None:
    store = PreviewStore(tmp_path / "previews")
    preview = np.arange(200, dtype=np.uint8).reshape(10, 20)
    store.put(NAME, preview)
    kept = store.get(NAME)
    assert kept is not None and np.array_equal(kept, preview)
    store.drop(NAME)
    store.drop(NAME)
    assert store.get(NAME) is None and list((tmp_path / "previews").iterdir()) == []


def test_a_truncated_preview_is_lost(tmp_path: Path) -> None:
    store = PreviewStore(tmp_path)
    store.put(NAME, np.zeros((50, 50), np.uint8))
    path = next(tmp_path.glob("*.npy"))
    for length in (0, 20, 200):
        path.write_bytes(path.read_bytes()[:length] or b"")
        assert store.get(NAME) is None


def test_a_pickle_in_the_folder_is_never_loaded(tmp_path: Path) -> None:
    store = PreviewStore(tmp_path)
    np.save(tmp_path / f"{NAME}.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert store.get(NAME) is None
