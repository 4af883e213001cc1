"""Every English label of the results, by where it stands; a test walks them through each language and each font."""

from __future__ import annotations

from converter.declined import DECLINE_REASONS
from converter.result.film_names import IN_SERIES, UNKNOWN, VIEW_NAMES
from converter.result.place import PHRASES
from converter.result.unplaced import NOT_PLACED, UNPLACED

PRESENT, ABSENT, NOT_ANALYSED = "PRESENT", "ABSENT", "NOT ANALYSED"
RESEARCH = "Research use only. Not for diagnosis."
NOTICE = "RESEARCH USE ONLY - NOT FOR DIAGNOSIS"
RESEARCH_LINE = "AI research use only, not for diagnosis"
RAISED = "Suggested priority: raised"
FLAGS = "AI research result: preliminary, verified by no physician."
WRITING = "The name is shown in the writings that the fonts of this document have."
MODEL = "AI model: {name} {version}"
# How many films of a study were analysed, or were not.
ANALYSED_OF, ONE_ANALYSED = "{analysed} of {received} films analysed", "1 film analysed"
NOT_ANALYSED_OF, ONE_NOT_ANALYSED = "{count} of {received} films not analysed", "1 film, not analysed"

VERDICTS = (PRESENT, ABSENT, NOT_ANALYSED)
COUNTS = (ANALYSED_OF, ONE_ANALYSED, NOT_ANALYSED_OF, ONE_NOT_ANALYSED)
# Findings that packages of chest radiographs name, as their concepts mean them; another one is shown as it is named.
FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Fracture",
    "Mass",
    "Nodule",
    "Opacity",
    "Pleural effusion",
    "Pneumonia",
    "Pneumothorax",
    "Pulmonary edema",
    "Pulmonary tuberculosis",
    "Tuberculosis",
)
PICTURE = (
    NOTICE,
    RESEARCH_LINE,
    MODEL,
    "Probability; present at or above {threshold} %",
    "No map: the finding is absent",
    "Class activation (logit units)",
    "line: half of full colour",
    "line: region of attention",
    "low",
    "high",
)
SHEET = (
    FLAGS,
    RAISED,
    RESEARCH,
    "Also present",
    "Patient",
    "Patient ID",
    "Born, sex",
    "Study",
    "Accession number",
    "Report made",
    "Finding",
    "Probability",
    "Present from",
    "Verdict",
    "Assumed",
    "Not analysed",
    "Remarks",
    "Model and limits",
    "Model",
    "Version",
    "Threshold",
    "Calibration",
    "Input",
    "Intended use",
    "All content items of the report",
    "Heat map of {finding}, {film}",
    "Film {film}",
    WRITING,
)
# Abbreviations of views are the same everywhere.
FILMS = (*(name for name in dict.fromkeys(VIEW_NAMES.values()) if not name.isupper()), UNKNOWN, IN_SERIES)
PLACES = (*PHRASES, NOT_PLACED, *UNPLACED.values())
REASONS = tuple(row.sentence for row in DECLINE_REASONS)

LABELS: tuple[str, ...] = (*VERDICTS, *COUNTS, *FINDINGS, *PICTURE, *SHEET, *FILMS, *PLACES, *REASONS)
