"""Which process of a node has which OpenSSL: wheels bring copies of an old one, which nothing here calls."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode
from tests.support.peers.modality import store
from tests.support.waiting import until
from tests.unit.house.modules import modules_of, name_of

OPENCV = "opencv_python_headless"
# Role to the wheels whose OpenSSL may be in its memory. FFmpeg in OpenCV's wheel is linked to it, for video from the
# network; what speaks TLS here is Python's module ssl, with the OpenSSL of the system.
COPIES = {"supervisor": set(), "receiver": set(), "web": set(), "worker": {OPENCV}, "shadow": {OPENCV}}


def holders(maps: str) -> set[str]:
    """The wheels whose copy of OpenSSL, or whose GDCM, is mapped."""
    copies = re.findall(r"/([^/\n]+)\.libs/lib(?:ssl|crypto)[^/\n]*$", maps, re.M)
    return set(copies) | ({"python_gdcm"} if "_gdcm" in maps else set())


def mapped_after(code: str) -> set[str]:
    command = [sys.executable, "-c", f"{code}\nprint(open('/proc/self/maps').read())"]
    return holders(
        subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True, timeout=120).stdout
    )


@pytest.mark.parametrize("role", COPIES)
def test_a_role_imports_no_other_copy_of_openssl(role: str) -> None:
    assert mapped_after(f"import scp_node.node.{role}") == COPIES[role]


def test_gdcm_is_mapped_where_strangers_pixels_are_decoded() -> None:
    code = "import scp_node.decode.child; from converter.image.gdcm import gdcm; gdcm()"
    assert mapped_after(code) == {OPENCV, "python_gdcm"}


def test_opencv_is_never_asked_for_video_or_files() -> None:
    """Its FFmpeg, and with it the copy of OpenSSL, does nothing unless somebody opens a video."""
    asking = re.compile(r"cv2\.(Video\w+|imread\w*|imwrite\w*|FileStorage|dnn\w*)")
    found = [name_of(path) for path in modules_of("scp_node", "converter") if asking.search(path.read_text("utf-8"))]
    assert found == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the node's processes keep their memory from everybody but root")
def test_a_node_that_has_analysed_has_the_copies_where_they_belong(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "node", {"pacs": ("NOBODY", 1)})
    try:
        node.start()
        assert store(node.port, [make_dx()]) == [0x0000]
        until(lambda: re.search("image (judged|declined)", node.log()), node.log)
        found = {role: holders(Path(f"/proc/{pid}/maps").read_text()) for role, pid in node.processes().items()}
        assert {role: copies for role, copies in found.items() if role in COPIES} == {
            role: COPIES[role] for role in found if role in COPIES
        }
        assert {"supervisor", "receiver", "worker", "web"} <= set(found)
        assert any(role.startswith("decode-") for role in found)
    finally:
        node.stop()
