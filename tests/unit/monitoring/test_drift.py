"""Images of a sender that are no longer like the reference are told; nothing a sender writes makes the counts grow."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, cast

import numpy as np
import pytest
import sqlalchemy as sa

from converter.analysis.outcome import Examined
from converter.declined import Declined
from converter.package.distribution import Distribution, Histogram, InputStatistic
from converter.package.image_statistics import STATISTICS, measure_distribution
from converter.package.manifest import load_manifest
from converter.package.stability import DECLINED, bins_of_image, references
from scp_node.inference.batcher import Batcher
from scp_node.inference.loaded_models import LoadedModel
from scp_node.ledger import Ledger
from scp_node.ledger import watch_tables as w
from scp_node.ledger.drift_counts import KEPT_DAYS, OTHERS, STATIONS_MAX, UNNAMED, station_name
from scp_node.ledger.records import now_utc
from scp_node.monitoring.drift import STATES, SenderDrift, drift_of
from scp_node.monitoring.drift_count import drift_count
from scp_node.monitoring.drift_watch import DriftWatch
from scp_node.settings import Drift
from scp_node.telemetry import metrics
from tests.support.dicom.phantoms import make_dx
from tests.support.models.tiny_model import TINY

RNG = np.random.default_rng(8)
MODEL = "tiny@1.0.0"
SETTINGS = Drift(images_min=50)


def spread(count: int, centre: float) -> list[dict[InputStatistic, float]]:
    return [dict.fromkeys(STATISTICS, float(value)) for value in RNG.normal(centre, 0.1, count)]


REFERENCE = measure_distribution("made val", ["bright"], RNG.beta(2, 2, (500, 1)), spread(500, 0.5), declined=5)
SIZES = {name: len(one.shares) for name, one in references(REFERENCE).items()}


def judge(ledger: Ledger, count: int, centre: float, station: str = "ROOM1", ae_title: str = "CR1") -> None:
    with ledger.transaction() as tx:
        for film in spread(count, centre):
            bins = bins_of_image(REFERENCE, {"bright": float(RNG.beta(2, 2))}, film)
            tx.drift_counts.add_image(MODEL, ae_title, station, bins=bins, sizes=SIZES)


def look(ledger: Ledger, reference: Distribution | None = REFERENCE, settings: Drift = SETTINGS) -> list[SenderDrift]:
    return drift_of(ledger, settings, {MODEL: reference}.get)


def test_a_sender_whose_films_became_darker_is_an_alarm_and_its_neighbour_is_not(ledger: Ledger) -> None:
    judge(ledger, 200, 0.5, "ROOM1")
    judge(ledger, 200, 0.3, "ROOM2")
    one, other = look(ledger)
    assert (one.station, one.state) == ("ROOM1", "stable") and one.images == 200
    assert (other.station, other.state) == ("ROOM2", "alarm")
    assert other.worst is not None and other.worst.name.startswith("input:") and other.worst.index > 1
    assert next(shift for shift in other.shifts if shift.name == "score:bright").state == "stable"


def test_few_images_say_nothing(ledger: Ledger) -> None:
    judge(ledger, 49, 0.1)
    (one,) = look(ledger)
    assert one.state == "too-few" and {shift.state for shift in one.shifts} == {"too-few"}
    watch = DriftWatch(ledger, lambda: SETTINGS, {MODEL: REFERENCE}.get, lambda: {MODEL})
    watch.look()
    assert value("hilum_drift_images", "ROOM1") == 49 and value("hilum_drift_psi", "ROOM1") is None


def test_a_package_without_reference_is_told(ledger: Ledger) -> None:
    judge(ledger, 60, 0.5)
    (one,) = look(ledger, reference=None)
    assert one.state == "no-reference" and one.shifts == () and "distribution" in STATES[one.state]
    assert one.images == 60


def test_declined_images_count_and_refused_ones_do_not_alarm(ledger: Ledger) -> None:
    judge(ledger, 80, 0.5)
    with ledger.transaction() as tx:
        for _ in range(40):
            tx.drift_counts.add_image(MODEL, "CR1", "ROOM1", bins={}, sizes=SIZES, refused=True)
    (one,) = look(ledger)
    assert (one.state, one.refused, one.images) == ("stable", 40, 120)
    with ledger.transaction() as tx:
        for _ in range(40):
            bins = bins_of_image(REFERENCE, None, None)
            tx.drift_counts.add_image(MODEL, "CR1", "ROOM1", bins=bins, sizes=SIZES, declined="implausible-blank")
    (one,) = look(ledger)
    assert one.state == "alarm" and one.worst is not None and one.worst.name == DECLINED
    assert one.declines == {"implausible-blank": 40}


def test_only_the_window_counts_and_old_days_are_forgotten(ledger: Ledger) -> None:
    judge(ledger, 100, 0.2)
    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(w.drift).values(day=now_utc().date() - timedelta(days=SETTINGS.window_days)))
    assert look(ledger) == []
    assert len(look(ledger, settings=Drift(window_days=SETTINGS.window_days + 1))) == 1
    with ledger.transaction() as tx:
        assert tx.drift_counts.forget() == 0
        tx.connection.execute(sa.update(w.drift).values(day=now_utc().date() - timedelta(days=KEPT_DAYS + 1)))
        assert tx.drift_counts.forget() == 1


def test_days_are_added_up(ledger: Ledger) -> None:
    judge(ledger, 30, 0.5)
    with ledger.transaction() as tx:
        tx.connection.execute(sa.update(w.drift).values(day=now_utc().date() - timedelta(days=2)))
    judge(ledger, 30, 0.5)
    (one,) = look(ledger)
    assert one.images == 60 and one.state == "stable"


def test_counts_of_another_form_of_the_package_are_left_out(ledger: Ledger) -> None:
    judge(ledger, 60, 0.5)
    halves = Histogram(edges=(0.5,), shares=(0.5, 0.5))
    coarse = Distribution(fitted_on="val", images=500, scores={"bright": halves}, inputs={})
    (one,) = look(ledger, reference=coarse)
    assert one.shifts == () and one.state == "too-few"


def test_a_sender_of_a_thousand_names_is_counted_under_a_few(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for number in range(STATIONS_MAX + 40):
            tx.drift_counts.add_image(MODEL, "CR1", f"ST{number}", bins={}, sizes=SIZES)
        tx.drift_counts.add_image(MODEL, "CR1", "ST0", bins={}, sizes=SIZES)
        tx.drift_counts.add_image("other@1.0.0", "CR1", "NEW", bins={}, sizes=SIZES)
    senders = {(one.ae_title, one.station): one.images for one in look(ledger) if one.model == MODEL}
    assert len(senders) == STATIONS_MAX + 1
    assert senders[OTHERS, OTHERS] == 40 and senders["CR1", "ST0"] == 2


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("ROOM 1", "ROOM 1"),
        (" x ", "x"),
        ("", UNNAMED),
        ('a"b\n{c}', "a_b__c_"),
        ("Röntgen", "R_ntgen"),
        ("x" * 40, "x" * 16),
    ],
)
def test_a_station_name_becomes_a_harmless_label(header: str, key: str) -> None:
    assert station_name(header) == key


@pytest.mark.parametrize(
    ("station", "key"),
    [
        ("ROOM 1", "ROOM 1"),
        ("DOE^JANE", ""),
        ("Jane's room", ""),
        ("PID-4711", ""),
        ("BORN 20210401", ""),
        ("CR-19", "CR-19"),
    ],
)
def test_a_station_name_that_holds_the_patient_is_counted_without_it(station: str, key: str) -> None:
    ds = make_dx(rows=64, columns=64, StationName=station, PatientName="Doe^Jane", PatientID="4711")
    use = load_manifest(TINY / "manifest.yaml")
    model, blank = LoadedModel(use, cast(Batcher, None), "cpu"), Examined(Declined("implausible-blank", "blank"))
    count = drift_count(model, "CR1", ds, {"convert"}, blank)
    assert count is not None and count.station == key.upper()


def value(name: str, station: str) -> float | None:
    labels = {"model": MODEL, "ae_title": "CR1", "station": station}
    return metrics.WORKER.get_sample_value(name, labels)


def told_by(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "scp_node.monitoring.drift_watch"]


def test_a_change_of_state_is_told_once_and_shown_as_a_metric(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="scp_node")
    models = {MODEL}
    watch = DriftWatch(ledger, lambda: SETTINGS, {MODEL: REFERENCE}.get, lambda: models)
    judge(ledger, 100, 0.5)
    watch.look()
    assert told_by(caplog) == [] and value("hilum_drift_alarm", "ROOM1") == 0
    assert value("hilum_drift_images", "ROOM1") == 100
    judge(ledger, 300, 0.2)
    watch.look()
    watch.look()
    told: Any
    (told,) = told_by(caplog)
    assert told.getMessage() == "drift: alarm" and told.levelno == logging.ERROR
    assert (told.before, told.station, told.model) == ("stable", "ROOM1", MODEL)
    assert value("hilum_drift_alarm", "ROOM1") == 1
    assert (value("hilum_drift_psi", "ROOM1") or 0) > 0.25
    series = metrics.drift_alarm.labels(MODEL, "CR1", "ROOM1")
    watch.look()
    assert metrics.drift_alarm.labels(MODEL, "CR1", "ROOM1") is series  # never gone between two scrapes
    models.clear()
    watch.look()
    assert value("hilum_drift_alarm", "ROOM1") is None and value("hilum_drift_psi", "ROOM1") is None


def test_settings_and_packages_that_change_count_from_the_next_look_on(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="scp_node")
    in_use, packages, models = [SETTINGS], {MODEL: REFERENCE}, {MODEL}
    watch = DriftWatch(ledger, lambda: in_use[0], lambda label: packages.get(label), lambda: models)
    judge(ledger, 200, 0.2)

    def state() -> str:
        return {one.model: one.state for one in watch.look()}[MODEL]

    assert state() == "alarm"
    in_use[0] = Drift(images_min=1000)
    assert state() == "too-few" and value("hilum_drift_alarm", "ROOM1") == 0
    in_use[0] = Drift(images_min=50, psi_watch_min=10, psi_alarm_min=10)
    assert state() == "stable"
    in_use[0] = SETTINGS
    assert state() == "alarm"
    del packages[MODEL]
    assert state() == "no-reference" and value("hilum_drift_psi", "ROOM1") is None
    assert told_by(caplog)[0].getMessage() == "drift: alarm"
    other = "tiny@2.0.0"
    with ledger.transaction() as tx:
        tx.drift_counts.add_image(other, "CR1", "ROOM1", bins={}, sizes={})
    models.symmetric_difference_update({MODEL, other})
    watch.look()
    assert value("hilum_drift_images", "ROOM1") is None
    labels = {"model": other, "ae_title": "CR1", "station": "ROOM1"}
    assert metrics.WORKER.get_sample_value("hilum_drift_images", labels) == 1
    models.clear()
    watch.look()
