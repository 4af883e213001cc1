"""Which roles of which hosts work on this ledger: a row each, signed again now and then while its process lives."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from scp_node.ledger import watch_tables as w
from scp_node.ledger.jobs import Jobs
from scp_node.ledger.repository import Repository
from scp_node.ledger.watch_records import HostSign

# A host that was silent for so long is not one of these any more.
FORGOTTEN_AFTER = timedelta(days=7)


class Hosts(Repository):
    """Statements on hosts."""

    def moment(self) -> datetime:
        """By which clock all hosts sign."""
        return Jobs(self._connection).moment()

    def enter(self, name: str, role: str, host_id: str, version: str) -> None:
        """A process of this role begins, in place of its last one."""
        moment = self.moment()
        self.leave(name, role)
        sign = HostSign(name, role, host_id, version, moment, moment)
        self._connection.execute(sa.insert(w.host).values(**vars(sign)))

    def sign(self, name: str, role: str) -> bool:
        """It lives. False: its row is gone, and has to be entered again."""
        changed = sa.update(w.host).where(_is(name, role)).values(signed_at=self.moment())
        return self._connection.execute(changed).rowcount > 0

    def leave(self, name: str, role: str) -> None:
        """It has ended, and nobody has to look for it."""
        self._connection.execute(sa.delete(w.host).where(_is(name, role)))

    def forget(self, host_id: str, role: str, name: str, silent_s: float) -> None:
        """Silent rows in whose place this one has come, after a restart of its machine for one, and any row that was
        silent for FORGOTTEN_AFTER."""
        moment, host = self.moment(), w.host.c
        replaced = sa.and_(host.host_id == host_id, host.role == role, host.name != name)
        is_silent = host.signed_at < moment - timedelta(seconds=silent_s)
        gone = sa.or_(sa.and_(replaced, is_silent), host.signed_at < moment - FORGOTTEN_AFTER)
        self._connection.execute(sa.delete(w.host).where(gone))

    def alive(self, role: str, silent_s: float) -> int:
        """How many processes of this role have signed within this time."""
        chosen = sa.select(sa.func.count()).where(w.host.c.role == role, w.host.c.signed_at >= self._since(silent_s))
        return self._connection.execute(chosen).scalar_one()

    def alive_hosts(self, silent_s: float) -> list[str]:
        """The ids of the hosts of which a process has signed within this time."""
        chosen = sa.select(w.host.c.host_id).where(w.host.c.signed_at >= self._since(silent_s))
        return sorted(set(self._connection.execute(chosen).scalars()))

    def _since(self, silent_s: float) -> datetime:
        return self.moment() - timedelta(seconds=silent_s)

    def all(self) -> list[HostSign]:
        """By host and role."""
        rows = self._connection.execute(sa.select(w.host).order_by(w.host.c.host_id, w.host.c.role, w.host.c.name))
        return [HostSign(**row._mapping) for row in rows]


def _is(name: str, role: str) -> sa.ColumnElement[bool]:
    return sa.and_(w.host.c.name == name, w.host.c.role == role)
