"""How the node is now: what came and what became of it, how long that took, what waits, who answers, what is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import sqlalchemy as sa

from scp_node.checks.remote_ae import RemoteAECall
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.monitoring.hosts import HostRole, hosts_of
from scp_node.queries.alarms import Alarm, alarms_of
from scp_node.queries.latency import Latency, latency
from scp_node.queries.milestones import MILESTONES
from scp_node.queries.queues import COUNTED_MAX, QueueLine, queue_lines
from scp_node.queries.remote_aes import RemoteSign, remote_signs
from scp_node.queries.role_signs import NodeSigns, RoleSign
from scp_node.queries.systems import SystemSign, system_signs
from scp_node.queries.tally import EventTally
from scp_node.settings import Settings

DAYS, HOURS = 7, 24
FAR_DAYS = 3650


@dataclass(frozen=True)
class CountLine:
    """How often one thing happened since midnight, and in seven days, today included."""

    name: str
    today: int
    week: int


@dataclass(frozen=True)
class ServedRoute:
    """A route, the model that it asks for, and what a worker has loaded for it; empty while none has."""

    route: str
    wanted: str
    label: str = ""
    provider: str = ""


@dataclass(frozen=True)
class Disk:
    """None: not known yet. `full_in_days` is infinite where as much goes as comes."""

    free_bytes: float | None
    size_bytes: float | None
    full_in_days: float | None

    @property
    def is_far(self) -> bool:
        """More days than a rate of today tells anything about."""
        return self.full_in_days is not None and self.full_in_days > FAR_DAYS

    @property
    def is_never_full(self) -> bool:
        return self.full_in_days is not None and math.isinf(self.full_in_days)


@dataclass(frozen=True)
class CertificateSign:
    """A certificate that this node shows, or that a remote AE showed at the last call."""

    whose: str
    expires: datetime


@dataclass(frozen=True)
class Now:
    """`is_whole`: all seven days are counted; else those numbers grow in the next seconds. `received_by_hour`: of the
    last day, the present hour last. `dead`: what is given up and was not retried, COUNTED_MAX at most."""

    at: datetime
    alarms: tuple[Alarm, ...]
    counts: tuple[CountLine, ...]
    is_whole: bool
    received_by_hour: tuple[int, ...]
    latency: Latency
    queues: tuple[QueueLine, ...]
    dead: int
    remotes: tuple[RemoteSign, ...]
    systems: tuple[SystemSign, ...]
    roles: tuple[RoleSign, ...]
    routes: tuple[ServedRoute, ...]
    disk: Disk
    certificates: tuple[CertificateSign, ...]
    hosts: tuple[HostRole, ...]


def now_of(
    tx: Transaction,
    settings: Settings,
    tally: EventTally,
    signs: NodeSigns,
    database: Sequence[str],
    calls: Mapping[str, RemoteAECall],
    at: datetime,
) -> Now:
    """Nothing here looks at all studies. `database` says why the database cannot be used, and is empty when it can."""
    today, week = local_midnight(at, 0), local_midnight(at, DAYS - 1)
    queues = queue_lines(tx)
    remotes = remote_signs(tx, settings, queues, calls, at)
    systems = system_signs(tx, settings, queues, calls, at)
    dead, hosts = _dead(tx, today, week), hosts_of(tx, settings)
    return Now(
        at=at,
        alarms=alarms_of(settings, signs, database, (*remotes, *systems), queues, dead.all, at, hosts),
        counts=(*_counts(tally, today, week), CountLine("dead", dead.today, dead.week)),
        is_whole=tally.is_whole,
        received_by_hour=tally.by_hour("received", HOURS, at),
        latency=latency(tx, week),
        queues=queues,
        dead=dead.all,
        remotes=remotes,
        systems=systems,
        roles=signs.roles,
        routes=_routes(settings, signs),
        disk=Disk(signs.free_bytes, signs.disk_bytes, signs.full_in_days),
        certificates=_certificates(signs, calls, at),
        hosts=hosts,
    )


def local_midnight(moment: datetime, days_before: int) -> datetime:
    """The start of the day of `moment` in the zone of this machine, or of a day before."""
    day = moment.astimezone().date() - timedelta(days=days_before)
    return datetime.combine(day, time.min).astimezone()


def _counts(tally: EventTally, today: datetime, week: datetime) -> tuple[CountLine, ...]:
    of_today, of_week = tally.since(today), tally.since(week)
    return tuple(CountLine(name, of_today.get(name, 0), of_week.get(name, 0)) for name in MILESTONES)


@dataclass(frozen=True)
class _Dead:
    all: int
    today: int
    week: int


def _dead(tx: Transaction, today: datetime, week: datetime) -> _Dead:
    """Jobs that are given up, and of these how many since then; of more than COUNTED_MAX some."""
    some = sa.select(t.job.c.changed_at).where(t.UNFINISHED, t.job.c.state == "dead").limit(COUNTED_MAX).subquery()

    def since(moment: datetime) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((some.c.changed_at >= moment, 1), else_=0)), 0)

    row = tx.connection.execute(sa.select(sa.func.count(), since(today), since(week)).select_from(some)).one()
    return _Dead(*row)


def _routes(settings: Settings, signs: NodeSigns) -> tuple[ServedRoute, ...]:
    found = []
    for route in settings.routes:
        name, _, version = route.model.partition("#")[0].partition("@")
        labels = ((one, *one.label.partition("@")[::2]) for one in signs.models)
        loaded = [one for one, its_name, its_version in labels if its_name == name and version in ("", its_version)]
        served = (loaded[0].label, loaded[0].provider) if loaded else ("", "")
        found.append(ServedRoute(route.name, route.model, *served))
    return tuple(found)


def _certificates(signs: NodeSigns, calls: Mapping[str, RemoteAECall], at: datetime) -> tuple[CertificateSign, ...]:
    left_s = signs.certificate_expires_in_s
    own = () if left_s is None else (CertificateSign("", at + timedelta(seconds=left_s)),)
    shown = {name: call.report.found.certificate for name, call in calls.items()}
    return (*own, *(CertificateSign(name, one.expires) for name, one in shown.items() if one is not None))
