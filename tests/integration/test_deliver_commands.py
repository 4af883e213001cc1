"""`hilum echo` and `hilum send` as an admin runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.cli.echo import echo
from scp_node.cli.send import send
from scp_node.deliver.result_objects import RESULT_CLASSES
from scp_node.dimse.uids import COMPREHENSIVE_SR, STORAGE_COMMITMENT, STUDY_ROOT_FIND
from tests.support.dicom.objects import small_file
from tests.support.peers.archives import scripted_archive
from tests.support.peers.orthanc import running_orthanc
from tests.support.peers.ports import free_port

CONFIG = """
node: {{ae_title: HILUM}}
remote_aes:
  pacs: {{ae_title: {ae_title}, host: 127.0.0.1, port: {port}, may_send: true}}
routes:
  - {{name: chest, model: pneumonia, to: [pacs]}}
delivery: {{connect_timeout_s: 2, response_timeout_s: 5}}
"""


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command("echo")(echo)
    app.command("send")(send)
    return app


def run(app: typer.Typer, config: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*arguments, "--config", str(config)])
    return result.exit_code, " ".join(result.output.split())


def write_config(folder: Path, port: int, ae_title: str = "ARCHIVE") -> Path:
    path = folder / "node.yaml"
    path.write_text(CONFIG.format(ae_title=ae_title, port=port))
    return path


def test_echo_shows_latency_and_accepted_classes(tmp_path: Path, app: typer.Typer) -> None:
    with scripted_archive() as archive:
        code, output = run(app, write_config(tmp_path, archive.port), "echo")
    assert code == 0
    assert "pacs: ARCHIVE at 127.0.0.1" in output and "called by HILUM" in output
    assert "C-ECHO" in output and "status 0x0000" in output
    assert "Comprehensive 3D SR accepted (Explicit VR LE, Implicit VR LE)" in output
    assert "Storage Commitment not accepted" in output and "Query (C-FIND) not accepted" in output


def test_echo_shows_that_an_archive_offers_storage_commitment(tmp_path: Path, app: typer.Typer) -> None:
    with scripted_archive(classes=[*RESULT_CLASSES, STORAGE_COMMITMENT]) as archive:
        code, output = run(app, write_config(tmp_path, archive.port), "echo")
    assert code == 0
    assert "Storage Commitment accepted (Explicit VR LE, Implicit VR LE)" in output


def test_echo_shows_what_all_take_in_one_table(tmp_path: Path, app: typer.Typer) -> None:
    with scripted_archive(classes=[COMPREHENSIVE_SR, SECONDARY_CAPTURE, STUDY_ROOT_FIND]) as archive:
        config = write_config(tmp_path, archive.port)
        text = config.read_text()
        assert "remote_aes:\n" in text
        away = f"  away: {{ae_title: AWAY, host: 127.0.0.1, port: {free_port()}}}\n"
        config.write_text(text.replace("remote_aes:\n", f"remote_aes:\n{away}"))
        code, output = run(app, config, "echo", "--matrix")
    assert code == 1
    for line in (
        "away pacs answers no yes",
        "Comprehensive 3D SR - no",
        "Secondary Capture - yes",
        "Query (C-FIND) - yes",
    ):
        assert line in output


def test_echo_says_when_reports_go_as_comprehensive_sr(tmp_path: Path, app: typer.Typer) -> None:
    with scripted_archive(classes=[COMPREHENSIVE_SR, SECONDARY_CAPTURE]) as archive:
        code, output = run(app, write_config(tmp_path, archive.port), "echo", "pacs")
    assert code == 0
    assert "Comprehensive 3D SR not accepted" in output
    assert "reports go there as Comprehensive SR" in output


def test_echo_fails_when_a_route_needs_a_class_that_is_refused(tmp_path: Path, app: typer.Typer) -> None:
    with scripted_archive(classes=[COMPREHENSIVE_SR]) as archive:
        code, output = run(app, write_config(tmp_path, archive.port), "echo")
    assert code == 1
    assert "it takes no Secondary Capture" in output


@pytest.mark.parametrize(
    ("ae_title", "advice"), [("WRONG", "does not answer to that AE title"), ("ARCHIVE", "nothing listens on that port")]
)
def test_echo_tells_a_wrong_name_from_a_closed_port(
    tmp_path: Path, app: typer.Typer, port: int, ae_title: str, advice: str
) -> None:
    with scripted_archive() as archive:
        there = archive.port if ae_title == "WRONG" else port
        code, output = run(app, write_config(tmp_path, there, ae_title), "echo")
    assert code == 1
    assert advice in output


@pytest.mark.peer("Orthanc")
def test_send_stores_a_folder_in_orthanc_over_one_association(tmp_path: Path, app: typer.Typer) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for uid in (SECONDARY_CAPTURE, COMPREHENSIVE_SR, SECONDARY_CAPTURE):
        small_file(files, uid)
    (files / "notes.txt").write_text("no DICOM")
    with running_orthanc(tmp_path / "orthanc") as archive:
        code, output = run(app, write_config(tmp_path, archive.dicom_port, "ORTHANC"), "send", "pacs", str(files))
        assert len(archive.instances()) == 3
    assert code == 0
    assert "3 of 3 files stored at pacs" in output


def test_send_names_each_file_that_was_not_stored(tmp_path: Path, app: typer.Typer) -> None:
    good, refused = small_file(tmp_path, SECONDARY_CAPTURE), small_file(tmp_path, COMPREHENSIVE_SR)
    text = tmp_path / "notes.txt"
    text.write_text("no DICOM")
    with scripted_archive(classes=[SECONDARY_CAPTURE]) as archive:
        config = write_config(tmp_path, archive.port)
        code, output = run(app, config, "send", "pacs", str(good), str(refused), str(text))
    assert code == 1
    assert "notes.txt: not-part10" in output
    assert f"{refused.name}: class-not-accepted: not sent to ARCHIVE: it does not take objects" in output
    assert f"{good.name}: stored: stored [status 0x0000]" in output
    assert "1 of 3 files stored" in output
    assert archive.associations == 1


def test_send_without_a_listener_names_every_file(tmp_path: Path, app: typer.Typer, port: int) -> None:
    files = [small_file(tmp_path) for _ in range(2)]
    code, output = run(app, write_config(tmp_path, port), "send", "pacs", *map(str, files))
    assert code == 1
    assert output.count("connection-refused") == 2
