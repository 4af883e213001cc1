"""A kind of destination is one module and one row: sending, probing and delivery find it by the table alone."""

from __future__ import annotations

import inspect
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.capabilities import Capabilities
from scp_node.deliver.destinations import IDLE_LOOK_S_MAX, KINDS, Destinations, module_of
from scp_node.deliver.kind import Destination, DestinationKind, KeptConnection
from scp_node.deliver.outcomes import SendOutcome, Verdict
from scp_node.deliver.part10 import Part10File
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR
from scp_node.engine.jobs import JobQueue
from scp_node.errors import UsageError
from scp_node.ledger import DeliveryRow, NewResult
from scp_node.ledger.records import now_utc
from scp_node.settings import RemoteAE, Settings
from scp_node.storage.spool import Spool
from scp_node.workflow.delivery_job import run_delivery_job
from scp_node.workflow.job_kinds import delivery_job
from scp_node.workflow.services import Services
from tests.support.dicom.objects import small_file
from tests.support.ledger.ledgers import claimed, new_ledger, received
from tests.support.node.delivering import settings_for

NAMES = ("accepts", "probe", "send")


class SharedFolder(RemoteAE):
    """The settings of a destination of another kind: files are copied to `path`."""

    kind: ClassVar[str] = "folder"
    path: str = ""


class OpenFolder(KeptConnection):
    """What the kind keeps: here it only notes what becomes of it."""

    made: ClassVar[list[OpenFolder]] = []

    def __init__(self, to: Destination) -> None:
        assert isinstance(to.remote, SharedFolder)
        self.path, self.opened = Path(to.remote.path), 1
        self.is_closed, self.idle_looks = False, 0
        self.made.append(self)

    def release_if_idle(self) -> None:
        self.idle_looks += 1

    def close(self) -> None:
        self.is_closed = True


def folder_kind() -> ModuleType:
    """The module that a new kind is, with its three names. It takes reports in one class only."""
    module = ModuleType("folder")

    def accepts(sop_class_uid: str) -> bool:
        return sop_class_uid == COMPREHENSIVE_SR

    def probe(to: Destination) -> Capabilities:
        folder = to.kept(OpenFolder).path
        return Capabilities(to.name, str(folder), problem="" if folder.is_dir() else "there is no such folder")

    def send(to: Destination, file: Part10File) -> SendOutcome:
        shutil.copy(file.path, to.kept(OpenFolder).path / file.sop_instance_uid)
        return SendOutcome(Verdict.SENT, "copied", f"{to.name}: copied")

    vars(module).update({function.__name__: function for function in (accepts, probe, send)})
    return module


@pytest.fixture(autouse=True)
def _the_row_of_the_new_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "folder", folder_kind())
    monkeypatch.setattr(OpenFolder, "made", [])


def settings_to(path: Path, **delivery: Any) -> Settings:
    """Settings whose one destination, `share`, is a folder."""
    settings = settings_for({"share": ("UNUSED", 104)}, **delivery)
    share = SharedFolder(ae_title="UNUSED", host="127.0.0.1", port=104, path=str(path))
    return settings.model_copy(update={"remote_aes": {"share": share}})


@pytest.fixture
def share(tmp_path: Path) -> Path:
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


@pytest.fixture
def destinations(share: Path) -> Iterator[Destinations]:
    destinations = Destinations(settings_to(share))
    yield destinations
    destinations.close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_has_the_three_names_with_the_same_parameters(kind: str) -> None:
    for name in NAMES:
        asked = [*inspect.signature(getattr(DestinationKind, name)).parameters][1:]
        assert [*inspect.signature(getattr(module_of(kind), name)).parameters] == asked


def test_every_remote_ae_is_of_a_kind_that_the_table_has() -> None:
    assert RemoteAE.kind in KINDS


def test_an_object_goes_the_way_of_its_destination(tmp_path: Path, share: Path, destinations: Destinations) -> None:
    path = small_file(tmp_path, COMPREHENSIVE_SR)
    outcome = destinations.send("share", path)
    assert (outcome.verdict, outcome.code, outcome.message) == (Verdict.SENT, "copied", "share: copied")
    (copied,) = share.iterdir()
    assert copied.read_bytes() == path.read_bytes()


def test_a_class_that_the_kind_does_not_carry_is_refused_without_trying(
    tmp_path: Path, share: Path, destinations: Destinations
) -> None:
    outcome = destinations.send("share", small_file(tmp_path, SECONDARY_CAPTURE))
    assert (outcome.code, outcome.class_refused) == ("class-not-accepted", True)
    assert list(share.iterdir()) == []


def test_probing_asks_the_kind(tmp_path: Path, share: Path, destinations: Destinations) -> None:
    assert destinations.probe("share") == Capabilities("share", str(share))
    share.rmdir()
    assert destinations.probe("share").problem == "there is no such folder"


def test_probing_a_name_that_is_not_configured_names_those_that_are(destinations: Destinations) -> None:
    with pytest.raises(UsageError, match="no remote AE is called 'gone'; known: share"):
        destinations.probe("gone")


@pytest.mark.parametrize(
    ("sop_class_uid", "state"), [(COMPREHENSIVE_SR, "sent"), (COMPREHENSIVE_3D_SR, "sent"), (SECONDARY_CAPTURE, "dead")]
)
def test_a_delivery_ends_at_the_destination(tmp_path: Path, share: Path, sop_class_uid: str, state: str) -> None:
    """A Comprehensive 3D SR is delivered as the class that this kind carries, like to an archive that refuses it."""
    delivery = delivered(tmp_path, small_file(tmp_path, sop_class_uid), sop_class_uid, settings_to(share))
    assert (delivery.state, delivery.attempts) == (state, 1)
    assert [path.name for path in share.iterdir()] == ([delivery.result_uid] if state == "sent" else [])


def delivered(folder: Path, file: Path, sop_class_uid: str, settings: Settings) -> DeliveryRow:
    """The row of a delivery to `share` after its job ran once, with everything real."""
    ledger, spool = new_ledger(folder), Spool(folder / "spool")
    jobs, destinations = JobQueue(), Destinations(settings)
    spool.put("ab" * 32, file.read_bytes())
    result = NewResult(file.stem, sop_class_uid, "2.25.7", "sr", "ab" * 32, file.stat().st_size, "0")
    with ledger.transaction() as tx:
        tx.instances.add(received())
        report = tx.reports.open("1.2.3.1", "chest", "study-job", "m@1.0.0", ["1.2.3.1.1"])
        (delivery,) = tx.reports.close(report, [result], ["share"])
        jobs.put(tx, delivery_job(delivery, "1.2.3.1", now_utc()))
    unused: Any = None
    services = Services(lambda: settings, ledger, jobs, spool, unused, unused, unused, destinations)
    run_delivery_job(services, claimed(ledger, "delivery:1"))
    destinations.close()
    with ledger.reading() as tx:
        row = tx.deliveries.get(delivery.id)
    ledger.engine.dispose()
    return row


# --- what is kept open --------------------------------------------------------------------------------------------


def test_one_connection_is_kept_for_all_objects(tmp_path: Path, destinations: Destinations) -> None:
    assert destinations.connections_opened("share") == 0
    for _ in range(3):
        assert destinations.send("share", small_file(tmp_path, COMPREHENSIVE_SR)).sent
    assert len(OpenFolder.made) == destinations.connections_opened("share") == 1


def test_what_is_kept_is_asked_again_and_again_whether_it_is_idle(tmp_path: Path, share: Path) -> None:
    destinations = Destinations(settings_to(share, keep_open_s=0.1))
    destinations.send("share", small_file(tmp_path, COMPREHENSIVE_SR))
    deadline = time.monotonic() + 20 * IDLE_LOOK_S_MAX
    while OpenFolder.made[0].idle_looks < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    destinations.close()
    assert OpenFolder.made[0].idle_looks >= 2


def test_a_reload_closes_what_is_kept_for_a_destination_that_changed(
    tmp_path: Path, share: Path, destinations: Destinations
) -> None:
    path = small_file(tmp_path, COMPREHENSIVE_SR)
    destinations.send("share", path)
    destinations.reload(settings_to(share))
    assert not OpenFolder.made[0].is_closed, "nothing changed"
    (tmp_path / "other").mkdir()
    destinations.reload(settings_to(tmp_path / "other"))
    assert OpenFolder.made[0].is_closed
    assert destinations.send("share", path).sent
    assert len(OpenFolder.made) == 2 and not OpenFolder.made[1].is_closed
    assert len(list((tmp_path / "other").iterdir())) == 1


def test_a_destination_that_is_no_longer_configured_is_closed_and_named(
    tmp_path: Path, destinations: Destinations
) -> None:
    destinations.send("share", small_file(tmp_path, COMPREHENSIVE_SR))
    destinations.reload(settings_for({"pacs": ("ARCHIVE", 104)}))
    assert OpenFolder.made[0].is_closed
    outcome = destinations.send("share", small_file(tmp_path, COMPREHENSIVE_SR))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "unknown-destination")


def test_nothing_stays_open_after_the_end_even_for_who_still_sends(
    tmp_path: Path, share: Path, destinations: Destinations
) -> None:
    destinations.send("share", small_file(tmp_path, COMPREHENSIVE_SR))
    destinations.close()
    assert destinations.send("share", small_file(tmp_path, COMPREHENSIVE_SR)).sent
    assert [one.is_closed for one in OpenFolder.made] == [True, True]
    assert len(list(share.iterdir())) == 2
