"""Which model package made a result: by what the result states of its weights."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from pydicom import Dataset

from converter.image.header import value
from converter.result.provenance import weights_stated
from scp_node.errors import ModelUnusable
from scp_node.inference.packages import Folders, open_package, package_folders

# By the version of a package and what its results state of its weights: name@version.
KnownModels = Mapping[tuple[str, str], str]


def known_models(places: Folders) -> KnownModels:
    """Those of the packages that can be read."""
    known = dict[tuple[str, str], str]()
    for folder in package_folders(places):
        with contextlib.suppress(ModelUnusable):
            package = open_package(folder)
            known[package.manifest.version, weights_stated(package.manifest.onnx_sha256)] = package.label
    return known


def model_of(ds: Dataset, models: KnownModels) -> str:
    """The package that made a result; what the result calls it where that package is gone. `ds` is its header."""
    stated = value(ds, "SoftwareVersions")
    said = [stated] if isinstance(stated, str) else list(map(str, stated or ()))
    title, weights = (*said, "", "")[:2]
    name, _, version = title.rpartition(" ")
    return models.get((version, weights), f"{name}@{version}")[:80]
