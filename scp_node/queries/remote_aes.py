"""The other DICOM applications: which are configured, when each was last heard of, and what it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from scp_node.checks.remote_ae import RemoteAECall
from scp_node.deliver.capabilities import PROBED_CLASSES
from scp_node.deliver.outcomes import FAULTS, REFUSED_IN_NEGOTIATION
from scp_node.deliver.result_objects import RESULT_CLASSES, RESULT_SYNTAXES
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.ledger import watch_tables as w
from scp_node.ledger.callers import CallerRecord
from scp_node.ledger.unreached import Unreachable
from scp_node.queries.queues import QueueLine
from scp_node.queries.reach import ReachState, reach_of
from scp_node.settings import RemoteAE, Settings
from scp_node.workflow.job_kinds import delivery_job_id

LOOKED_AT_MAX = 2_000


@dataclass(frozen=True)
class RemoteSign:
    """One remote AE of the configuration. `routes`: those whose results it gets. `stored_at`: when its last image came.
    `sent_at`: when one of the newest LOOKED_AT_MAX deliveries was last taken there. `last_sign_at`, `failure`: as Reach
    has them."""

    name: str
    remote: RemoteAE
    routes: tuple[str, ...]
    is_over_tls: bool
    state: ReachState
    last_sign_at: datetime | None = None
    called_at: datetime | None = None
    stored_at: datetime | None = None
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""
    waiting: int = 0
    call: RemoteAECall | None = None

    @property
    def page(self) -> str:
        """Where it is looked at and called."""
        return f"/remote-aes/{self.name}"


@dataclass(frozen=True)
class Capability:
    """What is known of one class at one remote AE. `taken`, `refused`: how many of the newest deliveries ended so;
    `unasked`: how many were given up because it could not be asked, or was not. `refusal`, `obstacle`: why.
    `accepted`, `seen_at`: what the last association showed, as the ledger remembers it; None where it was never asked.
    `syntaxes`: in which it would be taken by the last call of this page; None where there was none."""

    class_name: str
    taken: int = 0
    refused: int = 0
    last_taken_at: datetime | None = None
    refusal: str = ""
    unasked: int = 0
    obstacle: str = ""
    accepted: bool | None = None
    seen_at: datetime | None = None
    syntaxes: tuple[str, ...] | None = None

    @property
    def is_known(self) -> bool:
        return bool(
            self.taken or self.refused or self.unasked or self.accepted is not None or self.syntaxes is not None
        )


def remote_signs(
    tx: Transaction,
    settings: Settings,
    queues: Iterable[QueueLine],
    calls: Mapping[str, RemoteAECall],
    now: datetime,
) -> tuple[RemoteSign, ...]:
    """All of the configuration, in its order."""
    gets = {name for route in settings.routes for name in route.to}
    callers, sent, unreached = _callers(tx), _sent(tx, gets), tx.unreached.all()
    waiting: dict[str, list[QueueLine]] = {}
    for line in queues:
        if line.destination is not None:
            waiting.setdefault(line.destination, []).append(line)
    return tuple(
        _sign(settings, name, callers, sent.get(name), unreached.get(name), waiting.get(name, []), calls.get(name), now)
        for name in settings.remote_aes
    )


def _sign(
    settings: Settings,
    name: str,
    callers: Mapping[str, tuple[datetime, datetime | None]],
    sent_at: datetime | None,
    unreached: Unreachable | None,
    queues: Sequence[QueueLine],
    call: RemoteAECall | None,
    now: datetime,
) -> RemoteSign:
    remote = settings.remote_aes[name]
    called_at, stored_at = callers.get(remote.ae_title, (None, None))
    reach = reach_of(unreached, call, sent_at, called_at, now)
    return RemoteSign(
        name=name,
        remote=remote,
        routes=tuple(route.name for route in settings.routes if name in route.to),
        is_over_tls=settings.is_reached_by_tls(remote),
        state=reach.state,
        last_sign_at=reach.last_sign_at,
        called_at=called_at,
        stored_at=stored_at,
        sent_at=sent_at,
        failed_at=reach.failed_at,
        failure=reach.failure,
        waiting=sum(line.waiting for line in queues),
        call=call,
    )


def _callers(tx: Transaction) -> dict[str, tuple[datetime, datetime | None]]:
    """By calling AE title, when it was last let in, and when its last image came."""
    columns = (w.caller.c.calling_ae_title, sa.func.max(w.caller.c.last_seen_at).label("called_at"))
    rows = tx.connection.execute(
        sa.select(*columns, sa.func.max(w.caller.c.last_stored_at).label("stored_at"))
        .where(w.caller.c.associations > 0)
        .group_by(w.caller.c.calling_ae_title)
    )
    return {row.calling_ae_title: (row.called_at, row.stored_at) for row in rows}


def _newest(tx: Transaction) -> sa.ColumnElement[bool]:
    last_id = tx.connection.execute(sa.select(sa.func.max(t.delivery.c.id))).scalar_one() or 0
    return t.delivery.c.id > last_id - LOOKED_AT_MAX


def _sent(tx: Transaction, names: Iterable[str]) -> dict[str, datetime]:
    """By destination, when it last took a result, of the newest deliveries: looked for from the newest one back."""
    newest = (_newest(tx), t.delivery.c.sent_at.is_not(None))
    last = sa.select(t.delivery.c.sent_at).order_by(t.delivery.c.id.desc()).limit(1)
    found = {
        name: tx.connection.execute(last.where(*newest, t.delivery.c.destination == name)).scalar_one_or_none()
        for name in names
    }
    return {name: sent_at for name, sent_at in found.items() if sent_at is not None}


def capabilities(
    tx: Transaction, settings: Settings, calls: Mapping[str, RemoteAECall]
) -> Mapping[str, tuple[Capability, ...]]:
    """By remote AE that gets results, what is known of each class in which results come, and of Storage Commitment."""
    delivered, remembered = _delivered(tx), _remembered(tx)
    names = [name for name in settings.remote_aes if any(name in route.to for route in settings.routes)]
    return {
        name: tuple(
            _capability(uid, delivered.get((name, uid), []), remembered.get((name, uid)), calls.get(name))
            for uid in PROBED_CLASSES
        )
        for name in names
    }


def _capability(
    uid: str,
    delivered: Sequence[_EndedDelivery],
    remembered: tuple[bool, datetime] | None,
    call: RemoteAECall | None,
) -> Capability:
    taken = [one for one in delivered if one.state in ("sent", "committed")]
    refused = [one for one in delivered if one.state == "dead" and one.is_refusal]
    unasked = [one for one in delivered if one.state == "dead" and not one.is_refusal]
    accepted = call.report.found.accepted if call is not None else {}
    return Capability(
        class_name=PROBED_CLASSES[uid],
        taken=sum(one.results for one in taken),
        refused=sum(one.results for one in refused),
        last_taken_at=max((one.sent_at for one in taken if one.sent_at is not None), default=None),
        refusal=refused[-1].error if refused else "",
        unasked=sum(one.results for one in unasked),
        obstacle=unasked[-1].error if unasked else "",
        accepted=None if remembered is None else remembered[0],
        seen_at=None if remembered is None else remembered[1],
        syntaxes=tuple(RESULT_SYNTAXES[syntax] for syntax in accepted[uid]) if uid in accepted else None,
    )


class _EndedDelivery(NamedTuple):
    """How many of the newest deliveries ended alike, when the last was taken, and what was said of the last."""

    state: str
    is_refusal: bool
    results: int
    sent_at: datetime | None
    error: str


# The destination itself refused the object: by a status, or its class or syntax in the negotiation.
_IS_REFUSAL = sa.or_(
    t.delivery.c.status.is_not(None),
    *(t.delivery.c.detail.contains(FAULTS[code].meaning, autoescape=True) for code in REFUSED_IN_NEGOTIATION),
)


def _delivered(tx: Transaction) -> dict[tuple[str, str], list[_EndedDelivery]]:
    """By destination and SOP class."""
    refusal = sa.case((_IS_REFUSAL, 1), else_=0).label("refusal")
    alike = (t.delivery.c.destination, t.result.c.sop_class_uid, t.delivery.c.state, refusal)
    rows = tx.connection.execute(
        sa.select(
            *alike,
            sa.func.count().label("results"),
            sa.func.max(t.delivery.c.sent_at).label("sent_at"),
            sa.func.max(t.delivery.c.id).label("last_id"),
        )
        .join(t.result, t.result.c.sop_instance_uid == t.delivery.c.result_uid)
        .where(_newest(tx), t.result.c.sop_class_uid.in_(RESULT_CLASSES))
        .group_by(*alike)
    ).all()
    # what its job died of, because the detail of a delivery holds the archive's own words, which may name the patient
    said = sa.select(t.job.c.job_id, t.job.c.error).where(
        t.job.c.job_id.in_([delivery_job_id(row.last_id) for row in rows if row.state == "dead"])
    )
    errors = {row.job_id: row.error for row in tx.connection.execute(said)}
    found: dict[tuple[str, str], list[_EndedDelivery]] = {}
    for row in rows:
        error = errors.get(delivery_job_id(row.last_id), "")
        ended = _EndedDelivery(row.state, bool(row.refusal), row.results, row.sent_at, error)
        found.setdefault((row.destination, row.sop_class_uid), []).append(ended)
    return found


def _remembered(tx: Transaction) -> dict[tuple[str, str], tuple[bool, datetime]]:
    rows = tx.connection.execute(sa.select(t.capability))
    return {(row.remote_ae, row.sop_class_uid): (row.accepted, row.seen_at) for row in rows}


@dataclass(frozen=True)
class CallingTitle:
    """One AE title that called: how often it was let in, turned away and had contexts refused, and whether it is one of
    the configuration. `last_stored_at`: when its last image came. `rejection`: why it was turned away the last time."""

    ae_title: str
    addresses: tuple[str, ...]
    called: tuple[str, ...]
    last_seen_at: datetime
    last_stored_at: datetime | None
    associations: int
    stored: int
    refused: int
    rejections: int
    contexts: int
    rejection: str
    is_configured: bool


def callers_of(tx: Transaction, settings: Settings, limit: int) -> tuple[CallingTitle, ...]:
    """Who called, the last first: those that are configured, and those that are not."""
    by_title: dict[str, list[CallerRecord]] = {}
    for record in tx.callers.all():
        by_title.setdefault(record.calling_ae_title, []).append(record)
    configured = {remote.ae_title for remote in settings.remote_aes.values()}
    return tuple(_caller(title, records, title in configured) for title, records in list(by_title.items())[:limit])


def _caller(title: str, records: Sequence[CallerRecord], is_configured: bool) -> CallingTitle:
    reasons = [(tally.last_at, reason) for one in records for reason, tally in one.rejections.items()]
    return CallingTitle(
        ae_title=title,
        addresses=tuple(dict.fromkeys(one.address for one in records)),
        called=tuple(dict.fromkeys(one.called_ae_title for one in records)),
        last_seen_at=max(one.last_seen_at for one in records),
        last_stored_at=max((one.last_stored_at for one in records if one.last_stored_at), default=None),
        associations=sum(one.associations for one in records),
        stored=sum(one.stored for one in records),
        refused=sum(one.refused for one in records),
        rejections=sum(tally.times for one in records for tally in one.rejections.values()),
        contexts=sum(tally.times for one in records for tally in one.contexts.values()),
        rejection=max(reasons, default=(None, ""))[1],
        is_configured=is_configured,
    )
