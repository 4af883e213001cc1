"""`hilum check-config`: exit 0 with what the node would do, or 2 with every problem."""

from __future__ import annotations

from pathlib import Path

import typer
import yaml
from typer.testing import CliRunner, Result

from scp_node.cli.check_config import check_config
from tests.support.checkout import CONFIG

NODE_YAML = CONFIG / "node.yaml"


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(check_config)
    return CliRunner().invoke(app, list(arguments))


def test_a_good_file_is_summed_up_with_exit_0() -> None:
    result = run(str(NODE_YAML))
    assert result.exit_code == 0
    assert "HILUM listens on 127.0.0.1:11112" in result.stdout
    assert "tls             off: connections are plaintext" in result.stdout
    assert "chest: CR/DX CHEST PA/AP -> pneumonia@2.0.0 -> sr, heatmap" in result.stdout
    assert result.stderr == ""


def test_what_a_route_is_meant_for_and_how_urgent_it_is_stands_in_the_summary(tmp_path: Path) -> None:
    file = tmp_path / "node.yaml"
    document = yaml.safe_load(NODE_YAML.read_text())
    document["routes"] = [
        {
            **document["routes"][0],
            "when": {"from": ["pacs"], "station_name": ["ER*", "ICU?"], "patient_age": {"min_years": 18}},
            "priority": "high",
            "priority_from_header": True,
        }
    ]
    file.write_text(yaml.safe_dump(document))
    told = run(str(file)).stdout
    assert "chest: CR/DX CHEST PA/AP, station_name ER*/ICU?, patient_age 18 to any -> pneumonia@2.0.0 -> sr" in told
    assert "(priority high, or more urgent by the header)" in told


def test_what_a_usable_file_leaves_open_is_told(tmp_path: Path) -> None:
    text = (
        NODE_YAML.read_text()
        .replace("bind: 127.0.0.1", "bind: 0.0.0.0")
        .replace("host: 127.0.0.1", "host: pacs.example")
    )
    opened = tmp_path / "node.yaml"
    opened.write_text(text + "tls:        {allow_plaintext: true}\n")
    result = run(str(opened))
    assert result.exit_code == 0
    told = [line for line in result.stdout.splitlines() if line.startswith("  warning: ")]
    assert "0.0.0.0:11112 takes plaintext from other machines" in told[0]
    assert "any machine that calls itself ORTHANC may store images" in told[1]
    assert "remote_aes.pacs (pacs.example) in plaintext" in told[2]
    assert "warning" not in run(str(NODE_YAML)).stdout


def test_a_bad_file_shows_every_problem_on_standard_error_with_exit_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(NODE_YAML.read_text().replace("4242", "0").replace("may_send", "may_sned"))
    result = run(str(bad))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"{bad}:7:56: remote_aes.pacs.port: must be at least 1; this is 0",
        f"{bad}:7:59: remote_aes.pacs.may_sned: unknown key",
        "    Did you mean 'may_send'?",
        "2 problems; a node that runs keeps its settings, a new one does not start.",
    ]


def test_an_absent_file_ends_with_exit_2(tmp_path: Path) -> None:
    result = run(str(tmp_path / "absent.yaml"))
    assert result.exit_code == 2
    assert "cannot be read: No such file or directory" in result.stderr


def test_a_web_port_that_others_reach_or_the_listener_has_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(NODE_YAML.read_text() + "web:        {bind: 0.0.0.0, port: 11112}\n")
    result = run(str(bad))
    assert result.exit_code == 2
    assert "web.bind: can be reached from other machines, and passwords would travel without TLS" in result.stderr
    assert "web.port: is the port of the DICOM listener" in result.stderr
