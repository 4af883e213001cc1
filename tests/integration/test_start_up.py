"""How a node begins: its first line, and what ends it at once, for good, with a sentence that says what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.node.node import RunningNode
from tests.support.node.other_user import as_another_user, hilum_as_nobody
from tests.support.peers.program import running
from tests.unit.checks.site import Site

COMMAND = [sys.executable, "-m", "scp_node.cli"]


class WebNode(RunningNode):
    """The role that starts fastest."""

    only = ("web",)


def hilum(*words: str | Path) -> subprocess.CompletedProcess[str]:
    typed = [*COMMAND, *map(str, words)]
    return subprocess.run(typed, capture_output=True, text=True, check=False, timeout=170, cwd=CHECKOUT)


def test_a_node_says_what_it_is_and_a_second_one_is_told_of_it(tmp_path: Path) -> None:
    with running(WebNode(tmp_path, {"pacs": ("PACS", 104)})) as node:
        supervisor = node.processes()["supervisor"]
        first_line = node.log().splitlines()[0]
        for said in ("Hilum starts version=0", "python=3.", f"config={node.config}", f"data_dir={node.data_dir}"):
            assert said in first_line
        assert "models=pneumonia@2." in first_line and f"pid={supervisor} host=" in first_line

        for roles in (["--only", "web"], []):
            second = hilum("serve", "--config", node.config, *roles)
            assert second.returncode == 2
            assert f"{node.data_dir} is in use by another node: process {supervisor} on " in second.stderr

        doctor = hilum("doctor", "--json", "--config", node.config)
        rows = {row["fact"].partition(":")[0]: row for row in json.loads(doctor.stdout)["checks"]}
        assert rows["runs"]["fact"].startswith(f"runs: process {supervisor} on ")
        held = [row for row in rows.values() if "is held by this node: process " in row["fact"]]
        assert [row["check"] for row in held] == ["ports"]
        assert node.processes()["supervisor"] == supervisor, "nobody was disturbed"

        port = node.web_port
        other = Site(tmp_path / "other")
        other.change("web", port=port)
        busy = hilum("serve", "--config", other.config)
        assert busy.returncode == 2 and "AssertionError" not in busy.stderr
        taken = [line for line in busy.stderr.splitlines() if "Address already in use" in line]
        assert len(taken) == 1 and f"web.port: cannot listen on 127.0.0.1:{port}" in taken[0]
    assert hilum("doctor", "--json", "--config", node.config).returncode in (0, 1)


@as_another_user
@pytest.mark.parametrize("is_there", [False, True])
def test_a_data_folder_that_the_user_cannot_have_ends_it_with_the_line_to_type(tmp_path: Path, is_there: bool) -> None:
    site = Site(tmp_path)
    whose = f"{site.folder} has mode "
    if is_there:
        site.data_dir.mkdir(mode=0o700)
        whose = "mode 0700, of root"
    for words in (["serve", "--config"], ["check-config"]):
        run = hilum_as_nobody(*words, site.config)
        assert run.returncode == 2, run.stderr
        assert f"node.data_dir: {site.data_dir}: cannot be used for the node's data: Permission denied" in run.stderr
        assert whose in run.stderr and "the node runs as nobody" in run.stderr
        assert f"As root: mkdir -p {site.data_dir} && chown -R nobody:nogroup {site.data_dir}" in run.stderr
    doctor = hilum_as_nobody("doctor", "--config", site.config)
    assert doctor.returncode == 1 and "chown -R nobody:nogroup" in doctor.stdout
