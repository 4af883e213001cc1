"""What is said by half in a source says nothing in a result: items without a required part, attributes without their
companions."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom import Dataset

_Groups = tuple[tuple[str, ...], ...]

# What an item of a sequence must have: of each group one attribute, else the item is left out (PS3.3 8.8, 10.14, 10.1,
# C.7.1.1). All other code sequences end in "CodeSequence".
_CODE = (("CodeValue", "LongCodeValue", "URNCodeValue"), ("CodingSchemeDesignator", "URNCodeValue"), ("CodeMeaning",))
_ENTITY = (("UniversalEntityID",), ("UniversalEntityIDType",))  # which name nobody but together
_ISSUER = (("LocalNamespaceEntityID", "UniversalEntityID"),)
_IN_ITEMS: dict[str, _Groups] = {
    "AnatomicRegionSequence": _CODE,
    "IssuerOfAccessionNumberSequence": _ISSUER,
    "IssuerOfAdmissionIDSequence": _ISSUER,
    "OtherPatientIDsSequence": (("PatientID",), ("TypeOfPatientID",)),
    "ReferringPhysicianIdentificationSequence": (
        ("PersonIdentificationCodeSequence",),
        ("InstitutionName", "InstitutionCodeSequence"),
    ),
}
# Sequences that have one item at most.
_ONE_ITEM = frozenset(
    {
        "AnatomicRegionSequence",
        "IssuerOfAccessionNumberSequence",
        "IssuerOfAdmissionIDSequence",
        "IssuerOfPatientIDQualifiersSequence",
        "ReferringPhysicianIdentificationSequence",
        "RequestedProcedureCodeSequence",
    }
)
# Attributes that make sense together only (PS3.3 C.7.1.1, C.7.1.3): where one of these groups is missing, all are.
_TRIAL_GROUP = 0x0012
_IN_TRIAL = (
    ("ClinicalTrialSponsorName",),
    ("ClinicalTrialProtocolID",),
    ("ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID"),
)
_TRIAL_TYPE_2 = ("ClinicalTrialProtocolName", "ClinicalTrialSiteID", "ClinicalTrialSiteName")
_HOW_REMOVED = ("DeidentificationMethod", "DeidentificationMethodCodeSequence")


def complete_items(keyword: str, items: Iterable[Dataset]) -> list[Dataset]:
    """Those of the `items` of a sequence that are complete, at most as many as it may have."""
    required = _IN_ITEMS.get(keyword, _CODE if keyword.endswith("CodeSequence") else ())
    complete = []
    for item in items:
        _leave_out(item, _ENTITY, _ENTITY)
        if len(item) and _has_one_of_each(item, required):
            complete.append(item)
    return complete[:1] if keyword in _ONE_ITEM else complete


def leave_out_halves(result: Dataset) -> None:
    """Of patient and study of a result."""
    for keyword in _HOW_REMOVED:
        if keyword in result and not result.get(keyword):
            del result[keyword]
    if result.get("PatientIdentityRemoved") == "YES" and not any(keyword in result for keyword in _HOW_REMOVED):
        del result.PatientIdentityRemoved
    trial = [
        element.keyword for element in result.group_dataset(_TRIAL_GROUP) if element.keyword.startswith("Clinical")
    ]
    if trial and _has_one_of_each(result, _IN_TRIAL):
        for keyword in _TRIAL_TYPE_2:
            if keyword not in result:
                setattr(result, keyword, None)
    else:
        _leave_out(result, _IN_TRIAL, tuple((keyword,) for keyword in trial))


def _leave_out(ds: Dataset, required: _Groups, these: _Groups) -> None:
    if not _has_one_of_each(ds, required):
        for keyword in (keyword for group in these for keyword in group):
            ds.pop(keyword, None)


def _has_one_of_each(item: Dataset, required: _Groups) -> bool:
    return all(any(item.get(keyword) for keyword in group) for group in required)
