"""OHIF as a radiologist opens it: its released files and the DICOMweb of an Orthanc, both from one server here.

The files are those of `npm pack @ohif/app`, which `.ci/peers` unpacks; nothing is built.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.peers.orthanc import Orthanc

VERSION = "3.12.10"
FILES = CHECKOUT / ".cache" / f"ohif-{VERSION}" / "package" / "dist"
DICOMWEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
# What an Orthanc needs for it, as options.
DICOMWEB: dict[str, Any] = {"Plugins": [str(DICOMWEB_PLUGIN)], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}}
_SOURCE = {
    "friendlyName": "Orthanc",
    "name": "orthanc",
    "qidoRoot": "/dicom-web",
    "wadoRoot": "/dicom-web",
    "imageRendering": "wadors",
    "thumbnailRendering": "wadors",
    "enableStudyLazyLoad": True,
    "supportsFuzzyMatching": False,
    "supportsWildcard": True,
    "omitQuotationForMultipartRequest": True,
    "bulkDataURI": {"enabled": True},
}
_CONFIGURATION = {
    "routerBasename": "/",
    "extensions": [],
    "modes": [],
    "showStudyList": True,
    "maxNumberOfWebWorkers": 2,
    "showWarningMessageForCrossOrigin": False,
    "showCPUFallbackMessage": False,
    "showLoadingIndicator": True,
    "investigationalUseDialog": {"option": "never"},
    "defaultDataSourceName": "dicomweb",
    "dataSources": [
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
            "sourceName": "dicomweb",
            "configuration": _SOURCE,
        }
    ],
}
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def require_ohif() -> None:
    """Skip a test by the name of what is missing."""
    missing = [
        name for name, path in (("OHIF (npm)", FILES), ("orthanc-dicomweb", DICOMWEB_PLUGIN)) if not path.exists()
    ]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@contextmanager
def serving_ohif(archive: Orthanc) -> Iterator[str]:
    """OHIF over the studies of `archive`, which was started with the options DICOMWEB; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, archive))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, archive: Orthanc, *arguments: Any) -> None:
        self._archive = archive
        super().__init__(*arguments, directory=str(FILES))

    def do_GET(self) -> None:
        if self.path.startswith("/dicom-web/"):
            self._pass_on()
        elif self.path == "/app-config.js":
            self._answer(200, "text/javascript", f"window.config = {json.dumps(_CONFIGURATION)};".encode())
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        """The application answers every address that is no file."""
        found = super().translate_path(path)
        return found if Path(found).is_file() else str(FILES / "index.html")

    def end_headers(self) -> None:
        # nothing changes while this server runs, and what is kept is compiled once
        self.send_header("Cache-Control", "max-age=3600")
        # without these two a browser gives pages no shared memory (HTML, "cross-origin isolated")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads a line for each file."""

    def _pass_on(self) -> None:
        address = f"http://127.0.0.1:{self._archive.http_port}{self.path}"
        headers = {"Accept": self.headers.get("Accept", "*/*"), "Host": self.headers["Host"]}
        try:
            with _OPENER.open(urllib.request.Request(address, headers=headers), timeout=30) as response:
                self._answer(response.status, response.headers["Content-Type"], response.read())
        except urllib.error.HTTPError as error:
            self._answer(error.code, "text/plain", error.read())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
