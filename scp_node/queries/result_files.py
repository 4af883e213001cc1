"""The files of a result of one study, to be read on a page."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import sqlalchemy as sa

from scp_node.errors import NothingFound, Removed, UsageError
from scp_node.ledger import ReportRow, ResultRow, Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.removal_records import in_spool


@dataclass(frozen=True)
class ReportFiles:
    """A report and what it shows, as names in the spool: its heat maps, and its films, by SOP Instance UID. What
    retention has removed is left out. kind: of the result itself."""

    kind: str
    spool_name: str
    heatmaps: dict[str, str] = field(default_factory=dict)
    films: dict[str, str] = field(default_factory=dict)


def result_file(tx: Transaction, study_instance_uid: str, result_uid: str, *kinds: str) -> str:
    """Its name in the spool. Raises NothingFound for what is no result of this study, or of none of `kinds`, where
    there are any, and Removed where its file was removed."""
    return in_spool(_result(tx, study_instance_uid, result_uid, *kinds))


def report_files(tx: Transaction, study_instance_uid: str, result_uid: str, *kinds: str) -> ReportFiles:
    """Raises as `result_file` does."""
    result = _result(tx, study_instance_uid, result_uid, *kinds)
    report = tx.reports.get(result.report_id)
    found = ReportFiles(result.kind, in_spool(result))
    for uid in report.instances:
        _add(tx, report, uid, found)
    return found


def last_report(tx: Transaction, study_instance_uid: str, route: str | None, *kinds: str) -> ReportFiles:
    """The last report of a study, by one of its results of `kinds`, the first kind first; of those of one kind the one
    that was delivered, because an archive may have refused the class of another. `route`: whose report, where several
    routes have one.

    Raises NothingFound where there is none, UsageError where it may be that of several routes, and Removed.
    """
    built = {one.route: one for one in tx.reports.of_study(study_instance_uid) if one.built_at is not None}
    if not built:
        raise NothingFound(f"there is no report of the study {study_instance_uid}; see 'hilum explain'")
    if route is None and len(built) > 1:
        raise UsageError(f"the study has a report of each of these routes: {', '.join(built)}; name one")
    report = next(iter(built.values())) if route is None else built.get(route)
    if report is None:
        raise NothingFound(f"the route {route} has no report of this study; others have: {', '.join(built)}")
    mine = [one for one in tx.results.of_report(report.id) if one.kind in kinds]
    if not mine:
        raise NothingFound(f"the last report of the study has no result of the kind {' or '.join(kinds)}")
    uids = [one.sop_instance_uid for one in mine]
    sent = set(
        tx.connection.execute(sa.select(t.delivery.c.result_uid).where(t.delivery.c.result_uid.in_(uids))).scalars()
    )
    best = min(mine, key=lambda one: (kinds.index(one.kind), one.sop_instance_uid not in sent))
    return report_files(tx, study_instance_uid, best.sop_instance_uid)


def _result(tx: Transaction, study_instance_uid: str, result_uid: str, *kinds: str) -> ResultRow:
    mine = sa.select(t.report.c.id).where(t.report.c.study_instance_uid == study_instance_uid)
    result = tx.results.get(result_uid)
    is_mine = result is not None and result.report_id in set(tx.connection.execute(mine).scalars())
    if result is None or not is_mine:
        raise NothingFound("there is no such result of this study")
    if kinds and result.kind not in kinds:
        raise NothingFound(f"that result is of the kind {result.kind}, and not {' or '.join(kinds)}")
    return result


def _add(tx: Transaction, report: ReportRow, sop_instance_uid: str, found: ReportFiles) -> None:
    """The film in the version that the report covers, and the heat map over it, even that of an earlier report."""
    version = report.version_of(sop_instance_uid)
    with suppress(Removed):
        found.films[sop_instance_uid] = in_spool(tx.versions.as_of(sop_instance_uid, version))
    heatmap = tx.results.over_image("heatmap", sop_instance_uid, version, report.model)
    if heatmap is not None:
        with suppress(Removed):
            found.heatmaps[heatmap.sop_instance_uid] = in_spool(heatmap)
