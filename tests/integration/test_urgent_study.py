"""An urgent study that comes behind a backlog is analysed, reported and in the archive before the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydicom import Dataset

from converter.image.priority import LOW, ROUTINE, STAT
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from tests.support import waiting
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.dcmtk import running_storescp
from tests.support.peers.modality import store

until = partial(waiting.until, timeout_s=90.0, pause_s=0.1)
BACKLOG = 8
ROUTES = [
    {
        "name": "screening",
        "when": {"station_name": ["SCREEN*"]},
        "model": "pneumonia",
        "to": ["pacs"],
        "priority": "low",
    },
    {"name": "chest", "model": "pneumonia", "to": ["pacs"], "priority_from_header": True},
]


def study(seed: int, **attributes: Any) -> Dataset:
    return make_dx(seed=seed, rows=512, columns=420, PatientAge="005Y", **attributes)


def priorities(ledger: Ledger, uid: str) -> dict[str, set[int]]:
    """The priorities of all jobs of a study, by kind."""
    with ledger.reading() as tx:
        jobs = tx.jobs.of_study(uid)
    return {kind: {job.priority for job in jobs if job.kind == kind} for kind in {job.kind for job in jobs}}


def in_order(ledger: Ledger, *columns: sa.Column[Any], join: sa.FromClause) -> list[str]:
    """The studies, by when the first of their rows has that moment."""
    moment = sa.func.min(columns[1])
    asked = sa.select(columns[0], moment).select_from(join).group_by(columns[0]).order_by(moment)
    with ledger.reading() as tx:
        return [str(row[0]) for row in tx.connection.execute(asked)]


def test_a_stat_study_overtakes_a_backlog_and_what_is_low_comes_last(tmp_path: Path) -> None:
    low = study(1, StationName="SCREEN-1", RequestedProcedurePriority="STAT")
    routine = [study(seed, RequestedProcedurePriority="ROUTINE") for seed in range(2, 2 + BACKLOG)]
    stat = study(40, RequestedProcedurePriority="STAT")
    one_each = {"images": 1, "studies": 1, "deliveries": 1}
    with (
        running_storescp(tmp_path / "archive", "ARCHIVE") as archive,
        running_node(tmp_path / "node", {"pacs": ("ARCHIVE", archive.port)}, routes=ROUTES, workers=one_each) as node,
    ):
        node.stop()
        backlog_of(node, [low, *routine, stat])
        node.only = ()
        node.start()
        ledger = node.ledger()
        delivered = partial(in_order, ledger, t.report.c.study_instance_uid, t.delivery.c.sent_at, join=DELIVERIES)
        until(lambda: None not in sent_at(ledger) and len(delivered()) == BACKLOG + 2, "all delivered")
        judged = in_order(ledger, t.instance.c.study_instance_uid, t.instance.c.finished_at, join=t.instance)
        reported = in_order(ledger, t.report.c.study_instance_uid, t.report.c.built_at, join=t.report)
        first, last = str(stat.StudyInstanceUID), str(low.StudyInstanceUID)
        assert judged[0] == reported[0] == delivered()[0] == first
        assert judged[-1] == last
        assert judged[1:-1] == [str(one.StudyInstanceUID) for one in routine], "the backlog itself keeps its order"
        for uid, rank in ((first, STAT), (str(routine[0].StudyInstanceUID), ROUTINE), (last, LOW)):
            assert priorities(ledger, uid) == {kind: {rank} for kind in ("image", "study", "delivery")}
        ledger.engine.dispose()
        assert "route chest, model pneumonia@" in explained(node, first) and "priority stat" in explained(node, first)
        assert replayed(node) == {"images": BACKLOG + 2, "changed": 0}


DELIVERIES = t.delivery.join(t.result, t.result.c.sop_instance_uid == t.delivery.c.result_uid).join(t.report)


def sent_at(ledger: Ledger) -> list[object]:
    with ledger.reading() as tx:
        return [row.sent_at for row in tx.connection.execute(sa.select(t.delivery.c.sent_at))] or [None]


def backlog_of(node: RunningNode, images: list[Dataset]) -> None:
    """Have them received while nobody works on them."""
    node.only = ("receiver",)
    node.start()
    assert store(node.port, images) == [0x0000] * len(images)
    node.stop()


def hilum(node: RunningNode, *words: str) -> str:
    command = [sys.executable, "-m", "scp_node.cli", *words, "--config", str(node.config)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def explained(node: RunningNode, uid: str) -> str:
    return hilum(node, "explain", uid)


def replayed(node: RunningNode) -> dict[str, int]:
    told = json.loads(hilum(node, "rules", "test", "--json"))
    return {"images": told["images"], "changed": len(told["changed_studies"])}
