"""An archive that takes Basic Text SR and no other report: `results: auto` finds it out before the first report."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import BasicTextSRStorage

from scp_node.ledger import Ledger
from scp_node.queries.deliveries import DeliveryFilter, list_deliveries
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import running_node
from tests.support.peers.dcmtk import running_storescp
from tests.support.peers.modality import store
from tests.support.waiting import until

# A node starts, judges and is asked by commands: a busy machine takes its time.
pytestmark = pytest.mark.timeout(600)
# DCMTK's association negotiation configuration (dcmnet/docs/asconfig.txt).
PROFILE = """\
[[TransferSyntaxes]]
[Plain]
TransferSyntax1 = LocalEndianExplicit
TransferSyntax2 = LittleEndianImplicit
[[PresentationContexts]]
[Text]
PresentationContext1 = VerificationSOPClass\\Plain
PresentationContext2 = SecondaryCaptureImageStorage\\Plain
PresentationContext3 = BasicTextSRStorage\\Plain
[[Profiles]]
[Text]
PresentationContexts = Text
"""


def ended_as(ledger: Ledger) -> set[str]:
    with ledger.reading() as tx:
        return {one.state for one in list_deliveries(tx, DeliveryFilter(), None)}


@pytest.mark.peer("storescp")
def test_it_gets_the_verdict_in_sentences_and_nothing_becomes_a_dead_letter(tmp_path: Path) -> None:
    profile = tmp_path / "text.cfg"
    profile.write_text(PROFILE)
    with running_storescp(tmp_path / "scp", "TEXT", "-xf", str(profile), "Text") as archive:
        route = {"name": "chest", "model": "pneumonia", "to": ["pacs"], "results": "auto"}
        with running_node(tmp_path / "node", {"pacs": ("TEXT", archive.port)}, routes=[route]) as node:
            ds = make_dx(seed=3)
            assert store(node.port, [ds]) == [0x0000]
            ledger = node.ledger()
            ended = until(
                lambda: ended_as(ledger),
                "everything is delivered",
                timeout_s=150,
                enough=lambda seen: bool(seen) and seen <= {"sent", "dead"},
                pause_s=0.5,
            )
            with ledger.reading() as tx:
                told = {one.step: one.outcome for one in tx.events.of_study(str(ds.StudyInstanceUID))}
            ledger.engine.dispose()
        assert ended == {"sent"}
        assert "refuses sr" in told["choose_results"]
        classes = {str(dcmread(path, stop_before_pixels=True).SOPClassUID) for path in archive.files()}
    assert BasicTextSRStorage in classes
