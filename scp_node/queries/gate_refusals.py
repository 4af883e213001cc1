"""What the input gate of a model took for no image of its kind, or had no whole lungs, among the studies that came
last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from converter.declined import DECLINE_REASONS
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t

STUDIES_MAX, SHOWN_MAX = 2000, 24
GATE_CODES = tuple(reason.code for reason in DECLINE_REASONS if reason.group in ("gate", "lungs"))


@dataclass(frozen=True)
class GateRefusal:
    """One image. `is_removed`: its file is gone, and there is no picture of it."""

    study_instance_uid: str
    sop_instance_uid: str
    code: str
    reason: str
    received_at: datetime
    is_removed: bool


@dataclass(frozen=True)
class GateRefusals:
    """The newest SHOWN_MAX at most. `studies`: how many of the newest were looked through."""

    images: tuple[GateRefusal, ...]
    studies: int


def gate_refusals(tx: Transaction, model: str) -> GateRefusals:
    """Images that the gate of the package `model` ('name@version'), or its outline of the lungs, refused, the newest
    study first."""
    newest = (
        sa.select(t.study.c.study_instance_uid, t.study.c.first_received_at)
        .order_by(t.study.c.first_received_at.desc())
        .limit(STUDIES_MAX)
        .subquery("newest")
    )
    refused = (
        sa.select(
            t.instance.c.study_instance_uid,
            t.instance.c.sop_instance_uid,
            t.instance.c.decline_code.label("code"),
            t.instance.c.detail.label("reason"),
            t.instance.c.received_at,
            t.instance.c.removed_at.is_not(None).label("is_removed"),
        )
        .join(newest, newest.c.study_instance_uid == t.instance.c.study_instance_uid)
        .where(t.instance.c.decline_code.in_(GATE_CODES), t.instance.c.model == model)
        .order_by(newest.c.first_received_at.desc(), t.instance.c.received_at.desc())
        .limit(SHOWN_MAX)
    )
    images = tuple(GateRefusal(**row._mapping) for row in tx.connection.execute(refused))
    return GateRefusals(images, tx.connection.execute(sa.select(sa.func.count()).select_from(newest)).scalar_one())
