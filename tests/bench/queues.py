"""A network of queues, event by event: jobs arrive, visit stations in their order, and wait where all servers are busy.

First come, first served. Time is in seconds and passes by itself: a day of a million jobs takes a minute.
"""

from __future__ import annotations

import heapq
import random
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

Service = Callable[[random.Random, float], float]


def exponential(chance: random.Random, mean_s: float) -> float:
    """Spread as widely as is usual to assume: waits come out on the safe side."""
    return chance.expovariate(1 / mean_s)


def fixed(chance: random.Random, mean_s: float) -> float:
    """Every time alike."""
    return mean_s


@dataclass
class Station:
    """So many servers with one line before them. `waits_s`: of every visit, in the order in which service began."""

    name: str
    servers: int
    busy: int = 0
    busy_s: float = 0.0
    line: deque[tuple[float, int, int]] = field(default_factory=deque)
    line_max: int = 0
    waits_s: array[float] = field(default_factory=lambda: array("d"))

    def utilisation(self, seconds: float) -> float:
        """The share of the time in which a server works; above 1 it has to work longer than there was time."""
        return self.busy_s / (self.servers * seconds)

    def wait_s(self, share: float) -> float:
        """So large a share of visits waited no longer."""
        ordered = sorted(self.waits_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(frozen=True)
class Visit:
    """One step of a job: at which station (by its place in the list), for how long on average."""

    station: int
    mean_s: float


@dataclass(frozen=True)
class Run:
    """What a simulation came to. `stays_s`: from the arrival of each job to its end."""

    stations: Sequence[Station]
    stays_s: array[float]
    ended_at_s: float


def simulate(
    arrivals_s: Iterable[float],
    stations: Sequence[Station],
    way: Sequence[Visit],
    chance: random.Random,
    service: Service = exponential,
) -> Run:
    """All jobs of `arrivals_s`, which ascends, from their arrival to their end."""
    stays_s, events, number, now = array("d"), list[tuple[float, int, int, float]](), 0, 0.0
    coming = iter(arrivals_s)
    next_arrival = next(coming, None)
    began: dict[int, float] = {}

    def begin(job: int, step: int, waited_s: float) -> None:
        visit = way[step]
        station, took_s = stations[visit.station], service(chance, visit.mean_s)
        station.busy += 1
        station.busy_s += took_s
        station.waits_s.append(waited_s)
        heapq.heappush(events, (now + took_s, job, step, took_s))

    def come(job: int, step: int) -> None:
        station = stations[way[step].station]
        if station.busy < station.servers:
            begin(job, step, 0.0)
        else:
            station.line.append((now, job, step))
            station.line_max = max(station.line_max, len(station.line))

    while events or next_arrival is not None:
        if next_arrival is not None and (not events or next_arrival <= events[0][0]):
            now, number = next_arrival, number + 1
            began[number] = now
            next_arrival = next(coming, None)
            come(number, 0)
            continue
        now, job, step, _ = heapq.heappop(events)
        station = stations[way[step].station]
        station.busy -= 1
        if station.line:
            since, waiting, its_step = station.line.popleft()
            begin(waiting, its_step, now - since)
        if step + 1 < len(way):
            come(job, step + 1)
        else:
            stays_s.append(now - began.pop(job))
    return Run(stations, stays_s, now)


def poisson(rates: Sequence[float], span_s: float, chance: random.Random) -> Iterable[float]:
    """Moments of arrival, independent of each other: so many a second in each span of time, one after the other."""
    for number, rate in enumerate(rates):
        moment, end = number * span_s, (number + 1) * span_s
        while rate > 0 and (moment := moment + chance.expovariate(rate)) < end:
            yield moment
