"""Debian's Orthanc as the archive of a test: own folder, own free ports, own configuration, ended by its process id."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.peers.ports import free_port, is_listening

PROGRAM = shutil.which("Orthanc") or "Orthanc"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
# The archive is on this machine: a proxy of the environment must not be asked.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Orthanc:
    """A running Orthanc. `start` and `stop` may alternate: folder and ports stay, as in a restarted archive."""

    def __init__(self, folder: Path, ae_title: str = "ORTHANC", **options: Any) -> None:
        self.folder, self.ae_title, self.options = folder, ae_title, options
        self.host = "127.0.0.1"
        self.dicom_port, self.http_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log_path(self) -> Path:
        return self.folder / "orthanc.log"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = {
            "Name": "Hilum test archive",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "Plugins": [],
            "LuaScripts": [],
            "DicomAet": self.ae_title,
            "DicomPort": self.dicom_port,
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "StableAge": 1,
            **self.options,
        }
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(configuration, indent=2))
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen([PROGRAM, str(path)], stdout=log, stderr=log)
        self._wait_until(lambda: is_listening(self.dicom_port) and self._answers(), START_TIMEOUT_S, "start")

    def stop(self, kill: bool = False) -> None:
        """End it in order, which takes as long as somebody keeps an association open, or at once like a crash."""
        if self.process is None:
            return
        if kill:
            self.process.kill()
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_TIMEOUT_S)
        self.process = None

    def get(self, path: str) -> bytes:
        """Body of GET `path` (starting with a slash) of the REST interface."""
        with _OPENER.open(f"http://127.0.0.1:{self.http_port}{path}", timeout=30) as response:
            body: bytes = response.read()
            return body

    def post(self, path: str, payload: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}{path}", data=json.dumps(payload).encode(), method="POST"
        )
        with _OPENER.open(request, timeout=30) as response:
            return json.loads(response.read())

    def instances(self) -> list[str]:
        """Orthanc's identifiers of all stored instances."""
        return list(json.loads(self.get("/instances")))

    def instance_bytes(self, instance_id: str) -> bytes:
        """The stored file, as it was received."""
        return self.get(f"/instances/{instance_id}/file")

    def tags(self, instance_id: str) -> dict[str, Any]:
        """Attributes by keyword, without big values."""
        return dict(json.loads(self.get(f"/instances/{instance_id}/simplified-tags")))

    def find(self, level: str, **query: str) -> list[str]:
        """Identifiers at `level` (Patient, Study, Series, Instance) whose attributes match, for instance
        find("Instance", StudyInstanceUID="1.2.3", Modality="SR")."""
        return list(self.post("/tools/find", {"Level": level, "Query": query}))

    def wait_for_instances(self, count: int, timeout_s: float = 60.0, **query: str) -> list[str]:
        """Identifiers of the instances matching `query`, once there are at least `count`."""
        found: list[str] = []

        def enough() -> bool:
            found[:] = self.find("Instance", **query) if query else self.instances()
            return len(found) >= count

        self._wait_until(enough, timeout_s, f"hold {count} instances (has {len(found)})")
        return found

    def _answers(self) -> bool:
        try:
            self.get("/system")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def _wait_until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"Orthanc ended by itself:\n{self.log_path.read_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"Orthanc did not {what} within {timeout_s} s:\n{self.log_path.read_text()[-2000:]}")
            time.sleep(0.05)


@contextmanager
def running_orthanc(folder: Path, ae_title: str = "ORTHANC", **options: Any) -> Iterator[Orthanc]:
    """Orthanc with `options` of its own configuration file; skips the test when the program is missing."""
    if shutil.which("Orthanc") is None:
        pytest.skip("Orthanc is not installed")
    archive = Orthanc(folder, ae_title, **options)
    try:
        archive.start()
        yield archive
    finally:
        archive.stop()
