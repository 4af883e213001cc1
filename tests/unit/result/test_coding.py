"""Our table of coded concepts against pydicom's copy of the standard's."""

from typing import Any

import pytest
from pydicom.sr import _concepts_dict
from pydicom.sr.coding import Code

from converter.package.concept import Concept
from converter.result import coding

# In no dictionary of pydicom: RFC 5646, UMLS and UCUM values, and SNOMED terms as the templates of PS3.16 write them.
WRITTEN_BY_THE_STANDARD = {"en", "C0034375", "{pixels}", "260753009"}


@pytest.mark.parametrize("code", coding.ALL, ids=lambda code: code.meaning)
def test_every_code_means_what_the_standard_says(code: Code) -> None:
    concepts: dict[str, Any] = _concepts_dict.concepts.get(code.scheme_designator, {})
    meanings = {entry[code.value][0] for entry in concepts.values() if code.value in entry}
    assert code.meaning in meanings or code.value in WRITTEN_BY_THE_STANDARD


def test_every_code_fits_its_attributes() -> None:
    for code in coding.ALL:
        assert len(code.value) <= 16 and len(code.scheme_designator) <= 16 and len(code.meaning) <= 64


def test_the_modality_is_coded_by_its_own_value() -> None:
    assert coding.modality_code("CR") == Code("CR", "DCM", "Computed Radiography")
    assert coding.modality_code("DX") == Code("DX", "DCM", "Digital Radiography")
    assert coding.modality_code("NONSENSE") is None


def test_a_concept_of_a_model_package_is_kept_to_ascii() -> None:
    concept = Concept(value="1", scheme="99X", meaning="Épanchement pleural")
    assert coding.finding_code(concept).meaning == "Epanchement pleural"
