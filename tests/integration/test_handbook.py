"""The Orthanc and openssl examples of the handbook, as they stand there, with a whole node beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.handbook.shown import Page, certificates, local_node, typed
from tests.support.checkout import CONFIG
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.node.node import RunningNode
from tests.support.peers.orthanc import Orthanc

pytestmark = pytest.mark.peer("Orthanc", "openssl", "curl")
PAGE = Page("connect-orthanc.md")
PLAIN, SECURED = PAGE.json()
(SCRIPT,) = PAGE.blocks("lua")
ELSEWHERE, WITH_TLS = PAGE.yaml()
EXAMPLE = yaml.safe_load((CONFIG / "node.yaml").read_text(encoding="utf-8"))
SENT = "hilum send pacs chest.dcm --config node.yaml\n"


@contextmanager
def connected(
    folder: Path, options: dict[str, Any], shown: dict[str, Any], keys: Path | None = None
) -> Iterator[tuple[RunningNode, Orthanc]]:
    """Orthanc and a node with the options that the page shows; only hosts, ports and folders are those of the test."""
    script = folder / "hilum.lua"
    script.write_text(SCRIPT)
    archive = Orthanc(folder / "orthanc", options["DicomAet"])
    node = RunningNode(folder / "node", {}, **local_node(shown, archive.dicom_port, keys))
    node.document["routes"][0]["to"] = ["pacs"]
    node.write_config()
    hilum = {**options["DicomModalities"]["hilum"], "Host": "127.0.0.1", "Port": node.port}
    storage = str(archive.folder / "storage")
    archive.options |= {
        **{key: local_file(value, keys) for key, value in options.items()},
        **{"DicomPort": archive.dicom_port, "HttpPort": archive.http_port},
        **{"StorageDirectory": storage, "IndexDirectory": storage},
        **{"LuaScripts": [str(script)], "DicomModalities": {"hilum": hilum}},
    }
    try:
        archive.start()
        node.start()
        yield node, archive
    finally:
        node.stop()
        archive.stop()


def local_file(value: Any, keys: Path | None) -> Any:
    is_file = isinstance(value, str) and value.startswith("/etc/orthanc/")
    return str(keys / Path(value).name) if keys and is_file else value


def check_the_way_there_and_back(node: RunningNode, archive: Orthanc, folder: Path) -> None:
    """Both sides answer an echo; an image that Orthanc stores is routed to the node, and its results are in Orthanc,
    and confirmed."""
    here = {"node.yaml": str(node.config), "127.0.0.1:8042": f"127.0.0.1:{archive.http_port}"}
    answers = typed(PAGE.commands("hilum echo"), folder, here)
    assert "status 0x0000" in answers and answers.rstrip().endswith("{}")
    write_dx(folder / "chest.dcm", make_dx(seed=1, rows=600, columns=500))
    typed(SENT, folder, {"node.yaml": str(node.config)})
    archive.wait_for_instances(3)
    modalities = [archive.tags(one)["Modality"] for one in archive.instances()]
    assert sorted(modalities) == ["DX", "OT", "SR"]
    deadline = time.monotonic() + 60
    while node.log().count("delivery committed") < 2:
        assert time.monotonic() < deadline, "Orthanc did not confirm both results"
        time.sleep(0.1)


@pytest.mark.parametrize("shown", [EXAMPLE, ELSEWHERE], ids=["this machine", "another machine"])
def test_orthanc_without_tls(tmp_path: Path, shown: dict[str, Any]) -> None:
    with connected(tmp_path, PLAIN, shown) as (node, archive):
        check_the_way_there_and_back(node, archive, tmp_path)


def test_orthanc_with_tls_and_certificates_made_as_shown(tmp_path: Path) -> None:
    keys = certificates(tmp_path / "certificates")
    with connected(tmp_path, {**PLAIN, **SECURED}, WITH_TLS, keys) as (node, archive):
        check_the_way_there_and_back(node, archive, tmp_path)
        assert "tls=TLSv1" in node.log()


def test_the_page_shows_the_command_that_sends() -> None:
    assert SENT.strip() in " ".join((CONFIG / "handbook" / "connect-orthanc.md").read_text(encoding="utf-8").split())
