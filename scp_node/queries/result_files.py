"""The files of a result of one study, to be read on a page."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import sqlalchemy as sa

from scp_node.errors import NothingFound, Removed
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


def _result(tx: Transaction, study_instance_uid: str, result_uid: str, *kinds: str) -> ResultRow:
    mine = sa.select(t.report.c.id).where(t.report.c.study_instance_uid == study_instance_uid)
    result = tx.results.get(result_uid)
    is_mine = result is not None and result.report_id in set(tx.connection.execute(mine).scalars())
    if result is None or not is_mine or (kinds and result.kind not in kinds):
        raise NothingFound("there is no such result of this study")
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
