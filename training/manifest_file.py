"""manifest.yaml as a person reads it: the fields in the order of the contract, lines that do not run off the screen."""

from __future__ import annotations

from pathlib import Path

import yaml

from converter.manifest import Manifest


def write_manifest(path: Path, manifest: Manifest) -> None:
    text = yaml.safe_dump(manifest.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
    path.write_text(text, encoding="utf-8")
