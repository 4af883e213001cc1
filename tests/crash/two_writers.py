"""Two workers, three starts, one database: what each test does a few times, done until chance would have shown it.

    python -m tests.crash.two_writers --studies 60 --starts 20

Each study is reported by two jobs at once, on SQLite and on PostgreSQL; then three nodes bring a new schema up to date
at once. Exit 0 only with no study reported twice or not at all, no error, and every start a success.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.support.ledger.databases import Schemas, ledgers_in
from tests.support.ledger.report_race import RaceOutcome, race
from tests.support.ledger.starts import start_at_once
from tests.support.ledger.studies import worker_services
from tests.support.peers.postgresql import start_postgresql


def race_in(folder: Path, studies: int, name: str) -> bool:
    with worker_services(folder) as services:
        found = race(services, studies)
    counted = f"{len(found.doubled)} doubled, {len(found.unreported)} without a report, {len(found.errors)} errors"
    print(f"{name}: {studies} studies reported by two jobs at once: {counted}", *found.errors[:3], sep="\n", flush=True)
    return found == RaceOutcome([], [], [])


def starts_in(schemas: Schemas, rounds: int) -> bool:
    ended = [one for _ in range(rounds) for one in start_at_once(schemas.empty_schema())]
    print(f"postgresql: {ended.count((0, ''))} of {len(ended)} starts, three at once", flush=True)
    return ended.count((0, "")) == len(ended)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=60)
    parser.add_argument("--starts", type=int, default=20)
    asked = parser.parse_args()
    server = start_postgresql()
    try:
        with tempfile.TemporaryDirectory(prefix="hilum-writers-") as name:
            folder = Path(name)
            passed = [race_in(folder / "sqlite", asked.studies, "sqlite")]
            with ledgers_in(server) as schemas:
                passed.append(race_in(folder / "postgresql", asked.studies, "postgresql"))
                passed.append(starts_in(schemas, asked.starts))
    finally:
        server.stop()
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
