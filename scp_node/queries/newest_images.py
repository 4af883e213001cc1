"""The images that came last and are still in the spool: what a changed route is tried on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.settings import Settings

LIMIT_MAX = 200


@dataclass(frozen=True)
class SpooledImage:
    """A received image. `source`: the remote AE that sent it, by its name at that time."""

    sop_instance_uid: str
    study_instance_uid: str
    source: str
    calling_ae_title: str
    spool_name: str

    def source_in(self, settings: Settings) -> str | None:
        """The remote AE that it would come from under other settings, None where it would be turned away."""
        senders = {name: ae for name, ae in settings.remote_aes.items() if ae.may_send}
        if self.source in senders and senders[self.source].ae_title == self.calling_ae_title:
            return self.source
        return next((name for name, ae in senders.items() if ae.ae_title == self.calling_ae_title), None)


def newest_images(tx: Transaction, since: datetime) -> tuple[SpooledImage, ...]:
    """At most LIMIT_MAX images of the studies that came last, the newest study first."""
    studies = (
        sa.select(t.study.c.study_instance_uid, t.study.c.first_received_at)
        .where(t.HAS_IMAGES, t.study.c.first_received_at >= since)
        .order_by(t.study.c.first_received_at.desc())
        .limit(LIMIT_MAX)
        .subquery("newest")
    )
    names = ("sop_instance_uid", "study_instance_uid", "source", "calling_ae_title", "spool_name")
    images = (
        sa.select(*(t.instance.c[name] for name in names))
        .join(studies, studies.c.study_instance_uid == t.instance.c.study_instance_uid)
        .where(t.instance.c.removed_at.is_(None))
        .order_by(studies.c.first_received_at.desc(), t.instance.c.received_at)
        .limit(LIMIT_MAX)
    )
    return tuple(SpooledImage(**row._mapping) for row in tx.connection.execute(images))
