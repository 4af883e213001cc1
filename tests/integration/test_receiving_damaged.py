"""What archives take is taken: damaged objects go through a real receiver into the ledger, cut ones are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from converter.image.image_file import read_image
from scp_node.engine.jobs import JobQueue
from scp_node.host.disk_space import DiskLimits
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.ledger import Ledger
from scp_node.receive.scp import StorageScp
from scp_node.storage.spool import Spool
from tests.support.dicom.encoded import (
    BIG,
    CLASS,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    NATIVE,
    Written,
    encode,
    identity,
    pixels,
    uid,
)
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import new_ledger
from tests.support.node.receiving import MemoryLedger, data_set_bytes, files_below, running_receiver
from tests.support.peers.raw_scu import COMMAND_LAST, DATA, RawPeer, Response, p_data, pdv, store_command
from tests.support.waiting import until


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    one = new_ledger(tmp_path_factory.mktemp("ledger"))
    yield one
    one.engine.dispose()


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Spool:
    return Spool(tmp_path_factory.mktemp("spool"))


@pytest.fixture(scope="module")
def receiver(ledger: Ledger, spool: Spool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageScp]:
    with running_receiver(tmp_path_factory.mktemp("node"), ReceivedInstances(ledger, JobQueue()), spool) as one:
        yield one


def stored(receiver: StorageScp, data: bytes, sop_instance_uid: str, syntax: str = EXPLICIT) -> Response:
    with RawPeer(receiver.port) as peer:
        peer.associate([(CLASS, syntax)])
        response = peer.store(data, CLASS, sop_instance_uid)
        peer.release()
    return response


@pytest.mark.parametrize("number", ["01", "002.0003", "0.00", ".", "999.999.01"])
def test_a_uid_with_zeros_in_front_is_an_identity(receiver: StorageScp, ledger: Ledger, number: str) -> None:
    sop, study, series = (f"1.{part}.{number}" for part in (4, 5, 6))
    data = encode([uid(0x00080016, CLASS), uid(0x00080018, sop), uid(0x0020000D, study), uid(0x0020000E, series)])
    response = stored(receiver, data, sop)
    assert (response.status, response.elements[0x1000].rstrip(b"\0")) == (0x0000, sop.encode())
    with ledger.reading() as tx:
        row = tx.instances.get(sop)
    assert (row.study_instance_uid, row.series_instance_uid) == (study, series)


def test_an_image_of_which_the_header_is_damaged_can_be_shown(
    receiver: StorageScp, ledger: Ledger, spool: Spool
) -> None:
    ds = make_dx(rows=64, columns=64, sop_class=CLASS, PatientName="Doe^Jane")
    data = data_set_bytes(ds).replace(b"PN", b"??") + encode([uid(0x00100020, "8.8")])
    assert stored(receiver, data, str(ds.SOPInstanceUID)).status == 0x0000
    with ledger.reading() as tx:
        path = spool.path(tx.instances.get(str(ds.SOPInstanceUID)).spool_name)
    assert path.read_bytes().endswith(data), "it is kept as it came"
    shown = read_image(path)
    assert (shown.PatientName, shown.PatientID, shown.PixelData) == ("Doe^Jane", ds.PatientID, ds.PixelData)  # type: ignore[union-attr]


@pytest.mark.parametrize("syntax", [*NATIVE, DEFLATED])
def test_an_object_that_is_cut_is_refused_and_leaves_nothing(tmp_path: Path, syntax: str) -> None:
    ds = make_dx(rows=64, columns=64, sop_class=CLASS, transfer_syntax=syntax)
    data, known = data_set_bytes(ds), MemoryLedger()
    with running_receiver(tmp_path, known) as receiver:
        for missing in (2, 100, 1000, 4096, 8000):
            response = stored(receiver, data[:-missing], str(ds.SOPInstanceUID), syntax)
            assert response.status == 0xC000 and response.comment.startswith("data set ends early"), missing
        assert (known.rows, files_below(tmp_path / "spool")) == ({}, [])
        assert stored(receiver, data, str(ds.SOPInstanceUID), syntax).status == 0x0000


@pytest.mark.parametrize("sent", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
def test_what_comes_in_another_syntax_than_agreed_is_kept(receiver: StorageScp, sent: str) -> None:
    for number, agreed in enumerate((IMPLICIT, EXPLICIT, BIG, DEFLATED)):
        ds = make_dx(rows=8, columns=8, sop_class=CLASS, transfer_syntax=sent, seed=90, instance=number)
        ds.SOPInstanceUID = f"1.7.{number}.{len(sent)}.{sent[-1]}"
        assert stored(receiver, data_set_bytes(ds), str(ds.SOPInstanceUID), agreed).status == 0x0000


def test_the_setting_for_elements_is_followed(tmp_path: Path) -> None:
    many = [Written(0x00091000 + number, b"LO", b"x ") for number in range(12_000)]
    data = encode([*identity()[:2], *many, *identity()[2:], pixels()])
    known = MemoryLedger()
    with running_receiver(tmp_path, known, elements_max=10_000) as receiver:
        assert stored(receiver, data, "1.2.3.4").status == 0x0000
        assert stored(receiver, data[:-2], "1.2.3.4").status == 0x0000, "beyond it nobody looks whether it is whole"


def test_what_all_senders_send_at_once_has_a_maximum(tmp_path: Path) -> None:
    """The sender that is too much is told so and may try again; the others go on."""
    ds = make_dx(rows=1200, columns=1000, sop_class=CLASS)
    data, sop = data_set_bytes(ds), str(ds.SOPInstanceUID)
    known = MemoryLedger()
    spool = Spool(tmp_path / "spool", DiskLimits(incoming_bytes_max=3 << 20))
    with running_receiver(tmp_path, known, spool) as receiver:
        with RawPeer(receiver.port) as slow:
            slow.associate([(CLASS, EXPLICIT)])
            slow.send(p_data(pdv(1, COMMAND_LAST, store_command(CLASS, "1.2.3.4"))))
            for _ in range(100):
                slow.send(p_data(pdv(1, DATA, bytes(16000))))
            # What it has sent counts when it was read.
            response = until(lambda: stored(receiver, data, sop), enough=lambda one: one.status == 0xA700)
            assert "being received already" in response.comment
        assert _stored_at_last(receiver, data, sop) == 0x0000


def _stored_at_last(receiver: StorageScp, data: bytes, sop_instance_uid: str) -> int:
    """The status once the receiver has noticed that the slow sender is gone."""
    for _ in range(50):
        status = stored(receiver, data, sop_instance_uid).status
        if status == 0x0000:
            break
    return status
