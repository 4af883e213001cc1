"""What the machine tells of file systems, owners, ports and its clock."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from scp_node.host import file_system
from scp_node.host.clock import clock_state
from scp_node.host.file_system import file_system_of
from scp_node.host.ownership import chown_line, nearest, owned_by
from scp_node.host.ports import explained, listener_of, port_refusal

MOUNTS = """\
22 1 {device} / / rw - ext4 /dev/vda rw
30 22 {device} / {folder} rw - {kind} server:/x rw
31 22 0:99 / {folder}/deeper rw - proc proc rw
"""


def test_the_file_system_of_a_folder_is_the_innermost_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for kind, is_network, lost_in in (("nfs4", True, ""), ("tmpfs", False, "memory"), ("xfs", False, "")):
        table = tmp_path / "mountinfo"
        table.write_text(MOUNTS.format(device=number, folder=tmp_path.resolve(), kind=kind))
        monkeypatch.setattr(file_system, "MOUNTS", table)
        found = file_system_of(tmp_path)
        assert (found.kind, found.mount_point) == (kind, str(tmp_path.resolve()))
        assert (found.is_network, found.is_lost_in) == (is_network, lost_in)
    monkeypatch.setattr(file_system, "MOUNTS", tmp_path / "absent")
    assert file_system_of(tmp_path).kind == "?"


def test_proc_is_a_file_system_of_its_own() -> None:
    assert file_system_of(Path("/proc")).kind == "proc"


def test_the_nearest_folder_and_its_owner_are_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    assert nearest(tmp_path / "a" / "b") == tmp_path
    assert owned_by(tmp_path).startswith("mode 0750, of ")
    assert chown_line(tmp_path / "a b").endswith(f" '{tmp_path}/a b'")


def test_a_port_is_free_or_taken_by_somebody(port: int) -> None:
    assert port_refusal("127.0.0.1", port) is None and listener_of(port) == ""
    with socket.create_server(("127.0.0.1", port)):
        refusal = port_refusal("127.0.0.1", port)
        assert refusal is not None
        fact, remedy = explained("127.0.0.1", port, refusal, "web")
        assert f"process {os.getpid()} (" in fact and "web.port" in remedy
    assert port_refusal("127.0.0.1", port) is None


def test_an_address_of_another_machine_is_no_port_of_this_one(port: int) -> None:
    refusal = port_refusal("192.0.2.1", port)
    assert refusal is not None and "node.bind" in explained("192.0.2.1", port, refusal, "node")[1]


def test_the_kernel_says_whether_somebody_keeps_the_clock() -> None:
    state = clock_state()
    assert state is None or state.error_s_max >= 0
