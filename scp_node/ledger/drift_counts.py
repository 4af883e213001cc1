"""How the images of each sender are spread, counted by day: a row a model, AE title, station and day, and no image.

Senders beyond STATIONS_MAX of a model are counted together, and days are forgotten after KEPT_DAYS, so that nothing a
sender writes into its headers makes the table, or the metrics that come of it, grow.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta

import sqlalchemy as sa

from scp_node.ledger import watch_tables as w
from scp_node.ledger.insert_once import insert_once
from scp_node.ledger.records import now_utc
from scp_node.ledger.repository import Repository
from scp_node.ledger.watch_records import DriftRow

STATIONS_MAX = 64
KEPT_DAYS = 92
UNNAMED, OTHERS = "-", "(others)"


def station_name(text: str) -> str:
    """A Station Name (0008,1010) as a key and a label: at most 16 characters of those that names are made of."""
    return re.sub(r"[^A-Za-z0-9._ -]", "_", text.strip())[:16].strip() or UNNAMED


class DriftCounts(Repository):
    """Statements on the counts."""

    def add_image(
        self,
        model: str,
        ae_title: str,
        station: str,
        *,
        bins: Mapping[str, int],
        sizes: Mapping[str, int],
        declined: str | None = None,
        refused: bool = False,
    ) -> None:
        """Add one image of today. bins: by compared number, the bin it fell into; sizes: how many bins each has.

        declined: the code, where its pixels or the gate were the reason. refused: by its header.
        """
        key = self._key_today(model, ae_title, station_name(station))
        mine = sa.and_(*(w.drift.c[name] == value for name, value in key.items()))
        row = self._connection.execute(sa.select(w.drift).where(mine).with_for_update()).one()
        declines = Counter(row.declines)
        if declined is not None:
            declines[declined] += 1
        counts = {name: list(found) for name, found in row.counts.items() if len(found) == sizes.get(name)}
        for name, place in bins.items():
            counts.setdefault(name, [0] * sizes[name])[place] += 1
        values = {"images": row.images + 1, "refused": row.refused + refused, "declines": declines, "counts": counts}
        self._connection.execute(sa.update(w.drift).where(mine).values(**values))

    def _key_today(self, model: str, ae_title: str, station: str) -> dict[str, str | date]:
        """The key of the row to count in, which is there afterwards."""
        today = now_utc().date()
        key: dict[str, str | date] = {"model": model, "ae_title": ae_title, "station": station, "day": today}
        if self._has(key):
            return key
        others: dict[str, str | date] = key | {"ae_title": OTHERS, "station": OTHERS}
        del key["day"]
        known = self._has(key)
        key["day"] = today
        if not known and self._count_stations(model) >= STATIONS_MAX:
            key = others
        empty = {"images": 0, "refused": 0, "declines": {}, "counts": {}}
        self._connection.execute(insert_once(self._connection, w.drift), key | empty)
        return key

    def _has(self, key: Mapping[str, str | date]) -> bool:
        where = (w.drift.c[name] == value for name, value in key.items())
        return self._connection.execute(sa.select(w.drift.c.model).where(*where).limit(1)).first() is not None

    def _count_stations(self, model: str) -> int:
        senders = sa.select(w.drift.c.ae_title, w.drift.c.station).where(w.drift.c.model == model).distinct()
        return self._connection.execute(sa.select(sa.func.count()).select_from(senders.subquery())).scalar_one()

    def of_days(self, days: int) -> list[DriftRow]:
        """The rows of the last `days` days, today included: at most days x (STATIONS_MAX + 1) a model."""
        first = now_utc().date() - timedelta(days=days - 1)
        keys = (w.drift.c.model, w.drift.c.ae_title, w.drift.c.station, w.drift.c.day)
        rows = self._connection.execute(sa.select(w.drift).where(w.drift.c.day >= first).order_by(*keys))
        return [DriftRow(**row._mapping) for row in rows]

    def forget(self) -> int:
        """Remove what is older than KEPT_DAYS; returns how many rows that were."""
        before = now_utc().date() - timedelta(days=KEPT_DAYS)
        return self._connection.execute(sa.delete(w.drift).where(w.drift.c.day < before)).rowcount
