"""What runs in CI is what was looked at: actions by commit, and no more rights than reading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.checkout import CHECKOUT

WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.y*ml"))
_USES = re.compile(r"^[\s-]*[\"']?uses[\"']?\s*:\s*(.*?)\s*$", re.M)
# A tag can be moved to another commit by whoever owns the action, or has stolen its key; a commit cannot.
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# A step of this repository itself is as it stands in the commit that is tested.
_OWN = re.compile(r"\./[\w./-]+")


def unpinned(text: str) -> list[str]:
    return [used for used in _USES.findall(text) if not (_PINNED.fullmatch(used) or _OWN.fullmatch(used))]


def rights(text: str) -> list[Any]:
    """What a workflow and its jobs may do; None where one of them says nothing, and the default of the host holds."""
    workflow = yaml.safe_load(text)
    jobs = [job["permissions"] for job in workflow["jobs"].values() if "permissions" in job]
    return [workflow.get("permissions"), *jobs]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_bound_to_a_commit_and_say_their_version(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert _USES.findall(text) and unpinned(text) == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_nothing_else(path: Path) -> None:
    assert all(right == {"contents": "read"} for right in rights(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "used",
    [
        "actions/checkout@v6",
        "actions/checkout@main",
        "actions/checkout@de0fac2",
        f"actions/checkout@{'a' * 40}",
        f"actions/checkout@{'a' * 40} # latest",
        "docker://alpine:3",
    ],
)
def test_an_action_that_can_change_is_found(used: str) -> None:
    assert unpinned(f"      - uses: {used}\n") == [used]
    assert unpinned(f"      - name: a step\n        uses: {used}\n") == [used]


@pytest.mark.parametrize("used", [f"actions/checkout@{'a' * 40} # v1.2.3", "./.github/actions/own"])
def test_an_action_that_cannot_change_is_none(used: str) -> None:
    assert unpinned(f"      - uses: {used}\n") == []
