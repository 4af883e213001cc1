"""Real senders and the real ledger: every class and syntax of the tables arrives, once, bit by bit."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import xxhash
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import UID
from pynetdicom import AE

from converter.image.sop_classes import STORAGE_CLASSES
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES, TransferSyntax, transfer_syntax
from scp_node.engine.jobs import JobQueue
from scp_node.errors import ConfigurationError
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.ledger import InstanceRow, Ledger
from scp_node.receive.scp import StorageScp
from scp_node.storage.spool import Spool
from tests.support.cohorts.data import dicom_files
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.ledger.ledgers import new_ledger
from tests.support.node.receiving import (
    MODALITY,
    MemoryLedger,
    data_set_bytes,
    data_set_of,
    files_below,
    receiving_settings,
    running_receiver,
)
from tests.support.peers.dcmtk import program
from tests.support.peers.raw_scu import COMMAND_LAST, DATA, RawPeer, p_data, pdv, store_command
from tests.support.waiting import until

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
# DCMTK 3.6 does not know High-Throughput JPEG 2000.
UNKNOWN_TO_DCMTK = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203")


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
    jobs = JobQueue()
    with running_receiver(tmp_path_factory.mktemp("node"), ReceivedInstances(ledger, jobs), spool) as one:
        yield one


def echoscu(receiver: StorageScp, *options: str) -> subprocess.CompletedProcess[str]:
    command = [program("echoscu"), "-v", "-aet", MODALITY, "-aec", "HILUM", *options, "127.0.0.1", str(receiver.port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def storescu(receiver: StorageScp, folder: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    """DCMTK's storescu with a context for each class and syntax, so that a file goes as it is."""
    config = folder / "storescu.cfg"
    config.write_text(_storescu_config())
    command = [program("storescu"), "-v", "-aet", MODALITY, "-aec", "HILUM", "-xf", str(config), "All"]
    command += ["127.0.0.1", str(receiver.port), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def _storescu_config() -> str:
    known = [row for row in TRANSFER_SYNTAXES if row.uid not in UNKNOWN_TO_DCMTK]
    lines = ["[[TransferSyntaxes]]"]
    for index, row in enumerate(known):
        lines += [f"[Syntax{index}]", f"TransferSyntax1 = {row.uid}"]
    lines += ["[[PresentationContexts]]", "[Contexts]"]
    pairs = [(uid, index) for uid in STORAGE_CLASSES for index in range(len(known))]
    lines += [f"PresentationContext{n} = {uid}\\Syntax{index}" for n, (uid, index) in enumerate(pairs, 1)]
    return "\n".join([*lines, "[[Profiles]]", "[All]", "PresentationContexts = Contexts", ""])


def radiograph(row: TransferSyntax, sop_class: str = "1.2.840.10008.5.1.4.1.1.1.1", instance: int = 1) -> Dataset:
    """A phantom in that syntax; a compressed one carries arbitrary bytes, which the receiver has no business with."""
    seed = int.from_bytes(hashlib.sha256((row.uid + sop_class).encode()).digest()[:3])
    syntax = EXPLICIT if row.encapsulated else row.uid
    ds = make_dx(rows=40, columns=30, seed=seed, transfer_syntax=syntax, sop_class=sop_class, instance=instance)
    if row.encapsulated:
        ds.PixelData = encapsulate([b"any codestream at all, even length."])
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        ds.file_meta.TransferSyntaxUID = UID(row.uid)
    return ds


def row_of(ledger: Ledger, ds: Dataset) -> InstanceRow:
    with ledger.reading() as tx:
        return tx.instances.get(str(ds.SOPInstanceUID))


def jobs_of(ledger: Ledger, ds: Dataset) -> list[str]:
    with ledger.reading() as tx:
        query = sa.text("SELECT job_id FROM hilum_job WHERE subject = :uid")
        return list(tx.connection.execute(query, {"uid": str(ds.SOPInstanceUID)}).scalars())


@pytest.mark.peer("echoscu")
def test_echoscu_is_answered(receiver: StorageScp) -> None:
    answer = echoscu(receiver)
    assert answer.returncode == 0, answer.stderr
    assert "Received Echo Response (Success)" in answer.stdout + answer.stderr


@pytest.mark.peer("echoscu")
@pytest.mark.parametrize(
    ("options", "reason"),
    [(["-aec", "OTHER"], "Called AE Title Not Recognized"), (["-aet", "NOBODY"], "Calling AE Title Not Recognized")],
)
def test_echoscu_is_rejected_under_another_name(receiver: StorageScp, options: list[str], reason: str) -> None:
    answer = echoscu(receiver, *options)
    assert answer.returncode != 0
    assert reason in answer.stdout + answer.stderr


@pytest.mark.peer("storescu")
@pytest.mark.parametrize("sop_class", STORAGE_CLASSES)
@pytest.mark.parametrize(
    "row", [row for row in TRANSFER_SYNTAXES if row.uid not in UNKNOWN_TO_DCMTK], ids=lambda row: row.name
)
def test_storescu_sends_each_class_in_each_syntax(
    receiver: StorageScp, ledger: Ledger, spool: Spool, tmp_path: Path, row: TransferSyntax, sop_class: str
) -> None:
    ds = radiograph(row, sop_class)
    answer = storescu(receiver, tmp_path, write_dx(tmp_path / "image.dcm", ds))
    assert "Received Store Response (Success)" in answer.stdout + answer.stderr
    assert answer.returncode == 0
    stored, entered = dcmread(spool.path(row_of(ledger, ds).spool_name)), row_of(ledger, ds)
    assert stored == ds
    assert stored.file_meta.TransferSyntaxUID == entered.transfer_syntax_uid == row.uid
    assert stored.file_meta.MediaStorageSOPClassUID == entered.sop_class_uid == sop_class
    assert (entered.state, entered.source, entered.calling_ae_title) == ("received", "pacs", MODALITY)
    assert len(jobs_of(ledger, ds)) == 1


@pytest.mark.parametrize("row", TRANSFER_SYNTAXES, ids=lambda row: row.name)
def test_the_data_set_is_kept_as_it_was_sent(
    receiver: StorageScp, ledger: Ledger, spool: Spool, row: TransferSyntax
) -> None:
    ds = radiograph(row, instance=2)
    data, sop_class = data_set_bytes(ds), str(ds.SOPClassUID)
    with RawPeer(receiver.port) as peer:
        peer.associate([(sop_class, row.uid)])
        assert peer.store(data, sop_class, ds.SOPInstanceUID).status == 0x0000
        peer.release()
    path = spool.path(row_of(ledger, ds).spool_name)
    assert data_set_of(path.read_bytes()) == data
    assert path.read_bytes()[:132] == bytes(128) + b"DICM"
    assert row_of(ledger, ds).digest == xxhash.xxh3_128(data).hexdigest()


@pytest.mark.data
@pytest.mark.peer("storescu")
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_storescu_sends_the_real_files(receiver: StorageScp, ledger: Ledger, spool: Spool, tmp_path: Path) -> None:
    sent: set[str] = set()
    for path in dicom_files():
        ds = dcmread(path)
        taken = ds.SOPClassUID in STORAGE_CLASSES and transfer_syntax(str(ds.file_meta.TransferSyntaxUID)) is not None
        if not taken or not ds.get("StudyInstanceUID") or ds.SOPInstanceUID in sent:
            continue
        answer = storescu(receiver, tmp_path, path)
        assert answer.returncode == 0, f"{path.name}: {answer.stderr}"
        entered = row_of(ledger, ds)
        stored = dcmread(spool.path(entered.spool_name))
        assert entered.study_instance_uid == stored.StudyInstanceUID == ds.StudyInstanceUID
        assert stored.get("PixelData") == ds.get("PixelData"), path.name
        sent.add(ds.SOPInstanceUID)
    assert len(sent) >= 4


@pytest.mark.data
@pytest.mark.peer("storescu")
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_an_image_of_another_class_is_not_taken(receiver: StorageScp, tmp_path: Path) -> None:
    for path in dicom_files():
        ds = dcmread(path, stop_before_pixels=True)
        if ds.SOPClassUID not in STORAGE_CLASSES:
            assert "No presentation context for" in storescu(receiver, tmp_path, path).stderr


def test_pynetdicom_stores_many_instances_over_one_association(receiver: StorageScp, ledger: Ledger) -> None:
    objects = [make_dx(rows=64, columns=64, seed=77, instance=number) for number in range(20)]
    ae = AE(MODALITY)
    ae.add_requested_context(objects[0].SOPClassUID, EXPLICIT)
    assoc = ae.associate("127.0.0.1", receiver.port, ae_title="HILUM")
    assert assoc.is_established
    assert [assoc.send_c_store(ds).Status for ds in objects] == [0x0000] * len(objects)
    assoc.release()
    assert all(row_of(ledger, ds).state == "received" for ds in objects)


def test_a_repeat_is_acknowledged_and_other_content_is_a_new_version(receiver: StorageScp, ledger: Ledger) -> None:
    ds = make_dx(rows=32, columns=32, seed=78)
    data, sop_class, uid = data_set_bytes(ds), str(ds.SOPClassUID), str(ds.SOPInstanceUID)
    with RawPeer(receiver.port) as peer:
        peer.associate([(sop_class, EXPLICIT)])
        first = [peer.store(data, sop_class, uid).status for _ in range(3)]
        other = peer.store(data[:-2] + b"\x01\x02", sop_class, uid)
        again = peer.store(data, sop_class, uid)
        peer.release()
    assert first == [0x0000] * 3
    assert (other.status, again.status) == (0x0000, 0x0000)
    assert len(jobs_of(ledger, ds)) == 3
    with ledger.reading() as tx:
        versions = tx.versions.of_instance(uid)
    contents = (data, data[:-2] + b"\x01\x02")
    assert [one.digest for one in versions] == [xxhash.xxh3_128(content).hexdigest() for content in contents]
    assert len({one.spool_name for one in versions}) == 2
    row = row_of(ledger, ds)
    assert (row.version, row.digest) == (1, versions[0].digest)


def test_a_peer_that_takes_small_pdus_gets_its_response_in_pieces(receiver: StorageScp) -> None:
    with RawPeer(receiver.port) as peer:
        peer.associate(pdu_bytes_max=40)
        assert peer.echo().status == 0x0000
        peer.release()


def test_an_address_in_use_is_a_problem_of_the_configuration(receiver: StorageScp, tmp_path: Path) -> None:
    ledger = MemoryLedger()
    second = StorageScp(receiving_settings(tmp_path), Spool(tmp_path / "spool"), ledger, port=receiver.port)
    with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{receiver.port}: Address already in use"):
        second.start()
    assert second.stop(drain_s=0) == 0


def test_new_associations_follow_a_reload_and_open_ones_stay(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    with running_receiver(tmp_path, ledger) as receiver, RawPeer(receiver.port) as old:
        assert old.associate()[0] == 0x02
        receiver.reload(receiving_settings(tmp_path, ae_title="RENAMED"))
        with RawPeer(receiver.port) as peer:
            assert peer.associate()[1] == bytes((0, 1, 1, 7))
        with RawPeer(receiver.port) as peer:
            assert peer.associate(called="RENAMED")[0] == 0x02
        assert old.echo().status == 0x0000


def test_a_stop_lets_the_message_under_way_finish_and_aborts_idle_associations(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    ds = make_dx(rows=128, columns=128, seed=79)
    data, sop_class, uid = data_set_bytes(ds), str(ds.SOPClassUID), str(ds.SOPInstanceUID)
    receiver = StorageScp(receiving_settings(tmp_path), Spool(tmp_path / "spool"), ledger, port=0)
    receiver.start()
    stopping = threading.Thread(target=receiver.stop, args=(20,))
    with RawPeer(receiver.port) as idle, RawPeer(receiver.port) as busy:
        idle.associate()
        busy.associate([(sop_class, EXPLICIT)])
        busy.send(p_data(pdv(1, COMMAND_LAST, store_command(sop_class, uid))))
        busy.send(p_data(pdv(1, DATA, data[:1000])))
        until(lambda: files_below(tmp_path / "spool"), "a message is under way")
        stopping.start()
        assert idle.is_aborted()
        busy.send_data_set(1, data[1000:])
        assert busy.read_response().status == 0x0000
        assert busy.is_aborted()
    stopping.join(30)
    assert not stopping.is_alive()
    assert list(ledger.rows) == [uid]
    assert len(files_below(tmp_path / "spool")) == 1
