"""A running node counts each stage of an image, and shows every metric that the handbook, alerts and dashboard name."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.handbook.metrics import metric_rows
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import running_node
from tests.support.peers.modality import store
from tests.support.waiting import until

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def test_each_stage_of_an_image_is_counted(tmp_path: Path) -> None:
    with running_node(tmp_path / "node", {"archive": ("ARCHIVE", 1)}) as node:

        def scraped() -> str:
            with OPENER.open(f"http://127.0.0.1:{node.web_port}/metrics", timeout=20) as answer:
                text: str = answer.read().decode()
                return text

        ds = make_dx()
        assert store(node.port, [ds]) == [0x0000]
        late = (
            'hilum_delivery_failures_total{code="connection-refused"}',
            'hilum_queue_age_seconds{queue="deliver-archive',
        )
        text = until(scraped, node.log, enough=lambda seen: all(one in seen for one in late))
        families = {family.name: family for family in text_string_to_metric_families(text)}
        assert {re.sub(r"_total$", "", row.name) for row in metric_rows()} <= families.keys()
        values = {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in families.values()
            for sample in family.samples
        }
        assert values["hilum_store_seconds_count",] == 1
        for kind in ("image", "study", "delivery"):
            assert values["hilum_job_seconds_count", kind] >= 1
        steps = {sample.labels["step"] for sample in families["hilum_step_seconds"].samples}
        assert {"choose_route", "convert", "infer", "hand_to_delivery"} <= steps
        assert sum(sample.value for sample in families["hilum_images_judged"].samples) == 1
        for told in (ds.PatientID, str(ds.PatientName), ds.StudyInstanceUID):
            assert told not in text
