"""What a person should look at now, the worst first, each with what to do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from converter.page.counted import counted
from scp_node.checks.disk_forecast import ROOM_REMEDY, SOON_DAYS
from scp_node.checks.tls_files import RENEW
from scp_node.monitoring.hosts import HostRole, faults_of
from scp_node.queries.queues import COUNTED_MAX, QueueLine
from scp_node.queries.remote_aes import RemoteSign
from scp_node.queries.role_signs import NodeSigns
from scp_node.queries.systems import SystemSign
from scp_node.settings import Settings
from scp_node.settings.cautions import cautions, delivery_cautions

AlarmLevel = Literal["bad", "warn"]
STUCK_AFTER = timedelta(minutes=15)
DAY_S = 86_400.0
# Words of an obstacle (scp_node.node) and what helps.
_OBSTACLES = {
    "takes no images": ROOM_REMEDY,
    "cannot store results": "Look at the disk of the data folder and at the log: an fsync has failed.",
    "sign of life": "It is started again by itself; when it does not come back, look at the log of the node.",
    "is starting": "Wait a moment: models are loaded and their reference images judged.",
    "has ended": "It is started again by itself; when it does not come back, look at the log of the node.",
    "is stopping": "The node is being stopped.",
    "cannot be read": "Look at the disk, or at the database server; 'hilum doctor' says what is wrong.",
    "no answer": "Look at the disk, or at the database server; 'hilum doctor' says what is wrong.",
}
# How it is found out whether a destination is back.
CALLED = {
    RemoteSign: "Call it with C-ECHO to see whether it is.",
    SystemSign: "Call it on its page to see whether it is.",
}
OTHERWISE = "See the log of the node; 'hilum doctor' goes through everything."


@dataclass(frozen=True)
class Alarm:
    """A fact, and what to do. `place`: the page on which one can look or act; empty where there is none."""

    level: AlarmLevel
    fact: str
    remedy: str
    place: str = ""


def alarms_of(
    settings: Settings,
    signs: NodeSigns,
    database: Sequence[str],
    destinations: Iterable[RemoteSign | SystemSign],
    queues: Iterable[QueueLine],
    dead: int,
    now: datetime,
    hosts: Sequence[HostRole] = (),
) -> tuple[Alarm, ...]:
    """All there are; `database` says why it cannot be used, `dead` how many jobs were given up."""
    found = [
        *_of_roles(signs, database),
        *(Alarm("bad" if one.is_bad else "warn", one.fact, one.remedy) for one in faults_of(hosts)),
        *_of_deliveries(destinations, dead),
        *_of_queues(queues, now),
        *_of_disk(signs),
        *_of_certificates(settings, signs),
        *_of_models(signs),
        *_of_settings(settings),
    ]
    return tuple(sorted(found, key=lambda alarm: alarm.level != "bad"))


def _of_roles(signs: NodeSigns, database: Sequence[str]) -> Iterator[Alarm]:
    for role in signs.roles:
        for obstacle in role.obstacles:
            level: AlarmLevel = "bad" if role.is_needed else "warn"
            yield Alarm(level, f"The {role.role} is not ready: {obstacle}.", _remedy(obstacle))
    for obstacle in database:
        yield Alarm("bad", f"The database: {obstacle}.", _remedy(obstacle))
    if signs.sandbox_lacks:
        lacks = ", ".join(signs.sandbox_lacks)
        yield Alarm("warn", f"Images are decoded without a part of the sandbox: {lacks}.", "See 'hilum doctor'.")


def _remedy(obstacle: str) -> str:
    return next((remedy for words, remedy in _OBSTACLES.items() if words in obstacle), OTHERWISE)


def _of_deliveries(destinations: Iterable[RemoteSign | SystemSign], dead: int) -> Iterator[Alarm]:
    if dead:
        yield Alarm(
            "bad",
            f"{_jobs(dead)} {'was' if dead == 1 else 'were'} given up.",
            "Look at the cause, mend it, and retry all of that cause.",
            "/jobs#dead",
        )
    for one in destinations:
        if one.state == "fails":
            said = one.failure if one.failure.startswith(one.name) else f"{one.name}: {one.failure}"
            waits = f" {_jobs(one.waiting)} {'waits' if one.waiting == 1 else 'wait'} for it." if one.waiting else ""
            yield Alarm(
                "bad",
                f"{said}{'' if said.endswith(('.', '?')) else '.'}{waits}",
                f"What waits is sent by itself when it is back. {CALLED[type(one)]}",
                one.page,
            )


def _jobs(number: int) -> str:
    """More than COUNTED_MAX are not counted."""
    return counted(number, "job", more="+" if number >= COUNTED_MAX else "")


def _of_queues(queues: Iterable[QueueLine], now: datetime) -> Iterator[Alarm]:
    for line in queues:
        if line.destination is None and line.next_at is not None and now - line.next_at > STUCK_AFTER:
            minutes = int((now - line.next_at).total_seconds() // 60)
            yield Alarm(
                "warn",
                f"The first job in the queue {line.queue} has been due for {minutes} min.",
                "More comes in than this machine works off, or its worker does not run.",
                "/jobs",
            )


def _of_disk(signs: NodeSigns) -> Iterator[Alarm]:
    days = signs.full_in_days
    if days is not None and not math.isinf(days) and days < SOON_DAYS:
        yield Alarm("warn", f"The disk is full in {counted(round(max(0, days)), 'day')} at this rate.", ROOM_REMEDY)


def _of_certificates(settings: Settings, signs: NodeSigns) -> Iterator[Alarm]:
    left_s = signs.certificate_expires_in_s
    if left_s is None:
        return
    days, tls = math.floor(left_s / DAY_S), settings.tls
    if left_s <= 0:
        yield Alarm("bad", "The certificate of this node has expired: peers refuse it.", RENEW)
    elif days < tls.warn_before_days:
        level: AlarmLevel = "bad" if days < tls.alarm_before_days else "warn"
        yield Alarm(level, f"The certificate of this node expires in {counted(days, 'day')}.", RENEW)


def _of_models(signs: NodeSigns) -> Iterator[Alarm]:
    for label, ae_title in signs.drifting:
        yield Alarm(
            "warn",
            f"Images of {ae_title} are others than those that {label} was validated with.",
            "Look at the distribution on the page Models; ask who looks after the model before results are relied on.",
            "/models",
        )


def _of_settings(settings: Settings) -> Iterator[Alarm]:
    for text in (*cautions(settings), *delivery_cautions(settings)):
        fact, _, remedy = text.partition(". ")
        yield Alarm("warn", f"{fact[0].upper()}{fact[1:].rstrip('.')}.", remedy)
