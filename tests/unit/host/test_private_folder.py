"""What a node holds is for its user alone: folder, files, memory."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scp_node.errors import ConfigurationError
from scp_node.host.private_folder import keep_folder_private
from tests.support.checkout import CHECKOUT

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to another user")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_folder_is_private_with_the_parents_that_it_needs(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        keep_folder_private(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "b") == 0o700


@pytest.mark.parametrize("open_mode", [0o755, 0o750, 0o701, 0o770, 0o777, 0o2755])
def test_a_folder_that_is_open_is_closed_with_what_lies_in_it(
    tmp_path: Path, open_mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "data"
    (folder / "locks").mkdir(parents=True)
    names = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-waiting")
    for name in names:
        (folder / name).touch()
        (folder / name).chmod(0o644)
    (folder / "locks").chmod(0o755)
    outside = tmp_path / "outside"
    outside.touch()
    outside.chmod(0o644)
    (folder / "link").symlink_to(outside)
    folder.chmod(open_mode)
    with caplog.at_level(logging.WARNING):
        keep_folder_private(folder)
    assert mode(folder) == 0o700 and mode(folder / "locks") == 0o700
    assert {mode(folder / name) for name in names} == {0o600}
    assert mode(outside) == 0o644, "a link leads out of the folder"
    assert "data folder was open to others and is closed now" in caplog.text
    caplog.clear()
    keep_folder_private(folder)
    assert not caplog.records, "said once"


@as_root
@pytest.mark.parametrize(("found", "is_refused"), [(0o755, True), (0o710, True), (0o770, True), (0o700, False)])
def test_an_open_folder_of_another_user_is_refused(tmp_path: Path, found: int, is_refused: bool) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(found)
    os.chown(folder, 65534, 65534)
    if not is_refused:
        keep_folder_private(folder)
        return
    with pytest.raises(ConfigurationError) as raised:
        keep_folder_private(folder)
    assert str(folder) in str(raised.value) and "chmod 700" in str(raised.value)
    assert mode(folder) == found


@pytest.mark.parametrize("kind", ["file", "below a file", "link to nothing"])
def test_what_can_be_no_folder_is_an_error_of_the_configuration(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link to nothing").symlink_to(tmp_path / "gone" / "gone")
    path = {"below a file": tmp_path / "file" / "data"}.get(kind, tmp_path / kind)
    with pytest.raises(ConfigurationError, match="cannot be used for the node's data"):
        keep_folder_private(path)


PROCESS = """
import ctypes, os, resource, sys
from pathlib import Path
{entry}
Path(sys.argv[1], 'made').touch()
Path(sys.argv[1], 'folder').mkdir()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE
"""
ENTRIES = {
    "command": "from scp_node import cli\ncli.build_app = lambda *_: lambda **__: None\ncli.main()",
    "role": "from scp_node.node import role\nrole.SettingsFeed = lambda *_: sys.exit(0)\n"
    "try: role.main('receiver')\nexcept SystemExit: pass",
    "child": "from scp_node.decode import child\nchild.step_back = lambda *_: None\n"
    "os.dup2, dup2 = lambda *_: None, os.dup2\nresource.setrlimit, limit = (lambda which, value: "
    "limit(which, value) if which == resource.RLIMIT_CORE else None), resource.setrlimit\nchild._limit(0, 0, 0)",
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")
@pytest.mark.parametrize("entry", ENTRIES)
def test_every_process_is_private_from_its_first_step(tmp_path: Path, entry: str) -> None:
    command = [sys.executable, "-c", PROCESS.format(entry=ENTRIES[entry]), str(tmp_path)]
    before = os.umask(0o022)
    try:
        said = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=True).stdout
    finally:
        os.umask(before)
    assert said == "(0, 0) 0\n"
    assert mode(tmp_path / "made") == 0o600 and mode(tmp_path / "folder") == 0o700


def test_the_unit_of_systemd_says_the_same() -> None:
    unit = (CHECKOUT / "config" / "deploy" / "hilum.service").read_text()
    assert {"UMask=0077", "LimitCORE=0", "StateDirectoryMode=0700", "NoNewPrivileges=true"} <= set(unit.splitlines())
