"""What is told of the place where bytes are kept, before images come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scp_node.checks.blobs import object_store, shared_spool
from scp_node.checks.result import CheckedNode, CheckResult
from scp_node.settings import Settings
from tests.support.node.receiving import receiving_settings
from tests.support.peers.moto import Moto, s3_section


def node(folder: Path, **storage: Any) -> CheckedNode:
    document = receiving_settings(folder).model_dump(mode="json", by_alias=True, exclude_unset=True)
    return CheckedNode(Settings.model_validate({**document, "storage": storage}), network=True)


def told(found: list[CheckResult]) -> tuple[str, str, bool]:
    (one,) = found
    return one.state, one.fact, one.stops


def test_a_shared_folder_that_is_not_mounted_stops_the_node_and_is_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "mnt"
    state, fact, stops = told(list(shared_spool(node(tmp_path, blobs="shared", spool_dir=str(folder)))))
    assert (state, stops) == ("problem", True) and "is not there" in fact
    assert not folder.exists()


def test_a_shared_folder_on_a_disk_of_this_machine_is_told(tmp_path: Path) -> None:
    state, fact, stops = told(list(shared_spool(node(tmp_path, blobs="shared", spool_dir=str(tmp_path)))))
    assert (state, stops) == ("warning", False) and "other machines do not see it" in fact


def test_files_of_one_machine_are_no_matter_of_these_checks(tmp_path: Path) -> None:
    assert [*shared_spool(node(tmp_path)), *object_store(node(tmp_path))] == []


def test_a_store_that_overwrites_nothing_is_fine(moto: Moto, tmp_path: Path) -> None:
    state, fact, _ = told(list(object_store(node(tmp_path, blobs="s3", s3=s3_section(moto.port)))))
    assert (state, "overwrites none" in fact) == ("ok", True)


@pytest.mark.parametrize("values", [{"bucket": "no-such-bucket"}, {"url": "http://127.0.0.1:9"}])
def test_a_store_that_does_not_take_objects_is_told_and_stops_nobody(
    values: dict[str, str], moto: Moto, tmp_path: Path
) -> None:
    section = {**s3_section(moto.port), **values}
    state, fact, stops = told(list(object_store(node(tmp_path, blobs="s3", s3=section))))
    assert (state, stops) == ("problem", False), fact
    assert str(section["secret_access_key"]) not in fact
