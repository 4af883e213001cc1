"""One C-STORE without a network: which status it gets, what it leaves in the spool and what the ledger knows."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest
import xxhash
from pydicom import dcmread

from scp_node.dimse.requests import SUCCESS, Answer, Command
from scp_node.host.disk_space import DiskLimits
from scp_node.intake.group_commit import GroupCommit
from scp_node.intake.store import Context, Requestor, Store
from scp_node.storage.spool import Spool, instance_name
from scp_node.telemetry.logs import configure_logging
from tests.support.dicom.phantoms import make_dx
from tests.support.node.receiving import MemoryLedger, data_set_bytes, files_below

DX, VERIFICATION, EXPLICIT = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.1.1", "1.2.840.10008.1.2.1"
CR = "1.2.840.10008.5.1.4.1.1.1"
SENDER = Requestor("pacs", "MODALITY", "HILUM")
DS = make_dx(rows=16, columns=16)
UID = str(DS.SOPInstanceUID)
DATA = data_set_bytes(DS)
OTHER_DATA = DATA[:-2] + b"\x01\x02"


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def store(spool: Spool, ledger: MemoryLedger) -> Store:
    return Store(spool, GroupCommit(ledger, spool, lambda: None))


def digest(data: bytes) -> str:
    return xxhash.xxh3_128(data).hexdigest()


def name_of(data: bytes) -> str:
    return instance_name(UID, digest(data))


def sent(store: Store, data: bytes = DATA, step: int = 1000, **changed: Any) -> Answer:
    context = Context(changed.pop("abstract_syntax", DX), changed.pop("transfer_syntax", EXPLICIT))
    wanted: dict[str, Any] = {
        "field": 1,
        "message_id": 1,
        "has_data_set": True,
        "sop_class_uid": DX,
        "sop_instance_uid": UID,
    }
    incoming = store.begin(SENDER, context, Command(**(wanted | changed)))
    for start in range(0, len(data), step):
        incoming.write([memoryview(data[start : start + step])])
    return incoming.finish()


def test_a_stored_instance_is_in_spool_ledger_and_queue(store: Store, spool: Spool, ledger: MemoryLedger) -> None:
    assert sent(store) == SUCCESS
    row = ledger.rows[UID]
    assert (row.source, row.calling_ae_title, row.called_ae_title) == ("pacs", "MODALITY", "HILUM")
    assert (row.sop_class_uid, row.study_instance_uid, row.series_instance_uid, row.accession_number) == (
        DX,
        DS.StudyInstanceUID,
        DS.SeriesInstanceUID,
        DS.AccessionNumber,
    )
    assert (row.transfer_syntax_uid, row.bytes, row.digest) == (EXPLICIT, len(DATA), digest(DATA))
    assert row.spool_name == instance_name(UID, row.digest)
    assert ledger.jobs == [(UID, row.digest)]
    file = spool.path(row.spool_name)
    assert files_below(spool.root) == [file]
    assert file.read_bytes().endswith(b"UL\x04\x00" + file.read_bytes()[140:144] + file.read_bytes()[144:])
    assert file.read_bytes()[-len(DATA) :] == DATA
    assert dcmread(file).file_meta.TransferSyntaxUID == EXPLICIT


@pytest.mark.parametrize(
    ("changed", "data", "status", "comment"),
    [
        ({"abstract_syntax": VERIFICATION, "sop_class_uid": VERIFICATION}, DATA, 0x0122, "not one of storage"),
        ({"sop_class_uid": CR}, DATA, 0x0122, "not that of the presentation context"),
        ({"sop_class_uid": ""}, DATA, 0x0122, "not that of the presentation context"),
        ({"sop_instance_uid": "../.."}, DATA, 0x0117, "not a UID"),
        ({"sop_instance_uid": ""}, DATA, 0x0117, "not a UID"),
        ({"sop_instance_uid": "1" * 65}, DATA, 0x0117, "not a UID"),
        ({"sop_instance_uid": "1.2.3"}, DATA, 0xA900, "SOP Instance UID of data set and command differ"),
        ({"abstract_syntax": CR, "sop_class_uid": CR}, DATA, 0xA900, "SOP Class UID of data set and command differ"),
        ({}, DATA[:100], 0xC000, "ends early"),
        ({}, b"", 0xC000, "ends early"),
        ({}, b"\xff" * 5000, 0xC000, "is missing"),
        ({}, DATA[:-2], 0xC000, "ends early"),
        ({"has_data_set": False}, b"", 0xC000, "announces no data set"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    store: Store,
    spool: Spool,
    ledger: MemoryLedger,
    changed: dict[str, Any],
    data: bytes,
    status: int,
    comment: str,
) -> None:
    answer = sent(store, data, **changed)
    assert answer.status == status
    assert comment in answer.comment and 0 < len(answer.comment) <= 64
    assert files_below(spool.root) == []
    assert (ledger.rows, ledger.jobs) == ({}, [])


def test_the_class_is_looked_at_before_the_uid_and_the_uid_before_the_room(
    ledger: MemoryLedger, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool", DiskLimits(free_bytes_min=2**62))
    full = Store(spool, GroupCommit(ledger, spool, lambda: None))
    assert sent(full, sop_class_uid=CR, sop_instance_uid="x").status == 0x0122
    assert sent(full, sop_instance_uid="x").status == 0x0117
    assert sent(full, data=b"").status == 0xA700


def test_the_same_bytes_again_are_acknowledged_and_make_nothing_new(
    store: Store, spool: Spool, ledger: MemoryLedger
) -> None:
    assert sent(store) == SUCCESS
    assert sent(store, step=77) == SUCCESS
    assert spool.path(name_of(DATA)).read_bytes().endswith(DATA)
    assert len(files_below(spool.root)) == len(ledger.jobs) == 1


def test_other_bytes_under_the_same_uid_are_stored_beside_the_first(
    store: Store, spool: Spool, ledger: MemoryLedger
) -> None:
    assert sent(store) == sent(store, OTHER_DATA) == SUCCESS
    assert ledger.rows[UID].digest == digest(OTHER_DATA)
    for data in (DATA, OTHER_DATA):
        assert spool.path(name_of(data)).read_bytes().endswith(data)
    assert ledger.jobs == [(UID, digest(DATA)), (UID, digest(OTHER_DATA))]


def test_bytes_that_come_back_are_current_again_and_their_file_is_not_touched(
    store: Store, spool: Spool, ledger: MemoryLedger
) -> None:
    sent(store)
    before = spool.path(name_of(DATA)).stat()
    sent(store, OTHER_DATA)
    assert sent(store) == SUCCESS
    assert ledger.rows[UID].digest == digest(DATA) and len(ledger.jobs) == 3
    after = spool.path(name_of(DATA)).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(files_below(spool.root)) == 2


def test_where_changed_objects_are_refused_the_first_bytes_are_kept(
    store: Store, spool: Spool, ledger: MemoryLedger
) -> None:
    ledger.refuses_changes = True
    assert sent(store) == SUCCESS
    answer = sent(store, OTHER_DATA)
    assert (answer.status, answer.comment) == (0x0111, "this SOP Instance UID was received with other content")
    assert spool.path(name_of(DATA)).read_bytes().endswith(DATA)
    assert len(files_below(spool.root)) == len(ledger.jobs) == 1


class WeakHash:
    """Gives every content the same digest, as somebody who forges would."""

    def update(self, data: object) -> None: ...

    def hexdigest(self) -> str:
        return "0" * 32


def test_other_bytes_with_a_forged_digest_are_refused_and_the_first_are_kept(
    store: Store, spool: Spool, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xxhash.xxh3_128", WeakHash)
    assert sent(store) == SUCCESS
    assert sent(store, OTHER_DATA).status == 0x0111
    assert sent(store) == SUCCESS
    assert [path.read_bytes()[-len(DATA) :] for path in files_below(spool.root)] == [DATA]
    assert len(ledger.jobs) == 1


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "longer", "a bit is wrong"])
def test_a_file_that_was_lost_is_replaced_by_the_same_bytes(
    store: Store, spool: Spool, ledger: MemoryLedger, damage: str
) -> None:
    assert sent(store) == SUCCESS
    (path,) = files_below(spool.root)
    whole = path.read_bytes()
    match damage:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(whole[:-1])
        case "longer":
            path.write_bytes(whole + b"\0\0")
        case _:
            path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    assert sent(store) == SUCCESS
    assert (files_below(spool.root), path.read_bytes()) == ([path], whole)
    assert len(ledger.jobs) == 1


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_uid_is_stored_as_it_came(store: Store, spool: Spool, ledger: MemoryLedger) -> None:
    """With leading zeros, padded in the data set with what is not part of it."""
    uid = "1.02.003.0004"
    data = DATA.replace(UID.encode().ljust(len(UID) + len(UID) % 2, b"\0"), uid.encode().ljust(len(UID) + len(UID) % 2))
    assert sent(store, data, sop_instance_uid=uid) == SUCCESS
    assert ledger.rows[uid].sop_instance_uid == uid
    assert uid.encode() in spool.path(ledger.rows[uid].spool_name).read_bytes()[:400], "in the file meta information"
    assert sent(store, data, sop_instance_uid="1.2.3.4").status == 0xA900, "zeros are not left out"


def test_what_is_damaged_is_stored_and_log_and_ledger_say_how(store: Store, ledger: MemoryLedger) -> None:
    written = io.StringIO()
    configure_logging("info", "text", written)
    data = DATA.replace(b"PN", b"??")
    assert sent(store, data) == SUCCESS
    assert ledger.rows[UID].digest == digest(data), "it is kept as it came"
    assert "written in another way" in written.getvalue() and "written in another way" in ledger.rows[UID].damage
    assert str(DS.PatientName) not in written.getvalue() + ledger.rows[UID].damage


@pytest.mark.parametrize("when", ["failure", "failure_at_commit"])
def test_when_the_ledger_fails_the_sender_keeps_the_object_and_the_next_attempt_replaces_the_orphan(
    store: Store, spool: Spool, ledger: MemoryLedger, when: str
) -> None:
    setattr(ledger, when, RuntimeError("database is locked: secret^name"))
    assert sent(store) == Answer(0xA700, "the instance could not be entered, try again")
    assert (ledger.rows, files_below(spool.root)) == ({}, [spool.path(name_of(DATA))])
    setattr(ledger, when, None)
    assert sent(store) == SUCCESS
    assert files_below(spool.root) == [spool.path(name_of(DATA))]


def test_an_orphan_never_stands_for_other_content(store: Store, spool: Spool, ledger: MemoryLedger) -> None:
    ledger.failure = RuntimeError("database is locked")
    assert sent(store).status == 0xA700
    ledger.failure = None
    assert sent(store, OTHER_DATA) == SUCCESS
    assert spool.path(ledger.rows[UID].spool_name).read_bytes().endswith(OTHER_DATA)


def test_a_file_that_gets_no_name_is_not_entered(
    store: Store, spool: Spool, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", fail)
        assert sent(store) == Answer(0xA700, "cannot write: EIO")
    assert (ledger.rows, ledger.jobs, files_below(spool.root)) == ({}, [], [])
    assert sent(store) == SUCCESS


def test_a_disk_that_fills_up_on_the_way_is_told_at_the_end(
    store: Store, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    writev, calls = os.writev, [0]

    def full_after_two(fd: int, pieces: Any) -> int:
        calls[0] += 1
        if calls[0] > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return writev(fd, pieces)

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full_after_two)
        assert sent(store, step=100) == Answer(0xA700, "cannot write: ENOSPC")
    assert calls[0] == 3, "what comes after the failure is dropped"
    assert files_below(spool.root) == []
    assert sent(store) == SUCCESS


def test_a_failed_fsync_is_told_and_from_then_on_everything_is_refused(
    store: Store, spool: Spool, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.open_part().discard()

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        assert sent(store).status == 0xA700
    assert sent(store) == Answer(0xA700, "storage failed, restart needed: fsync EIO")
    assert (ledger.rows, files_below(spool.root), spool.healthy) == ({}, [], False)


def test_a_transfer_that_is_dropped_leaves_no_part_file(store: Store, spool: Spool) -> None:
    incoming = store.begin(SENDER, Context(DX, EXPLICIT), Command(1, 1, True, DX, UID))
    incoming.write([memoryview(DATA[:1000])])
    assert len(files_below(spool.root)) == 1
    incoming.discard()
    assert files_below(spool.root) == []


def test_no_log_line_names_the_patient(store: Store, ledger: MemoryLedger) -> None:
    written = io.StringIO()
    configure_logging("debug", "text", written)
    sent(store)
    sent(store, OTHER_DATA)
    sent(store, sop_instance_uid="1.2\nINFO faked")
    ledger.rows.clear()
    ledger.failure = RuntimeError("failed for Phantom^Test00001")
    sent(store)
    lines = written.getvalue().splitlines()
    events = ["instance stored", "new version", "instance refused", "instance not stored", "instance refused"]
    assert len(lines) == len(events)
    assert all(event in line for event, line in zip(events, lines, strict=True))
    assert "RuntimeError" in lines[3]
    for private in (str(DS.PatientName), str(DS.PatientID), str(DS.PatientBirthDate)):
        assert private not in written.getvalue()
