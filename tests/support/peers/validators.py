"""Other people's validators as judges of our results: what each one finds wrong, one string a problem.

A validator that is not installed skips the test that asks it, by name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread

# Without these PixelMed's validator stops at a limit of the XML library, checks nothing and reports success.
_XPATH_UNLIMITED = " ".join(
    f"-Djdk.xml.{limit}=0" for limit in ("xpathTotalOpLimit", "xpathExprOpLimit", "xpathExprGrpLimit")
)
# dsrdump's VR checker knows single-byte character sets only, and it knows no template of key objects; it says so.
_UNSUPPORTED = (
    "The VR checker does not support this Specific Character Set",
    "Reading unknown/unsupported SpecificCharacterSet",
    "Check for template constraints not yet supported",
)
# The context group of procedures is extensible (CID 100): any procedure is allowed.
# "within 1.10.1: /CONTAINER ...: Missing conditional content item": the places from the root down.
_IN_GROUP = re.compile(r"within (?P<places>[0-9.]+): .*Missing conditional content item")
_PROCEDURE = '[Row 4] CODE (121058,DCM,"Procedure reported")'

# dcmpschk takes no DT with both a fraction and an offset, against the pattern that it shows beside it; and no UTF-8.
_MISJUDGED = ("ContributionDateTime", "PatientName", "StudyDescription", "RequestedProcedureDescription")
_ABOUT_VALUES = "Attribute value does not conform to data type definition"
_DETAILS = ("E:    Attribute value", "E:    Expected format")


def dciodvfy(path: Path) -> list[str]:
    """Errors of David Clunie's dciodvfy: the IOD's modules, the content tree of an SR, references within evidence."""
    rc, lines = _run(["dciodvfy", "-new", str(path)])
    errors = [line for line in lines if line.startswith("Error")]
    return errors if errors or rc == 0 else [f"dciodvfy left with {rc}: {lines}"]


def dsrdump(path: Path) -> list[str]:
    """Complaints of DCMTK's dsrdump while it reads a Structured Report."""
    rc, lines = _run(["dsrdump", str(path)])
    complaints = [line for line in lines if re.match(r"[EFW]:", line)]
    problems = [line for line in complaints if not any(known in line for known in _UNSUPPORTED)]
    return problems if problems or rc == 0 else [f"dsrdump left with {rc}"]


def pixelmed(path: Path) -> list[str]:
    """Errors of PixelMed's DicomSRValidator: every row of TID 1500 and the templates it includes. Slow."""
    _, lines = _run(["DicomSRValidator", str(path)], JAVA_TOOL_OPTIONS=_XPATH_UNLIMITED)
    problems = [line for line in lines if line.startswith("Error") and _PROCEDURE not in line]
    problems = [line for line in problems if not _is_of_a_region(line, path)]
    if "Root Template Validation Complete" not in lines:
        problems.append("DicomSRValidator did not complete the validation of the root template")
    return problems


def _is_of_a_region(line: str, path: Path) -> bool:
    """Whether a row of TID 1410 is missed in a group that says that it is one of TID 1501, which has no region: the
    validator tries the templates of a measurement group in turn."""
    found = _IN_GROUP.search(line)
    if found is None or "Template 1410 " not in line:
        return False
    item = dcmread(path)
    for place in map(int, found["places"].split(".")[1:]):
        item = item.ContentSequence[place - 1]
    return [one.TemplateIdentifier for one in item.get("ContentTemplateSequence") or ()] == ["1501"]


def dcmpschk(path: Path) -> list[str]:
    """Errors of DCMTK's dcmpschk: the data dictionary, and the meaning of a presentation state as a whole."""
    rc, lines = _run(["dcmpschk", "--verbose", str(path)])
    affected = [line for line in lines if "Affected attribute" in line]
    problems = [line for line in affected if not any(known in line for known in _MISJUDGED)]
    passed = any("Pass 3" in line for line in lines) and rc in (0, 1)
    reasons = [line for line in lines if line.startswith("E:") and "Affected" not in line and _ABOUT_VALUES not in line]
    problems += [line for line in reasons if line.strip("E: ") and not line.startswith(_DETAILS)]
    return problems if passed else [*problems, f"dcmpschk left with {rc}: {lines}"]


SR_VALIDATORS: dict[str, Callable[[Path], list[str]]] = {"dciodvfy": dciodvfy, "dsrdump": dsrdump}


def _run(command: list[str], **environment: str) -> tuple[int, list[str]]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"not installed: {command[0]}")
    done = subprocess.run(command, capture_output=True, timeout=170, env={**os.environ, **environment}, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
