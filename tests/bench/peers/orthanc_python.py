"""Orthanc with the python plugin of Debian: receiver, analysis and archive in one process."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import sysconfig
from pathlib import Path
from types import MappingProxyType

from scp_node.inference.packages import find_package
from scp_node.settings.places import shipped_models_dir
from tests.bench.peers.orthanc import OrthancPeer
from tests.support.checkout import CHECKOUT

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancPython.so")
SCRIPT = Path(__file__).with_name("orthanc_python_plugin.py")
# The Python that Debian's plugin is linked with; packages of another version cannot be loaded into it.
PLUGIN_PYTHON = (3, 11)


class OrthancPython(OrthancPeer):
    """Its script imports pydicom, highdicom and onnxruntime from the environment of the bench."""

    name = "Orthanc + python"
    options = MappingProxyType({"Plugins": [str(PLUGIN)], "PythonScript": str(SCRIPT), "PythonVerbose": False})

    def start(self, folder: Path) -> None:
        if not PLUGIN.exists():
            raise FileNotFoundError("the python plugin of Orthanc is not installed (Debian package orthanc-python)")
        if sys.version_info[:2] != PLUGIN_PYTHON:
            raise RuntimeError("this environment's packages are of another Python than that of Orthanc's plugin")
        os.environ["BENCH_PATH"] = os.pathsep.join((str(CHECKOUT), sysconfig.get_paths()["purelib"]))
        os.environ["BENCH_MODEL"] = str(find_package(shipped_models_dir(), "pneumonia").folder)
        super().start(folder)

    def describe(self) -> str:
        versions = ", ".join(
            f"{name} {importlib.metadata.version(name)}" for name in ("pydicom", "highdicom", "onnxruntime")
        )
        return f"{super().describe()}; orthanc-python on Python {'.'.join(map(str, PLUGIN_PYTHON))} with {versions}"
