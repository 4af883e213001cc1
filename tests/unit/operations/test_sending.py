"""Sending files to a remote AE: each file's fate is told at once, the act is recorded without their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.image.sop_classes import SECONDARY_CAPTURE
from scp_node.deliver.dimse.file_transfer import FileOutcome
from scp_node.dimse.uids import COMPREHENSIVE_SR
from scp_node.errors import UsageError
from scp_node.operations.acts import Act
from scp_node.operations.sending import files_to_send, send_files
from scp_node.settings import Settings
from tests.support.dicom.objects import small_file
from tests.support.peers.archives import scripted_archive
from tests.unit.operations.recorder import operator_and_acts


def settings(port: int) -> Settings:
    return Settings.model_validate(
        {
            "node": {"ae_title": "HILUM"},
            "remote_aes": {"pacs": {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": port, "may_send": True}},
            "routes": [{"name": "chest", "model": "tiny", "to": ["pacs"]}],
            "delivery": {"connect_timeout_s": 2, "response_timeout_s": 5},
        }
    )


def test_files_of_a_folder_are_stored_and_each_is_told_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "DOE^JOHN"
    folder.mkdir()
    small_file(folder, SECONDARY_CAPTURE)
    small_file(folder, SECONDARY_CAPTURE)
    (folder / "notes.txt").write_text("no DICOM")
    anna, acts = operator_and_acts()
    told: list[FileOutcome] = []
    with scripted_archive() as archive:
        wanted = files_to_send(settings(archive.port), "pacs", [folder])
        sent = send_files(wanted, anna, told.append)
    assert tuple(told) == sent.outcomes and sent.stored == len(wanted.paths) == 2
    assert acts == [sent.act] == [Act("send-files", "remote-ae", "pacs", "anna", "done", "2 of 2 files stored")]
    assert "DOE" not in str(acts)


def test_an_act_that_left_a_file_behind_has_failed(tmp_path: Path) -> None:
    files = [small_file(tmp_path, SECONDARY_CAPTURE), small_file(tmp_path, COMPREHENSIVE_SR)]
    anna, _ = operator_and_acts()
    with scripted_archive(classes=[SECONDARY_CAPTURE]) as archive:
        sent = send_files(files_to_send(settings(archive.port), "pacs", files), anna, lambda one: None)
    assert (sent.stored, sent.act.outcome, sent.act.detail) == (1, "failed", "1 of 2 files stored")


def test_an_act_that_is_interrupted_is_recorded_with_what_was_stored_by_then(tmp_path: Path) -> None:
    files = [small_file(tmp_path, SECONDARY_CAPTURE) for _ in range(3)]
    anna, acts = operator_and_acts()

    def interrupt(one: FileOutcome) -> None:
        raise KeyboardInterrupt

    with scripted_archive() as archive:
        wanted = files_to_send(settings(archive.port), "pacs", files)
        with pytest.raises(KeyboardInterrupt):
            send_files(wanted, anna, interrupt)
    assert [(act.outcome, act.detail) for act in acts] == [("failed", "1 of 3 files stored")]


def test_an_unknown_remote_ae_and_a_folder_without_dicom_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no remote AE is called 'pasc'; known: pacs"):
        files_to_send(settings(104), "pasc", [small_file(tmp_path)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="there is no DICOM file"):
        files_to_send(settings(104), "pacs", [tmp_path / "empty"])
