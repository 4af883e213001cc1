"""The simulation waits as long as the closed formulas of queueing theory say, and its days have so many images."""

from __future__ import annotations

import math
import random

import pytest

from tests.bench.queues import Run, Service, Station, Visit, exponential, fixed, poisson, simulate
from tests.bench.simulate import DAYS, HOUR_S, LOADS, Deployment, a_day, main, rates

JOBS = 150_000


def one_station(utilisation: float, servers: int, service: Service) -> Run:
    """A service of 1 s on average, before which so many jobs line up that the servers are that busy."""
    chance = random.Random(7)
    rate = utilisation * servers
    return simulate(poisson([rate], JOBS / rate, chance), [Station("one", servers)], [Visit(0, 1.0)], chance, service)


def mean_wait_s(run: Run) -> float:
    waits_s = run.stations[0].waits_s
    return sum(waits_s) / len(waits_s)


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.8])
def test_one_server_with_exponential_service_waits_as_m_m_1(utilisation: float) -> None:
    run = one_station(utilisation, 1, exponential)
    assert mean_wait_s(run) == pytest.approx(utilisation / (1 - utilisation), rel=0.06)
    assert run.stations[0].utilisation(run.ended_at_s) == pytest.approx(utilisation, rel=0.02)


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.8])
def test_one_server_with_fixed_service_waits_as_m_d_1(utilisation: float) -> None:
    """Pollaczek-Khinchine: half of M/M/1."""
    run = one_station(utilisation, 1, fixed)
    assert mean_wait_s(run) == pytest.approx(utilisation / (2 * (1 - utilisation)), rel=0.06)


def test_many_servers_wait_as_m_m_c() -> None:
    servers, utilisation = 4, 0.8
    load = servers * utilisation
    full = load**servers / math.factorial(servers) / (1 - utilisation)
    erlang_c = full / (sum(load**one / math.factorial(one) for one in range(servers)) + full)
    run = one_station(utilisation, servers, exponential)
    assert mean_wait_s(run) == pytest.approx(erlang_c / (servers * (1 - utilisation)), rel=0.06)


def test_stations_in_a_row_wait_each_as_if_alone() -> None:
    """Burke's theorem: what leaves a station of exponential service arrives at the next one as it came."""
    chance = random.Random(3)
    stations = [Station("first", 1), Station("second", 1)]
    way = [Visit(0, 1.0), Visit(1, 0.5)]
    run = simulate(poisson([0.6], JOBS / 0.6, chance), stations, way, chance)
    waits = [sum(one.waits_s) / len(one.waits_s) for one in stations]
    assert waits == pytest.approx([0.6 / 0.4, 0.5 * 0.3 / 0.7], rel=0.08)
    stay_s = sum(run.stays_s) / len(run.stays_s)
    assert stay_s == pytest.approx(sum(waits) + 1.5, rel=0.02)
    assert len(run.stays_s) == len(stations[0].waits_s) == len(stations[1].waits_s), "every job has ended"


def test_an_overrun_part_falls_behind_and_is_seen() -> None:
    run = a_day(200_000, "campaign", "dx", Deployment(receivers=1, worker_cores=1, database_cores=1), fixed)
    receiver, worker, database = run.stations
    assert worker.line_max > 1000 > receiver.line_max
    assert run.stays_s and max(run.stays_s) > 60
    assert database.utilisation(24 * HOUR_S) < 0.01


@pytest.mark.parametrize("day", DAYS)
def test_a_day_has_as_many_images_as_were_asked_for(day: str) -> None:
    assert sum(rates(50_000, day)) * HOUR_S == pytest.approx(50_000) and len(rates(1, day)) == 24
    run = a_day(5_000, day, "dx", Deployment())
    assert len(run.stays_s) == pytest.approx(5_000, rel=0.05)


def test_it_prints_what_it_stands_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--images", "2000", "--load", "dx", "--receivers", "2"]) == 0
    printed = capsys.readouterr().out
    assert all(step.source in printed and step.what in printed for step in LOADS["dx"])
    assert "Predicted, not measured" in printed and "receivers               2" in printed
