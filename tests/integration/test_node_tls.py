"""A whole node under TLS: images come in from DCMTK's storescu, results go out to its storescp, nobody else gets in."""

from __future__ import annotations

import functools
import math
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from scp_node.deliver.part10 import read_part10
from tests.support import waiting
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.certificates import Authority, Identity, tls_section
from tests.support.peers.dcmtk import program, running_storescp
from tests.support.peers.raw_scu import RawPeer

pytestmark = pytest.mark.peer("storescu", "storescp")
until = functools.partial(waiting.until, timeout_s=90.0, pause_s=0.1)
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def send(node: RunningNode, own: Identity, ca: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    command = [program("storescu"), "-v", "-aet", "MODALITY", "-aec", "HILUM", "+tls", own.key, own.certificate]
    command += ["+cf", ca, "127.0.0.1", node.port, *files]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)


def test_images_come_in_and_results_go_out_over_tls_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    own = authority.identity("node", days=20, rsa_bits=2048)
    modality, pacs = authority.identity("modality", rsa_bits=2048), authority.identity("pacs", rsa_bits=2048)
    first, second = (make_dx(seed=seed, rows=600, columns=500) for seed in (1, 2))
    files = [write_dx(tmp_path / f"{ds.StudyInstanceUID}.dcm", ds) for ds in (first, second)]
    options = ("+tls", str(pacs.key), str(pacs.certificate), "+cf", str(authority.ca))
    with (
        running_storescp(tmp_path / "scp", "PACS", *options) as archive,
        running_node(tmp_path / "node", {"pacs": ("PACS", archive.port)}, tls=tls_section(authority, own)) as node,
    ):
        assert "TLS certificate expires" in node.log() and "days_left=19" in node.log()
        until(lambda: 19 < days_of_certificate(node) < 20, "the metric")

        assert send(node, modality, authority.ca, files[0]).returncode == 0
        until(lambda: len(archive.files()) == 2, "report and heat map of the first study")

        authority.identity("node", days=300, rsa_bits=2048)
        node.document["remote_aes"]["modality"]["certificate_sha256"] = ["00" * 32]
        node.write_config()
        assert node.process is not None
        node.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in node.log(), "the reload")
        until(lambda: send(node, modality, authority.ca, files[1]).returncode != 0, "the refusal")
        until(lambda: "none of the fingerprints of modality" in node.log(), "the line in the log")

        node.document["remote_aes"]["modality"]["certificate_sha256"] = [modality.sha256]
        node.write_config()
        node.process.send_signal(signal.SIGHUP)
        until(lambda: send(node, modality, authority.ca, files[1]).returncode == 0, "the admission")
        until(lambda: len(archive.files()) == 4, "report and heat map of the second study")
        until(lambda: days_of_certificate(node) > 298, "the metric of the new certificate")
        with RawPeer(node.port) as plain, pytest.raises(ConnectionError):
            plain.associate()
        stored = {read_part10(path).sop_class_uid for path in archive.files()}
    assert len(stored) == 2


def days_of_certificate(node: RunningNode) -> float:
    """What /metrics says, in days; not a number while it says nothing."""
    try:
        with OPENER.open(f"http://127.0.0.1:{node.web_port}/metrics", timeout=10) as response:
            lines: list[str] = response.read().decode().splitlines()
    except urllib.error.URLError:
        return math.nan
    name = 'hilum_certificate_expiry_seconds{certificate="own"} '
    return next((float(line.removeprefix(name)) / 86400 for line in lines if line.startswith(name)), math.nan)
