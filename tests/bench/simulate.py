"""`python -m tests.bench.simulate`: what a deployment carries, from 10,000 to a million images a day, without machines.

Service times are those that were measured of the parts; the parts are servers with queues between them. It tells which
part is busy first and how long things wait there. It does not know the network, the object store, a cache that is full,
or Python's lock, which no bench has shown beyond two cores: a prediction, not a measurement, and printed as such.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.queues import Run, Service, Station, Visit, exponential, fixed, poisson, simulate

HOUR_S, HOURS = 3600.0, 24
VOLUMES = (10_000, 100_000, 300_000, 1_000_000)
# Shares of a day by hour, assumed: a hospital that films in working hours, and a campaign that does all in five hours.
DAYS: dict[str, tuple[float, ...]] = {
    "hospital": (1, 1, 1, 1, 1, 2, 4, 9, 13, 14, 13, 12, 9, 10, 11, 10, 8, 5, 3, 2, 2, 2, 1, 1),
    "campaign": (0,) * 8 + (1,) * 5 + (0,) * 11,
}
RECEIVER, WORKER, DATABASE = range(3)


@dataclass(frozen=True)
class Measured:
    """A service time: milliseconds of one server of a part, and where it was measured."""

    what: str
    part: int
    ms: float
    source: str


BENCH = "tests/bench/RESULTS.md at d5a0329, 2 cores"
LEDGER = "a chain of three jobs on PostgreSQL 15 at 03e4c25, 2 cores"
RECEIVED = Measured("entered by the receiver", DATABASE, 1.1, LEDGER)
REPORTED = Measured("report and heat map made and sent", WORKER, 64.0, f"{BENCH}: CPU a study, by its steps")
# The way of one image, in its order; a study is one image, which is the dearest case.
LOADS: dict[str, tuple[Measured, ...]] = {
    "dx": (
        Measured("received", RECEIVER, 14.1, f"{BENCH}: DX, 8 associations, 70.8 stores/s"),
        RECEIVED,
        Measured("analysed", WORKER, 41.0, f"{BENCH}: CPU a study of dx, 120 ms, without receiver and report"),
        Measured("judged in the ledger", DATABASE, 1.1, LEDGER),
        REPORTED,
        Measured("delivered in the ledger", DATABASE, 1.1, LEDGER),
    ),
    "dx-jpeg-lossless": (
        Measured("received", RECEIVER, 9.5, f"{BENCH}: DX JPEG lossless, 1 association, 105.7 stores/s"),
        RECEIVED,
        Measured("analysed", WORKER, 94.0, f"{BENCH}: CPU a study of dx-jpeg-lossless, 164 ms, likewise"),
        Measured("judged in the ledger", DATABASE, 1.1, LEDGER),
        REPORTED,
        Measured("delivered in the ledger", DATABASE, 1.1, LEDGER),
    ),
}


@dataclass(frozen=True)
class Deployment:
    """Receiver processes, cores of all workers together, cores of the database."""

    receivers: int = 1
    worker_cores: int = 4
    database_cores: int = 2

    def stations(self) -> list[Station]:
        return [
            Station("receivers", self.receivers),
            Station("cores of workers", self.worker_cores),
            Station("cores of the database", self.database_cores),
        ]


def rates(images: int, day: str) -> list[float]:
    """Images a second, by hour."""
    shares = DAYS[day]
    return [images * share / sum(shares) / HOUR_S for share in shares]


def a_day(
    images: int, day: str, load: str, deployment: Deployment, service: Service = exponential, seed: int = 1
) -> Run:
    """One day of so many images, until the last of them is done."""
    chance = random.Random(seed)
    way = [Visit(step.part, step.ms / 1000) for step in LOADS[load]]
    return simulate(poisson(rates(images, day), HOUR_S, chance), deployment.stations(), way, chance, service)


def told(images: int, day: str, load: str, deployment: Deployment, run: Run) -> list[str]:
    """A line for each part: busy over the day and in its busiest hour (above 100 %, it falls behind), and its waits."""
    peak, lines = max(rates(images, day)), []
    for number, station in enumerate(run.stations):
        needed = peak * sum(step.ms / 1000 for step in LOADS[load] if step.part == number)
        lines.append(
            f"{images:>9,}  {peak:>5.1f}/s  {station.name:<21} {station.servers:>3}  "
            f"{station.utilisation(HOURS * HOUR_S):>5.0%}  {needed / station.servers:>6.0%}  "
            f"{1000 * station.wait_s(0.5):>9.1f}  {1000 * station.wait_s(0.99):>11.1f}  {station.line_max:>9,}"
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.bench.simulate", description=__doc__)
    asked.add_argument("--images", type=int, nargs="*", default=list(VOLUMES), help="images a day")
    asked.add_argument("--day", choices=DAYS, default="hospital")
    asked.add_argument("--load", choices=LOADS, default="dx-jpeg-lossless")
    asked.add_argument("--receivers", type=int, default=Deployment.receivers, help="receiver processes")
    asked.add_argument("--worker-cores", type=int, default=Deployment.worker_cores)
    asked.add_argument("--database-cores", type=int, default=Deployment.database_cores)
    asked.add_argument("--fixed", action="store_true", help="service times without a spread")
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args(arguments)
    deployment = Deployment(chosen.receivers, chosen.worker_cores, chosen.database_cores)
    print(f"Predicted, not measured: {chosen.load}, day of a {chosen.day}, seed {chosen.seed}. Calibrated by:")
    for step in LOADS[chosen.load]:
        print(f"  {step.what:<34} {step.ms:>6.1f} ms  {step.source}")
    print()
    print("   images     peak  part                    of    day  at peak  wait p50 ms  wait p99 ms  line max")
    for images in chosen.images:
        run = a_day(images, chosen.day, chosen.load, deployment, fixed if chosen.fixed else exponential, chosen.seed)
        print(*told(images, chosen.day, chosen.load, deployment, run), sep="\n", flush=True)
        longest = sorted(run.stays_s)
        at = [longest[min(len(longest) - 1, int(share * len(longest)))] for share in (0.5, 0.99)]
        print(f"{'':>9}  received to delivered, without the quiet period: p50 {at[0]:.2f} s, p99 {at[1]:.2f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
