"""A new ledger out of the spool: every file says what it is, and what was found in images is found again.

Lost for good is what no file holds: deliveries and their confirmation, events, dead letters, drift. So that nothing
floods an archive, an image that a result of ours names is not analysed again; every other one is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from converter.errors import ConverterError
from scp_node.decode.pool import DecodePool
from scp_node.engine.jobs import JobQueue
from scp_node.errors import DecodeFailed, UsageError
from scp_node.host.lock_file import exclusive
from scp_node.intake.header import WalkLimits
from scp_node.intake.image_jobs import image_job
from scp_node.intake.terms import walk_limits
from scp_node.ledger import Ledger, ReceivedInstance, Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.database import DATABASE_ERRORS, migrate, open_database
from scp_node.ledger.rebuilding import Rebuilding
from scp_node.ledger.records import CHANGES, now_utc
from scp_node.recovery.found_objects import BATCH, FoundObjects, in_batches
from scp_node.recovery.found_results import (
    FoundReport,
    FoundResult,
    reports_of,
    result_in,
    routes_of,
    shard_files,
)
from scp_node.recovery.interrupted import REBUILDING, ledger_file
from scp_node.recovery.result_models import KnownModels, known_models
from scp_node.recovery.spooled_object import SpooledObject, read_spooled
from scp_node.settings import Settings
from scp_node.settings.places import default_url, in_use_lock, model_folders, spool_dir
from scp_node.settings.web import STOW_TITLE, WADO_TITLE, stow_source
from scp_node.storage.durable_files import fsync_folder, make_directory

UNKNOWN_SENDER = "unknown"
LEFT_ALONE_TOLD_MAX = 100
DETAIL = "its results lie in the spool; what was found in it was lost with the ledger"
SUFFIXES = ("", "-wal", "-shm")


@dataclass
class Rebuilt:
    """What was found and entered. left_alone: names of files that are not what their names say, the first ones."""

    images: int = 0
    versions: int = 0
    to_analyse: int = 0
    results: int = 0
    reports: int = 0
    unknown_senders: int = 0
    sender_of_unknown: str = ""
    left_alone_count: int = 0
    left_alone: list[str] = field(default_factory=list)
    kept_aside: list[Path] = field(default_factory=list)

    def leave_alone(self, path: Path) -> None:
        self.left_alone_count += 1
        if len(self.left_alone) < LEFT_ALONE_TOLD_MAX:
            self.left_alone.append(f"{path.parent.name}/{path.name}")


def rebuild_ledger(
    settings: Settings, *, reanalyse: bool, replace_whole: bool, on_file: Callable[[], None] = lambda: None
) -> Rebuilt:
    """Make a new ledger, and keep the old one beside it under another name.

    With `reanalyse` images that have results are analysed and reported too. Raises UsageError where there is no spool,
    where the database is no file, and where the ledger is whole unless `replace_whole`; ConfigurationError where a node
    runs there; OSError.
    """
    ledger_path, spool = ledger_file(settings), spool_dir(settings)
    if ledger_path is None:
        raise UsageError("the ledger is in a PostgreSQL database: restore it with pg_restore")
    if not spool.is_dir():
        raise UsageError(f"{spool} is not there: there is nothing to make a ledger of; 'hilum restore' needs a backup")
    data_dir = settings.node.data_dir
    running = f"{data_dir} is held by a node that runs: stop it first"
    with exclusive(in_use_lock(data_dir), 0, taken=running), _work_folder(settings, ledger_path) as work:
        if not replace_whole and _is_whole(ledger_path):
            raise UsageError(
                f"{ledger_path} is whole: a new one would lose what was delivered. Start the node with it, or use "
                "--replace-whole"
            )
        rebuilt = Rebuilt()
        with closing(FoundObjects(work / "found.db")) as found:
            _read_spool(settings, spool, found, rebuilt, on_file)
            _make_ledger(settings, work, found, rebuilt, reanalyse)
        _put_in_place(work / "ledger.db", ledger_path, rebuilt)
    return rebuilt


@contextmanager
def _work_folder(settings: Settings, ledger_path: Path) -> Iterator[Path]:
    """Removed at the end, unless there is no ledger then: no node starts beside it and without one."""
    work = settings.node.data_dir / REBUILDING
    shutil.rmtree(work, ignore_errors=True)
    make_directory(work)
    fsync_folder(work.parent)
    try:
        yield work
    finally:
        if ledger_path.exists():
            shutil.rmtree(work)


def _is_whole(ledger_path: Path) -> bool:
    """Whether there is a ledger that can be read to its end and holds something."""
    if not ledger_path.exists():
        return False
    engine = open_database(f"sqlite:///{ledger_path.resolve()}")
    try:
        with engine.connect() as connection:
            is_sound = connection.exec_driver_sql("PRAGMA quick_check(1)").scalars().all() == ["ok"]
            return is_sound and connection.execute(sa.select(t.study).limit(1)).one_or_none() is not None
    except DATABASE_ERRORS:
        return False
    finally:
        engine.dispose()


def _read_spool(
    settings: Settings, spool: Path, found: FoundObjects, rebuilt: Rebuilt, on_file: Callable[[], None]
) -> None:
    """Each file is read as a receiver reads it; headers of results in a child process, as everywhere."""
    limits = walk_limits(settings)
    senders = [name for name, remote in settings.remote_aes.items() if remote.may_send]
    rebuilt.sender_of_unknown = senders[0] if len(senders) == 1 else UNKNOWN_SENDER
    models = known_models(model_folders(settings))
    with closing(DecodePool.of(settings.inference, processes=1)) as pool:
        for path in shard_files(spool):
            on_file()
            one = _read_one(path, limits, pool, models)
            if one is None:
                rebuilt.leave_alone(path)
            elif isinstance(one, FoundResult):
                found.add_result(one)
                rebuilt.results += 1
            else:
                found.add_received(_record(settings, one, rebuilt), one.written_ns)
                rebuilt.versions += 1


def _read_one(
    path: Path, limits: WalkLimits, pool: DecodePool, models: KnownModels
) -> SpooledObject | FoundResult | None:
    """None for what can be read no more, or is not what its name says."""
    try:
        one = read_spooled(path, limits)
        return result_in(one, pool.header(path), models) if one is not None and one.is_result else one
    except (OSError, ConverterError, DecodeFailed):
        return None


def _record(settings: Settings, one: SpooledObject, rebuilt: Rebuilt) -> ReceivedInstance:
    """As it was entered when it came; the time is that of the file."""
    named = [name for name, remote in settings.remote_aes.items() if remote.ae_title == one.sending]
    source = next((name for name in named if settings.remote_aes[name].may_send), next(iter(named), None))
    if one.receiving == STOW_TITLE and one.sending:
        source = stow_source(one.sending)
    elif one.receiving == WADO_TITLE:
        source = next((name for name in settings.systems if name.startswith(one.sending)), None)
    rebuilt.unknown_senders += source is None
    header = one.header
    return ReceivedInstance(
        sop_instance_uid=header.sop_instance_uid,
        sop_class_uid=header.sop_class_uid,
        study_instance_uid=header.study_instance_uid,
        series_instance_uid=header.series_instance_uid,
        transfer_syntax_uid=one.transfer_syntax_uid,
        accession_number=header.accession_number,
        source=source or rebuilt.sender_of_unknown,
        calling_ae_title=one.sending[:16],
        called_ae_title=(one.receiving or settings.node.ae_title)[:16],
        spool_name=one.name,
        bytes=one.data_bytes,
        digest=one.digest,
        received_at=one.written_at,
    )


def _make_ledger(settings: Settings, work: Path, found: FoundObjects, rebuilt: Rebuilt, reanalyse: bool) -> None:
    engine = open_database(default_url(work))
    try:
        migrate(engine)
        ledger = Ledger(engine)
        for records in found.received():
            with ledger.transaction() as tx:
                for record in records:
                    if tx.instances.add(record) in CHANGES:
                        tx.versions.make_current(record)
        for results in found.studies():
            with ledger.transaction() as tx:
                rebuilt.reports += _enter_reports(tx, settings, results)
        _enter_jobs(ledger, found, rebuilt, reanalyse)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        engine.dispose()


def _enter_reports(tx: Transaction, settings: Settings, results: list[FoundResult]) -> int:
    """The reports of a study; their numbers are taken in every route that may have made them."""
    tx.studies.add(_as_received(results[0]))
    reports = reports_of(results, settings.routes)
    numbers = {(report.route, report.revision) for report in reports}
    for report in reports:
        _enter_report(tx, report, has_results=True)
        for route in routes_of(report.results[0].model, settings.routes):
            if (route, report.revision) not in numbers:
                numbers.add((route, report.revision))
                _enter_report(tx, FoundReport(route, report.revision, report.results), has_results=False)
    return len(reports)


def _enter_report(tx: Transaction, report: FoundReport, *, has_results: bool) -> None:
    first = report.results[0]
    made_at = first.written_at.replace(microsecond=0)
    report_id = Rebuilding(tx.connection).add_report(
        first.study_instance_uid,
        report.route,
        report.revision,
        first.model,
        report.images,
        made_at,
        has_results=has_results,
    )
    if not has_results:
        return
    for one in report.results:
        tx.results.add(report_id, one.row())
    for uids in in_batches(report.images):
        Rebuilding(tx.connection).place(uids, report.route)


def _as_received(result: FoundResult) -> ReceivedInstance:
    """For the row of its study, whose images may be gone."""
    return ReceivedInstance(
        sop_instance_uid=result.sop_instance_uid,
        sop_class_uid=result.sop_class_uid,
        study_instance_uid=result.study_instance_uid,
        series_instance_uid=result.series_instance_uid,
        transfer_syntax_uid="",
        accession_number=result.accession_number,
        source="",
        calling_ae_title="",
        called_ae_title="",
        spool_name=result.spool_name,
        bytes=result.bytes,
        digest="",
        received_at=result.written_at,
    )


def _enter_jobs(ledger: Ledger, found: FoundObjects, rebuilt: Rebuilt, reanalyse: bool) -> None:
    """A job for each image whose current version no result can have seen."""
    jobs, last = JobQueue(), ""
    while True:
        with ledger.transaction() as tx:
            images = Rebuilding(tx.connection).instances_after(last, BATCH)
            for image in images:
                covered_at = found.covered_at(image.sop_instance_uid)
                if not reanalyse and covered_at is not None and covered_at >= image.received_at:
                    Rebuilding(tx.connection).mark_reported(image.sop_instance_uid, image.version, DETAIL)
                else:
                    jobs.put(tx, image_job(image, now_utc()))
                    rebuilt.to_analyse += 1
        if not images:
            return
        rebuilt.images += len(images)
        last = images[-1].sop_instance_uid


def _put_in_place(new: Path, ledger_path: Path, rebuilt: Rebuilt) -> None:
    """The old ledger gets another name before the new one takes its place."""
    aside = ledger_path.with_name(f"{ledger_path.stem}-before-rebuild-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db")
    for suffix in SUFFIXES:
        old = Path(f"{ledger_path}{suffix}")
        if old.exists():
            rebuilt.kept_aside.append(old.rename(f"{aside}{suffix}"))
    new.rename(ledger_path)
    fsync_folder(ledger_path.parent)
