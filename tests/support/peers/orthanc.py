"""Debian's Orthanc as the archive of a test: own folder, own free ports, own configuration, ended by its process id."""

from __future__ import annotations

import io
import json
import shutil
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from tests.support.peers.ports import free_port, is_listening
from tests.support.peers.program import Program, running
from tests.support.waiting import until

DICOMWEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
PROGRAM = shutil.which("Orthanc") or "Orthanc"
# The archive is on this machine: a proxy of the environment must not be asked.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Orthanc(Program):
    """A running Orthanc; folder and ports stay when it is started again."""

    name = "Orthanc"
    # it ends only when the last association has ended
    stop_timeout_s = 20.0

    def __init__(self, folder: Path, ae_title: str = "ORTHANC", **options: Any) -> None:
        super().__init__(folder / "orthanc.log")
        self.folder, self.ae_title, self.options = folder, ae_title, options
        self.host = "127.0.0.1"
        self.dicom_port, self.http_port = free_port(), free_port()

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
        self.launch([PROGRAM, str(path)], lambda: is_listening(self.dicom_port) and self._answers())

    @property
    def dicomweb_url(self) -> str:
        """Of the service of its plugin, where it has that."""
        return f"http://127.0.0.1:{self.http_port}/dicom-web"

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

    def add(self, ds: Dataset) -> None:
        """Store `ds` as it is, by the REST interface."""
        file = io.BytesIO()
        ds.save_as(file, enforce_file_format=True)
        address = f"http://127.0.0.1:{self.http_port}/instances"
        with _OPENER.open(urllib.request.Request(address, file.getvalue(), method="POST"), timeout=30):
            pass

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

    def objects_of_study(self, study_instance_uid: str, pixels: bool = True) -> list[Dataset]:
        """What it holds of a study, with or without the pixel data."""
        found = self.find("Instance", StudyInstanceUID=study_instance_uid)
        return [dcmread(io.BytesIO(self.instance_bytes(one)), stop_before_pixels=not pixels) for one in found]

    def wait_for_instances(self, count: int, timeout_s: float = 60.0) -> list[str]:
        """Identifiers of all instances, once there are at least `count`."""
        return until(self.instances, self.log, timeout_s, enough=lambda seen: len(seen) >= count)

    def _answers(self) -> bool:
        try:
            self.get("/system")
        except (urllib.error.URLError, OSError):
            return False
        return True


def running_dicomweb_orthanc(folder: Path, **options: Any) -> AbstractContextManager[Orthanc]:
    """Orthanc with its DICOMweb plugin, whose service is at `dicomweb_url`; skips the test when either is missing."""
    if not DICOMWEB_PLUGIN.exists():
        pytest.skip("the DICOMweb plugin of Orthanc is not installed")
    return running_orthanc(folder, **{"Plugins": [str(DICOMWEB_PLUGIN)], "DicomWeb": {"Enable": True}, **options})


def running_orthanc(folder: Path, ae_title: str = "ORTHANC", **options: Any) -> AbstractContextManager[Orthanc]:
    """Orthanc with `options` of its own configuration file; skips the test when the program is missing."""
    if shutil.which("Orthanc") is None:
        pytest.skip("Orthanc is not installed")
    return running(Orthanc(folder, ae_title, **options))
