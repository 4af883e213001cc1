"""The Orthanc and openssl examples of the handbook, as they stand there, with a whole node beside them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.handbook.documents import HANDBOOK
from tests.handbook.markdown import fences
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.node.node import RunningNode
from tests.support.peers.orthanc import Orthanc

pytestmark = pytest.mark.peer("Orthanc", "openssl")
EXAMPLES = fences((HANDBOOK / "connect-a-pacs.md").read_text(encoding="utf-8"))
PLAIN, SECURED = (json.loads(fence.text) for fence in EXAMPLES if fence.language == "json")
(SCRIPT,) = (fence.text for fence in EXAMPLES if fence.language == "lua")
(CERTIFICATES,) = (fence.text for fence in EXAMPLES if fence.text.startswith("openssl"))
PACS = {"ae_title": "ORTHANC", "host": "127.0.0.1", "may_send": True, "storage_commitment": True}


@contextmanager
def connected(folder: Path, options: dict[str, Any], **sections: Any) -> Iterator[tuple[RunningNode, Orthanc]]:
    """Orthanc with the options of an example, and a node; only hosts, ports and folders are those of the test."""
    script = folder / "hilum.lua"
    script.write_text(SCRIPT)
    archive = Orthanc(folder / "orthanc", options.get("DicomAet", "ORTHANC"))
    pacs = {**PACS, **sections.pop("pacs", {}), "port": archive.dicom_port}
    node = RunningNode(folder / "node", {}, remote_aes={"pacs": pacs}, **sections)
    node.document["routes"][0]["to"] = ["pacs"]
    node.write_config()
    hilum = options["DicomModalities"]["hilum"]
    here = {"Host": "127.0.0.1", "Port": node.port}
    reached = {**hilum, **here} if isinstance(hilum, dict) else [hilum[0], *here.values()]
    changed = {"DicomPort": archive.dicom_port, "LuaScripts": [str(script)], "DicomModalities": {"hilum": reached}}
    archive.options |= {**options, **changed}
    try:
        archive.start()
        node.start()
        yield node, archive
    finally:
        node.stop()
        archive.stop()


def check_the_way_there_and_back(node: RunningNode, archive: Orthanc, folder: Path) -> None:
    """An image that Orthanc stores is routed to the node, and its results are in Orthanc, and confirmed."""
    image = write_dx(folder / "chest.dcm", make_dx(seed=1, rows=600, columns=500))
    command = [sys.executable, "-m", "scp_node.cli", "send", "pacs", str(image), "--config", str(node.config)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    archive.wait_for_instances(3)
    modalities = [archive.tags(one)["Modality"] for one in archive.instances()]
    assert sorted(modalities) == ["DX", "OT", "SR"]
    deadline = time.monotonic() + 60
    while node.log().count("delivery committed") < 2:
        assert time.monotonic() < deadline, "Orthanc did not confirm both results"
        time.sleep(0.1)


def test_orthanc_without_tls(tmp_path: Path) -> None:
    with connected(tmp_path, PLAIN) as (node, archive):
        check_the_way_there_and_back(node, archive, tmp_path)


def test_orthanc_with_tls_and_certificates_made_as_shown(tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    local = CERTIFICATES.replace("DNS:hilum.example.org", "IP:127.0.0.1")
    of_pacs = local[local.index("openssl req -newkey") :].replace("hilum.example", "pacs.example")
    of_pacs = of_pacs.replace("node.", "pacs.")
    for script in (local, of_pacs):
        made = subprocess.run(["sh", "-euc", script], cwd=certificates, capture_output=True, text=True, timeout=60)
        assert made.returncode == 0, made.stderr
        assert "IP Address:127.0.0.1" in made.stdout and "Fingerprint" in made.stdout

    def local_file(value: Any) -> Any:
        return str(certificates / Path(value).name) if isinstance(value, str) and value.startswith("/etc") else value

    files = {key: str(certificates / name) for key, name in (("certificate", "node.pem"), ("key", "node.key"))}
    options = {key: local_file(value) for key, value in SECURED.items()}
    tls = {"profile": "bcp195", **files, "ca": str(certificates / "hospital-ca.pem")}
    bound = {"certificate_subject": "CN=pacs.example.org"}
    with connected(tmp_path, options, pacs=bound, tls=tls) as (node, archive):
        check_the_way_there_and_back(node, archive, tmp_path)
        assert "tls=TLSv1" in node.log()
