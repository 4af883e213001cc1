"""Slices are received where a route takes them, from the moment that it does."""

from __future__ import annotations

from pathlib import Path

from tests.support.dicom.phantoms import make_dx
from tests.support.dicom.slices import make_mr
from tests.support.node.receiving import MemoryLedger, running_receiver
from tests.support.peers.modality import store


def test_slices_are_taken_once_a_route_lists_their_modality_and_no_longer(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    with running_receiver(tmp_path, ledger) as receiver:
        assert store(receiver.port, [make_mr(rows=64)]) == [None]
        chest_only = receiver.settings
        head = chest_only.routes[0].model_copy(
            update={"name": "head", "when": chest_only.routes[0].when.model_copy(update={"modality": ["MR"]})}
        )
        receiver.reload(chest_only.model_copy(update={"routes": [*chest_only.routes, head]}))
        both = [make_mr(rows=64), make_dx(seed=2, rows=64, columns=64)]
        assert store(receiver.port, both) == [0x0000, 0x0000]
        receiver.reload(chest_only)
        assert store(receiver.port, [make_mr(rows=64, instance=2)]) == [None]
    assert set(ledger.rows) == {str(ds.SOPInstanceUID) for ds in both}
