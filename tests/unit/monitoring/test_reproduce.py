"""What `hilum reproduce` says of a result that comes out otherwise names what differs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.monitoring.reproduce import ReproductionSource, overall, reproduce
from scp_node.settings import Settings
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.studies import SETTINGS, report_study, worker_services


def test_a_heat_map_of_another_size_differs_in_its_size_and_pixels_only(tmp_path: Path) -> None:
    film = make_dx(PatientOrientation=None)
    smaller = SETTINGS.model_copy(update={"report": SETTINGS.report.model_copy(update={"heatmap_side_max": 400})})
    with worker_services(tmp_path) as services:
        (drawn,) = (one for one in report_study(services, 1, film) if one.kind == "heatmap")

        def again(settings: Settings) -> ReproductionSource:
            return ReproductionSource(settings, services.ledger, services.spool, services.models, services.decode_pool)

        assert overall(list(reproduce(again(SETTINGS), drawn.sop_instance_uid))) == "same"
        *_, last = reproduce(again(smaller), drawn.sop_instance_uid)
    assert last.verdict == "differs" and last.detail.startswith("in Rows, Columns, PixelData (")


@pytest.mark.parametrize("kinds", [["pdf"], ["heatmap", "sr", "pdf"]], ids=["alone", "with others"])
def test_the_encapsulated_pdf_comes_out_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: list[str]
) -> None:
    route = SETTINGS.routes[0].model_copy(update={"results": kinds})
    settings = SETTINGS.model_copy(update={"routes": [route]})
    monkeypatch.setattr("tests.support.ledger.studies.SETTINGS", settings)
    with worker_services(tmp_path) as services:
        results = report_study(services, 1, make_dx(seed=1), make_dx(seed=2, ViewPosition="LL"))
        sheet = next(one for one in results if one.kind == "pdf")
        source = ReproductionSource(settings, services.ledger, services.spool, services.models, services.decode_pool)
        checks = list(reproduce(source, sheet.sop_instance_uid))
    assert overall(checks) == "same" and checks[-1].what.startswith("pdf ")
