"""What DCMTK reads from reports of five studies: finding, probability, verdict, side and regions, group by group."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from converter.result.encode import to_bytes
from tests.support.results.viewed_studies import viewed_studies

STUDIES = {study.name: study for study in viewed_studies()}
RIGHT, BOTH = "Right", "Bilateral"


class Read(NamedTuple):
    """The group of a finding, and how many groups of regions follow it."""

    finding: str
    probability: str
    verdict: str
    side: str = ""
    regions: int = 0


EXPECTED: dict[str, list[Read]] = {
    "adult": [Read("Pneumonia", "95.1", "Present", RIGHT, 1)],
    "negative": [Read("Pneumonia", "1.8", "Absent")],
    "two contours": [Read("Pneumonia", "95.1", "Present", BOTH, 2)],
    "several findings": [
        Read("Opacity", "90.0", "Present", BOTH, 2),
        Read("Pneumonia", "70.0", "Present", RIGHT, 1),
    ],
    "three films": [
        Read("Pneumonia", "97.0", "Present", RIGHT, 1),
        Read("Pneumonia", "60.0", "Present", RIGHT, 1),
        Read("Pneumonia", "20.0", "Absent"),
    ],
}


@pytest.mark.peer("dsrdump")
@pytest.mark.parametrize("name", EXPECTED)
def test_dsrdump_reads_what_was_found(tmp_path: Path, name: str) -> None:
    study, path = STUDIES[name], tmp_path / "report.dcm"
    path.write_bytes(to_bytes(study.objects("sr")[-1]))
    done = subprocess.run(["dsrdump", "+Pl", str(path)], capture_output=True, text=True, check=True)
    assert list(_read(done.stdout)) == EXPECTED[name]


def _read(printed: str) -> Iterator[Read]:
    groups = printed.split('"Measurement Group")=')[1:]
    found = [place for place, group in enumerate(groups) if "Probability" in group]
    for place, following in zip(found, [*found[1:], len(groups)], strict=True):
        group, finding = groups[place], _meaning(groups[place], "Finding")
        (probability,) = re.findall(r'"Probability"\)="([\d.]+)" \(%,UCUM', group)
        regions = groups[place + 1 : following]
        assert all(
            "Image Region" in one and "POLYLINE" in one and _meaning(one, "Finding") == finding for one in regions
        )
        yield Read(finding, f"{float(probability):.1f}", _meaning(group, finding), _side(group), len(regions))


def _meaning(group: str, concept: str) -> str:
    """Of the only code of that name."""
    (meaning,) = re.findall(rf'CODE:\([^)]*"{concept}"\)=\([^)]*"([^"]+)"\)', group)
    return str(meaning)


def _side(group: str) -> str:
    return _meaning(group, "Laterality") if "Laterality" in group else ""
