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

# Without these PixelMed's validator stops at a limit of the XML library, checks nothing and reports success.
_XPATH_UNLIMITED = " ".join(
    f"-Djdk.xml.{limit}=0" for limit in ("xpathTotalOpLimit", "xpathExprOpLimit", "xpathExprGrpLimit")
)
# dsrdump's VR checker knows single-byte character sets only, and says so.
_CHARACTER_SET_UNSUPPORTED = (
    "The VR checker does not support this Specific Character Set",
    "Reading unknown/unsupported SpecificCharacterSet",
)
# The context group of procedures is extensible (CID 100): any procedure is allowed.
_PROCEDURE = '[Row 4] CODE (121058,DCM,"Procedure reported")'


def dciodvfy(path: Path) -> list[str]:
    """Errors of David Clunie's dciodvfy: the IOD's modules, the content tree of an SR, references within evidence."""
    rc, lines = _run(["dciodvfy", "-new", str(path)])
    errors = [line for line in lines if line.startswith("Error")]
    return errors if errors or rc == 0 else [f"dciodvfy left with {rc}: {lines}"]


def dsrdump(path: Path) -> list[str]:
    """Complaints of DCMTK's dsrdump while it reads a Structured Report."""
    rc, lines = _run(["dsrdump", str(path)])
    complaints = [line for line in lines if re.match(r"[EFW]:", line)]
    problems = [line for line in complaints if not any(known in line for known in _CHARACTER_SET_UNSUPPORTED)]
    return problems if problems or rc == 0 else [f"dsrdump left with {rc}"]


def pixelmed(path: Path) -> list[str]:
    """Errors of PixelMed's DicomSRValidator: every row of TID 1500 and the templates it includes. Slow."""
    _, lines = _run(["DicomSRValidator", str(path)], JAVA_TOOL_OPTIONS=_XPATH_UNLIMITED)
    problems = [line for line in lines if line.startswith("Error") and _PROCEDURE not in line]
    if "Root Template Validation Complete" not in lines:
        problems.append("DicomSRValidator did not complete the validation of the root template")
    return problems


SR_VALIDATORS: dict[str, Callable[[Path], list[str]]] = {"dciodvfy": dciodvfy, "dsrdump": dsrdump}


def _run(command: list[str], **environment: str) -> tuple[int, list[str]]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"not installed: {command[0]}")
    done = subprocess.run(command, capture_output=True, timeout=170, env={**os.environ, **environment}, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
