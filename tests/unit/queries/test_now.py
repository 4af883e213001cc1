"""How the node is now: what waits and since when, who answers, what is wrong and what to do about it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.checks.remote_ae import RemoteAECall, RemoteAEReport
from scp_node.deliver.capabilities import Capabilities
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.callers import CallerRecord, Tally
from scp_node.ledger.records import now_utc
from scp_node.queries.alarms import alarms_of
from scp_node.queries.latency import latency, quantile
from scp_node.queries.now import Disk, local_midnight, now_of
from scp_node.queries.queues import COUNTED_MAX, QueueLine, queue_lines
from scp_node.queries.remote_aes import RemoteSign, callers_of, capabilities, remote_signs
from scp_node.queries.role_signs import ModelSign, NodeSigns, RoleSign, signs_of
from scp_node.queries.tally import EventTally
from scp_node.settings import Settings
from scp_node.storage.spool import Spool
from scp_node.telemetry.heartbeat import RoleStatus
from tests.support.ledger.done_studies import MadeDelivery, MadeImage, MadeJob, add_job, make_study

NOW = datetime.now(UTC)
SETTINGS = Settings.model_validate(
    {
        "node": {"ae_title": "HILUM"},
        "remote_aes": {
            "pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104},
            "modality": {"ae_title": "MODALITY", "host": "127.0.0.1", "port": 104, "may_send": True},
        },
        "routes": [{"name": "chest", "model": "tiny", "to": ["pacs"]}],
    }
)
METRICS = """\
hilum_model_ready{model="tiny@1.0.0",provider="cpu"} 1.0
hilum_disk_full_in_days 5.0
hilum_spool_free_bytes 1e+09
hilum_certificate_expiry_seconds{certificate="own"} 172800.0
hilum_drift_alarm{model="tiny@1.0.0",ae_title="MODALITY",station="A"} 1.0
hilum_drift_alarm{model="tiny@1.0.0",ae_title="OTHER",station="A"} 0.0
hilum_decode_sandbox{part="seccomp"} 0.0
hilum_stored_total 3.0
"""


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    return empty_ledger


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def job(tx: object, job_id: str, queue: str, state: str, at: datetime, error: str = "") -> None:
    add_job(tx, job_id, MadeJob(at, "delivery", state), "1.2.3.1")  # type: ignore[arg-type]
    mine = t.job.c.job_id == job_id
    tx.connection.execute(sa.update(t.job).where(mine).values(queue=queue, error=error))  # type: ignore[attr-defined]


def test_a_queue_tells_how_much_waits_since_when_and_how_it_failed(ledger: Ledger) -> None:
    hour = timedelta(hours=1)
    with ledger.transaction() as tx:
        job(tx, "a", "deliver-pacs", "waiting", NOW - hour, "connection refused")
        job(tx, "b", "deliver-pacs", "queued", NOW)
        job(tx, "c", "images", "running", NOW)
        job(tx, "d", "images", "done", NOW - 9 * hour)
        lines = queue_lines(tx)
    pacs, images = lines
    assert (pacs.queue, pacs.destination, pacs.waiting, pacs.running) == ("deliver-pacs", "pacs", 2, 0)
    assert (pacs.oldest_at, pacs.error, pacs.is_more) == (NOW - hour, "connection refused", False)
    assert (images.queue, images.waiting, images.running, images.oldest_at) == ("images", 0, 1, None)
    assert COUNTED_MAX == 10_000


def test_latency_is_from_the_last_image_to_the_archive(ledger: Ledger, spool: Spool) -> None:
    with ledger.transaction() as tx:
        for number, seconds in enumerate((10, 20, 30), 1):
            images = [MadeImage(NOW - timedelta(minutes=5)), MadeImage(NOW)]
            make_study(tx, spool, number, images, [], [MadeDelivery(NOW + timedelta(seconds=seconds))])
        found = latency(tx, NOW - timedelta(days=7))
    assert found.stored_s == (10.0, 20.0, 30.0)
    assert (found.median_s, found.p95_s, found.committed_s) == (20.0, 30.0, ())
    assert quantile((), 0.95) is None
    assert quantile(range(1, 101), 0.95) == 95 and quantile((7.0,), 0.5) == 7.0 and quantile((1.0, 2.0), 0.5) == 1.0


def test_a_report_of_the_second_in_which_its_image_came_counts(ledger: Ledger, spool: Spool) -> None:
    """A report is dated to the second, as DICOM has it, and so may be older than its image."""
    came = NOW + timedelta(milliseconds=200)
    with ledger.transaction() as tx:
        make_study(tx, spool, 1, [MadeImage(came)], [], [MadeDelivery(NOW + timedelta(milliseconds=700))])
        dated = {"created_at": NOW, "built_at": NOW + timedelta(milliseconds=500)}
        tx.connection.execute(sa.update(t.report).values(**dated))
        assert latency(tx, NOW - timedelta(hours=1)).stored_s == (0.5,)


def test_what_a_person_did_later_does_not_change_the_latency(ledger: Ledger, spool: Spool) -> None:
    hour, sent_at = timedelta(hours=1), NOW + timedelta(seconds=10)
    with ledger.transaction() as tx:
        first = make_study(tx, spool, 1, [MadeImage(NOW)], [], [MadeDelivery(sent_at)])
        row = tx.connection.execute(sa.select(t.delivery.c.result_uid)).one()
        also, later = tx.deliveries.add(row.result_uid, "second"), tx.deliveries.add(row.result_uid, "third")
        for one, created_at, at in ((also, sent_at, sent_at + hour), (later, NOW + hour, NOW + hour)):
            values = {"state": "sent", "created_at": created_at, "sent_at": at}
            tx.connection.execute(sa.update(t.delivery).where(t.delivery.c.id == one.id).values(**values))
        assert latency(tx, NOW - hour).stored_s == (10.0,), "once, until the first destination had it"

        make_study(tx, spool, 2, [MadeImage(NOW)], [], [MadeDelivery(NOW + 2 * hour)])
        second = t.report.c.study_instance_uid != first
        moved = {"study_instance_uid": first, "revision": 2, "created_at": NOW + 2 * hour}
        tx.connection.execute(sa.update(t.report).where(second).values(**moved))
        assert latency(tx, NOW - hour).stored_s == (10.0,), "a report that was made anew for no new image"
        came = t.instance.c.study_instance_uid != first
        tx.connection.execute(
            sa.update(t.instance).where(came).values(study_instance_uid=first, received_at=NOW + 1.5 * hour)
        )
        assert latency(tx, NOW - hour).stored_s == (10.0, 1800.0), "and one for a new image"

        retried = sa.update(t.delivery).where(t.delivery.c.sent_at == NOW + 2 * hour)
        tx.connection.execute(retried.values(created_at=NOW + 3 * hour, sent_at=NOW + 3 * hour))
        assert latency(tx, NOW - hour).stored_s == (10.0,), "given up, and retried by a person"


def test_a_remote_ae_answers_fails_or_is_quiet(ledger: Ledger, spool: Spool) -> None:
    caller = CallerRecord("MODALITY", "HILUM", "10.0.0.1", NOW, NOW, associations=3, last_stored_at=NOW)
    with ledger.transaction() as tx:
        tx.callers.add([caller])
        make_study(tx, spool, 1, [MadeImage(NOW)], [], [MadeDelivery(NOW - timedelta(hours=1))])
        pacs, modality = remote_signs(tx, SETTINGS, queue_lines(tx), {}, NOW)
        assert (pacs.state, pacs.routes, modality.state, modality.stored_at) == ("answers", ("chest",), "answers", NOW)
        job(tx, "a", "deliver-pacs", "waiting", NOW - timedelta(minutes=1), "nothing listens")
        tx.unreached.enter("pacs", "nothing listens")
        pacs, _ = remote_signs(tx, SETTINGS, queue_lines(tx), {}, NOW)
        assert (pacs.state, pacs.failure, pacs.waiting) == ("fails", "nothing listens", 1)
        call = RemoteAECall(now_utc(), RemoteAEReport(Capabilities("pacs", "PACS at h"), (), ()))
        pacs, _ = remote_signs(tx, SETTINGS, queue_lines(tx), {"pacs": call}, NOW)
        assert (pacs.state, pacs.failure) == ("answers", "")
        tx.callers.add([CallerRecord("PACS", "HILUM", "10.0.0.2", NOW, NOW, associations=1)])
        pacs, _ = remote_signs(tx, SETTINGS, queue_lines(tx), {}, NOW)
        assert (pacs.state, pacs.last_sign_at) == ("fails", NOW), "that it calls does not show that it can be reached"
        _, modality = remote_signs(tx, SETTINGS, (), {}, NOW + timedelta(days=2))
        assert modality.state == "quiet"


@pytest.mark.parametrize("job_state", ["dead", "done", None])
def test_a_remote_ae_that_is_down_fails_whatever_became_of_the_jobs(
    ledger: Ledger, spool: Spool, job_state: str | None
) -> None:
    with ledger.transaction() as tx:
        make_study(tx, spool, 1, [MadeImage(NOW)], [], [MadeDelivery(NOW - timedelta(hours=1))])
        if job_state is not None:
            job(tx, "a", "deliver-pacs", job_state, NOW, "cancelled by an administrator")
        tx.unreached.enter("pacs", "pacs: nothing listens")
        pacs, _ = remote_signs(tx, SETTINGS, queue_lines(tx), {}, NOW)
        assert (pacs.state, pacs.failure, pacs.waiting) == ("fails", "pacs: nothing listens", 0)
        (alarm,) = [
            one for one in alarms_of(SETTINGS, NodeSigns((), ()), [], (pacs,), (), 0, NOW) if one.level == "bad"
        ]
        assert alarm.fact == "pacs: nothing listens."
        tx.unreached.clear("pacs")
        pacs, _ = remote_signs(tx, SETTINGS, queue_lines(tx), {}, NOW)
        assert pacs.state == "answers"


def test_what_a_destination_takes_is_known_from_what_it_took(ledger: Ledger, spool: Spool) -> None:
    with ledger.transaction() as tx:
        made = [MadeDelivery(NOW, "committed"), MadeDelivery(NOW, "dead")]
        make_study(tx, spool, 1, [MadeImage(NOW)], [], made)
        three_d = "1.2.840.10008.5.1.4.1.1.88.34"
        tx.sop_classes.set_accepted("pacs", three_d, accepted=True)
        dead = sa.select(t.delivery.c.id).where(t.delivery.c.state == "dead").scalar_subquery()
        tx.connection.execute(sa.update(t.delivery).where(t.delivery.c.id == dead).values(detail="refused: DOE^JOHN"))
        job(
            tx,
            f"delivery:{tx.connection.execute(sa.select(dead)).scalar_one()}",
            "deliver-pacs",
            "dead",
            NOW,
            "refused",
        )
        known = {one.class_name: one for one in capabilities(tx, SETTINGS, {})["pacs"]}
        unasked = known["Comprehensive 3D SR"]
        assert (unasked.refused, unasked.unasked, unasked.obstacle) == (0, 1, "refused"), "no answer came"
        tx.connection.execute(sa.update(t.delivery).where(t.delivery.c.id == dead).values(status=0xC000))
        known = {one.class_name: one for one in capabilities(tx, SETTINGS, {})["pacs"]}
    assert known["Comprehensive 3D SR"].refusal == "refused", "without what the archive said: it may name the patient"
    assert (known["Comprehensive 3D SR"].taken, known["Comprehensive 3D SR"].refused) == (1, 1)
    assert known["Comprehensive 3D SR"].accepted is True
    assert not known["Comprehensive SR"].is_known


def test_who_is_not_configured_is_told_from_who_is(ledger: Ledger) -> None:
    stranger = CallerRecord("<b>X</b>", "HILUM", "10.0.0.9", NOW, NOW, rejections={"unknown AE title": Tally(3, NOW)})
    with ledger.transaction() as tx:
        tx.callers.add([stranger, CallerRecord("MODALITY", "HILUM", "10.0.0.1", NOW, NOW, associations=1)])
        found = {one.ae_title: one for one in callers_of(tx, SETTINGS, 10)}
    assert found["MODALITY"].is_configured and not found["<b>X</b>"].is_configured
    assert (found["<b>X</b>"].rejections, found["<b>X</b>"].rejection) == (3, "unknown AE title")


def test_every_alarm_says_what_to_do(ledger: Ledger) -> None:
    statuses = [RoleStatus("receiver", ("takes no images: disk 99 % used, limit 85 %",), 0.0, METRICS)]
    signs = signs_of(statuses)
    alarms = alarms_of(SETTINGS, signs, ["no answer for 9 s"], (), (), 3, NOW)
    assert all(alarm.fact and alarm.remedy for alarm in alarms)
    facts = " ".join(alarm.fact for alarm in alarms)
    for words in (
        "disk 99 %",
        "no answer for 9 s",
        "3 jobs were given up",
        "full in 5 days",
        "expires in 2 days",
        "MODALITY are others",
        "seccomp",
    ):
        assert words in facts
    assert "OTHER" not in facts
    levels = [alarm.level for alarm in alarms]
    assert levels == sorted(levels), "the worst stands first"


def test_what_is_not_counted_to_its_end_says_so() -> None:
    def facts(dead: int, waiting: int) -> str:
        line = QueueLine("deliver-pacs", "pacs", waiting, 0, failed_at=NOW, error="nothing listens")
        remote = RemoteSign(
            "pacs", SETTINGS.remote_aes["pacs"], (), False, "fails", failure=line.error, waiting=waiting
        )
        signs = NodeSigns((), (), full_in_days=math.inf)
        return " ".join(one.fact for one in alarms_of(SETTINGS, signs, [], (remote,), (line,), dead, NOW))

    assert "1 job was given up." in facts(1, 1) and "1 job waits for it." in facts(1, 1)
    assert "10000+ jobs were given up." in facts(10_000, 2) and " 2 jobs wait for it." in facts(10_000, 2)
    assert "10000+ jobs wait for it." in facts(1, 10_000)


@pytest.mark.parametrize(
    ("loaded", "wanted", "served"),
    [
        ("tiny@11.0.0", "tiny@1.0.0", ""),
        ("tiny@1.0.0", "tiny@1.0.0", "tiny@1.0.0"),
        ("tiny@2.1.0.0", "tiny@1.0.0", ""),
        ("tiny@11.0.0", "tiny", "tiny@11.0.0"),
    ],
)
def test_a_model_serves_a_route_in_its_very_version(ledger: Ledger, loaded: str, wanted: str, served: str) -> None:
    document = SETTINGS.model_dump(by_alias=True) | {"routes": [{"name": "chest", "model": wanted, "to": ["pacs"]}]}
    signs = NodeSigns((), (ModelSign(loaded, "cpu"),), full_in_days=math.inf)
    with ledger.reading() as tx:
        now = now_of(tx, Settings.model_validate(document), EventTally(ledger), signs, [], {}, NOW)
    assert now.routes[0].label == served


def test_a_role_without_which_the_node_is_ready_is_shown_and_alarms_nobody() -> None:
    signs = signs_of([RoleStatus("web", (), 0.0)], [RoleStatus("shadow", ("has ended",), 0.0)])
    assert [(one.role, one.is_needed) for one in signs.roles] == [("web", True), ("shadow", False)]
    alarms = alarms_of(SETTINGS, signs, [], (), (), 0, NOW)
    assert [one.level for one in alarms if "shadow" in one.fact] == ["warn"]


def test_a_disk_that_is_full_in_ten_thousand_days_is_not_foretold_to_the_day() -> None:
    assert Disk(1.0, 1.0, 10_156.0).is_far and not Disk(1.0, 1.0, 300.0).is_far and not Disk(1.0, 1.0, None).is_far


def test_a_node_at_rest_has_no_alarm_and_counts_nothing(ledger: Ledger) -> None:
    tally = EventTally(ledger)
    tally.look()
    signs = NodeSigns((RoleSign("receiver", ()),), (), full_in_days=math.inf)
    with ledger.reading() as tx:
        now = now_of(tx, SETTINGS, tally, signs, [], {}, NOW)
    assert (now.alarms, now.queues, now.dead, now.disk.is_never_full) == ((), (), 0, True)
    assert {line.today for line in now.counts} | {line.week for line in now.counts} == {0}
    assert [line.name for line in now.counts][-1] == "dead"
    assert now.routes[0].label == ""


def test_days_begin_at_midnight_of_this_machine() -> None:
    start = local_midnight(NOW, 6)
    assert (start.hour, start.minute) == (0, 0)
    assert (NOW.astimezone().date() - start.date()).days == 6
