"""Which shape the tables of a ledger have: each release knows its own and the older ones, and refuses a newer one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

VERSION_TABLE = "hilum_alembic_version"


@dataclass(frozen=True)
class LedgerShape:
    """`found`: the revision of the tables, None where there are none yet; `newest`: the one of this release. `fault` is
    why this release cannot work with them, empty where it can, and `remedy` what to do about it."""

    found: str | None
    newest: str
    fault: str = ""
    remedy: str = ""

    @property
    def is_older(self) -> bool:
        """The next start of the node brings the tables up to date."""
        return not self.fault and self.found != self.newest


def migrations() -> Config:
    """Where the steps from one shape to the next stand."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def known_revisions() -> tuple[str, ...]:
    """Every shape that this release can open, the newest first."""
    return tuple(one.revision for one in ScriptDirectory.from_config(migrations()).walk_revisions())


def revision_of(connection: sa.Connection) -> str | None:
    """Reads one row. Raises SQLAlchemyError where there is no database to read."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()
    return found


def shape_of(engine: sa.Engine) -> LedgerShape:
    """The shape of a ledger, which stays as it is. Raises SQLAlchemyError like `revision_of`."""
    with engine.connect() as connection:
        return shape_called(revision_of(connection), f"the ledger {engine.url.database}")


def shape_called(found: str | None, ledger: str) -> LedgerShape:
    """What this release knows of a shape; `ledger`: what has it, in words."""
    known = known_revisions()
    if found is None or found in known:
        return LedgerShape(found, known[0])
    return LedgerShape(
        found,
        known[0],
        f"{ledger} is of a newer release of Hilum (its tables have shape {found}, this release knows {known[0]})",
        "Run the release that was here before, or restore the backup that was made before the upgrade.",
    )
