"""After a rehearsal the first study finds everything made that results share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from converter.image.sop_classes import COMPUTED_RADIOGRAPHY
from converter.result import map_colours, template
from scp_node.reporting.rehearsal import rehearse
from scp_node.workflow.services import Services
from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.studies import SETTINGS, report_study, worker_services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with worker_services(tmp_path) as services:
        yield services


def made() -> int:
    """Templates and tables of results that were made until now."""
    return template._template.cache_info().misses + map_colours._blended_pairs.cache_info().misses


def test_the_first_studies_after_a_rehearsal_make_no_template_of_their_own(services: Services) -> None:
    template._template.cache_clear()
    map_colours._blended_pairs.cache_clear()
    documents, card, maps, states = 3 + 3 + 2 + 3, 1, 2 * 2, 2 * 6
    made_in_all = documents + card + maps + states
    assert rehearse(services.models.get("tiny").manifest, "HILUM", SETTINGS.report) == made_in_all
    before = made()
    assert before > 20
    bright, dark = make_dx(seed=1, WindowCenter=900), make_dx(seed=2, WindowCenter=3900)
    lateral = make_dx(seed=3, ViewPosition="LL")
    assert len(report_study(services, 1, bright, dark, lateral)) == 3
    plate = make_dx(seed=4, sop_class=COMPUTED_RADIOGRAPHY, Modality="CR", ImagerPixelSpacing=None, PixelSpacing=None)
    assert len(report_study(services, 2, plate)) == 2
    assert len(report_study(services, 3, make_dx(seed=5, ViewPosition="LL"))) == 2
    assert made() == before


def test_without_a_rehearsal_the_first_study_makes_them(services: Services) -> None:
    template._template.cache_clear()
    map_colours._blended_pairs.cache_clear()
    assert len(report_study(services, 1, make_dx(seed=1))) == 2
    assert made() > 5
