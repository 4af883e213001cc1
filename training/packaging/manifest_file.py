"""manifest.yaml of a package, read and written, and the folder it lies in, models/NAME/VERSION."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from converter.errors import InvalidManifest
from converter.package.manifest import Manifest, load_manifest
from converter.package.section import Name, Version


def name_and_version(folder: Path) -> tuple[str, str]:
    """What `folder` calls the package; ends the program where it is no models/NAME/VERSION."""
    name, version = folder.absolute().parts[-2:]
    try:
        return TypeAdapter(Name).validate_python(name), TypeAdapter(Version).validate_python(version)
    except ValidationError:
        raise SystemExit(f"{folder}: a package lies in models/NAME/VERSION, such as models/pneumonia/1.0.0") from None


def read_manifest(folder: Path) -> Manifest:
    """manifest.yaml of the package in `folder`; ends the program with what is wrong with it."""
    try:
        return load_manifest(folder / "manifest.yaml")
    except InvalidManifest as error:
        raise SystemExit(str(error)) from error


def write_manifest(path: Path, manifest: Manifest) -> None:
    """As a person reads it: the fields in the order of the contract, lines that do not run off the screen."""
    text = yaml.safe_dump(manifest.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
    path.write_text(text, encoding="utf-8")
