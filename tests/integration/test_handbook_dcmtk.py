"""The DCMTK examples of the handbook, as they stand there: the archive and the modality are programs of one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from tests.handbook.shown import Page, certificates, local_node, typed
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.node.node import RunningNode
from tests.support.peers.dcmtk import find_program
from tests.support.peers.ports import free_port, is_listening
from tests.support.peers.program import Program
from tests.support.waiting import until

pytestmark = pytest.mark.peer("storescp", "dcmqrscp", "openssl")
PAGE = Page("connect-dcmtk.md")
PLAIN, WITH_TLS = PAGE.yaml()
(QUERY_CONFIG,) = [text for text in PAGE.blocks("text") if "AETable" in text]


class ShownArchive(Program):
    """The archive of a block of shell lines, in `folder`."""

    name = "the archive of the handbook"

    def __init__(self, commands: str, folder: Path, port: int) -> None:
        super().__init__(folder / "archive.log")
        self.commands, self.folder, self.port = commands, folder, port

    def start(self) -> None:
        # the shell becomes the last program, so that the process that is ended is that one
        before, last = self.commands.strip().rsplit("\n", 1)
        self.launch(["sh", "-euc", f"{before}\nexec {last}"], lambda: is_listening(self.port), folder=self.folder)


def dcmtk(name: str) -> str:
    """pynetdicom's programs of the same names stand beside the Python of the tests."""
    path = find_program(name)
    assert path is not None
    return path


@contextmanager
def connected(
    folder: Path, commands: str, shown: Mapping[str, Any], here: Mapping[str, str], keys: Path | None = None
) -> Iterator[RunningNode]:
    port = free_port()
    for name, local in {**here, "4242": str(port), "2762": str(port)}.items():
        commands = commands.replace(name, local)
    archive = ShownArchive(commands, folder, port)
    node = RunningNode(folder / "node", {}, **local_node(shown, port, keys))
    node.document["routes"][0]["to"] = ["pacs"]
    node.write_config()
    try:
        archive.start()
        node.start()
        yield node
    finally:
        node.stop()
        archive.stop()


def check_the_way_there_and_back(folder: Path, node: RunningNode, commands: str, here: Mapping[str, str]) -> None:
    """Echoes and the radiograph as shown; report and heat map are in the archive's folder."""
    write_dx(folder / "chest.dcm", make_dx(seed=1, rows=600, columns=500))
    here = {**here, "11112": str(node.port), "node.yaml": str(node.config)}
    here |= {f"{name} ": f"{dcmtk(name)} " for name in ("echoscu", "storescu")}
    said = typed(commands, folder, here)
    assert said.count("Received Echo Response (Success)") == said.count("Received Store Response (Success)") == 1
    assert "status 0x0000" in said

    # by their names alone: an archive may still be writing a file
    until(
        lambda: sorted(path.name[:2] for path in (folder / "archive").iterdir() if path.suffix != ".dat"),
        "report and heat map are in the folder",
        enough=["SC", "SR"].__eq__,
    )


def test_storescp_is_an_archive(tmp_path: Path) -> None:
    here = {"storescp ": f"{dcmtk('storescp')} "}
    commands = next(text for text in PAGE.blocks("sh") if "storescp" in text)
    with connected(tmp_path, commands, PLAIN, here) as node:
        check_the_way_there_and_back(tmp_path, node, PAGE.commands("HILUM 127.0.0.1"), {})


def test_storescp_with_tls(tmp_path: Path) -> None:
    keys = certificates(tmp_path / "certificates")
    files = {name: str(keys / name) for name in ("pacs.key", "pacs.pem", "hospital-ca.pem")}
    here = {"storescp ": f"{dcmtk('storescp')} ", **files}
    with connected(tmp_path, PAGE.commands("storescp -v -aet PACS -od archive +B +tls"), WITH_TLS, here, keys) as node:
        commands = PAGE.commands("hilum.example.org")
        check_the_way_there_and_back(tmp_path, node, commands, {"hilum.example.org": "127.0.0.1", **files})
        assert "tls=TLSv1" in node.log()


def test_dcmqrscp_is_an_archive_that_answers_queries(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "archive").mkdir()
    (tmp_path / "dcmqrscp.cfg").write_text(QUERY_CONFIG.replace("4242", str(port)))
    archive = ShownArchive(PAGE.commands("dcmqrscp -v"), tmp_path, port)
    node = RunningNode(tmp_path / "node", {}, **local_node(PLAIN, port))
    node.document["routes"][0]["to"] = ["pacs"]
    node.document["remote_aes"]["pacs"]["verify_by_query"] = True
    node.document["delivery"] |= {"query_wait_s": 0.5}
    node.write_config()
    try:
        archive.start()
        node.start()
        check_the_way_there_and_back(tmp_path, node, PAGE.commands("HILUM 127.0.0.1"), {})
        here = {"4242": str(port), "findscu ": f"{dcmtk('findscu')} "}
        found = typed(PAGE.commands("findscu"), tmp_path, here)
        study = str(dcmread(tmp_path / "chest.dcm").StudyInstanceUID)
        assert study in found
        until(
            lambda: [state for state, _ in node.deliveries(study)],
            lambda: node.log()[-4000:],
            60,
            enough=["committed", "committed"].__eq__,
        )
    finally:
        node.stop()
        archive.stop()
