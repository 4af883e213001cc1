"""moto as the object store of a test: the S3 server in Python that boto's tests use. It keeps objects in memory."""

from __future__ import annotations

import importlib.util
import sys
import urllib.request
from pathlib import Path

import pytest

from scp_node.host.disk_space import DiskLimits
from scp_node.settings.s3 import S3
from scp_node.storage.blobs import Blobs
from scp_node.storage.spool import NO_LIMITS
from tests.support.peers.ports import free_port, is_listening
from tests.support.peers.program import Program

BUCKET = "films"
# The store is on this machine: a proxy of the environment must not be asked.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def require_s3() -> None:
    """Skip the test by the names of what is missing."""
    missing = [name for name in ("obstore", "moto", "flask", "flask_cors") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


class Moto(Program):
    """A running store with an empty bucket, which listens on the address `bind`."""

    name = "moto"
    stop_timeout_s = 20.0

    def __init__(self, folder: Path, bind: str = "127.0.0.1") -> None:
        super().__init__(folder / "moto.log")
        self.bind, self.port = bind, free_port()

    def start(self) -> None:
        self.launch(
            [sys.executable, "-m", "moto.server", "--host", self.bind, "--port", str(self.port)],
            lambda: is_listening(self.port),
        )
        self._ask("PUT", f"/{BUCKET}")

    def empty(self) -> None:
        """Forget every object, and the bucket with them; make it again."""
        self._ask("POST", "/moto-api/reset")
        self._ask("PUT", f"/{BUCKET}")

    def _ask(self, method: str, path: str) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, data=b"")
        with _OPENER.open(request, timeout=30) as response:
            response.read()


def s3_section(port: int, **values: object) -> dict[str, object]:
    """Section storage.s3 for a store on this port; faults show soon."""
    return {
        "url": f"http://127.0.0.1:{port}",
        "bucket": BUCKET,
        "prefix": "hilum",
        "access_key_id": "key-of-a-test",
        "secret_access_key": "secret-of-a-test",
        "connect_timeout_s": 2.0,
        "request_timeout_s": 5.0,
        "retries_max": 1,
        "pause_s": 0.2,
        **values,
    }


def object_blobs(folder: Path, port: int, limits: DiskLimits = NO_LIMITS, **values: object) -> Blobs:
    """Blobs in a store on this port, with their copies in `folder`; `values` are settings of section storage.s3."""
    from scp_node.storage.object_blobs import ObjectBlobs
    from scp_node.storage.object_store import ObjectStore, opened_store

    settings = S3.model_validate(s3_section(port, **values))
    folder.mkdir(parents=True, exist_ok=True)
    objects = ObjectStore(opened_store(settings), settings.pause_s)
    return ObjectBlobs(folder, objects, limits, settings.cache_bytes_max)
