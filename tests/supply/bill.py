"""The bill of materials in CycloneDX 1.6: what a production install brings, and what its wheels bundle."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.supply.licences import OF_PARTS, licence_of
from tests.supply.lock import environment
from tests.supply.wheels import Wheel
from tests.support.checkout import CHECKOUT

_LICENCES = LicenseFactory()


def bill(wheels: Sequence[Wheel], time_s: int) -> str:
    """JSON; the same wheels and `time_s` (seconds since 1970, of the lock) make the same bytes.

    Raises LookupError for a distribution or a part without a licence.
    """
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    hilum = Component(
        name="hilum",
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref="hilum",
        description=project["description"],
        licenses=[_LICENCES.make_from_string(project["license"])],
        purl=PackageURL("pypi", None, "hilum", project["version"]),
    )
    components = {wheel: _component(wheel) for wheel in wheels}
    bom = Bom(
        components=components.values(),
        metadata=BomMetaData(component=hilum, timestamp=datetime.fromtimestamp(time_s, UTC)),
        serial_number=uuid5(NAMESPACE_URL, "\n".join(wheel.sha256 for wheel in wheels)),
    )
    bom.register_dependency(hilum, components.values())
    for wheel, component in components.items():
        needed = _needed_by(wheel)
        bom.register_dependency(component, [one for other, one in components.items() if other.entry.name in needed])
    text: str = JsonV1Dot6(bom).output_as_string(indent=1)
    return f"{text}\n"


def _component(wheel: Wheel) -> Component:
    entry = wheel.entry
    ref = f"{entry.name}@{entry.version}"
    return Component(
        name=entry.name,
        version=entry.version,
        type=ComponentType.LIBRARY,
        bom_ref=ref,
        licenses=[_LICENCES.make_from_string(licence_of(wheel.metadata))],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=wheel.sha256)],
        purl=PackageURL("pypi", None, entry.name, entry.version),
        properties=[Property(name="hilum:file", value=wheel.path.name)],
        components=[*_declared(wheel, ref), *_libraries(wheel, ref)],
    )


def _declared(wheel: Wheel, ref: str) -> Iterator[Component]:
    """What the wheel's own bills of materials name, each once."""
    seen = set()
    for part in wheel.declared_parts:
        identity = f"{ref}/{part['name']}@{part.get('version', '')}"
        if identity not in seen:
            seen.add(identity)
            yield Component(
                name=part["name"],
                version=part.get("version"),
                type=ComponentType.LIBRARY,
                bom_ref=identity,
                scope=ComponentScope(part["scope"]) if "scope" in part else None,
                licenses=[_LICENCES.make_from_string(_licence_of_part(part))],
                purl=PackageURL.from_string(part["purl"]) if "purl" in part else None,
            )


def _libraries(wheel: Wheel, ref: str) -> Iterator[Component]:
    """Shared libraries beside the wheel's own code; which licence is whose stands in its texts."""
    for name, sha256 in wheel.libraries.items():
        yield Component(
            name=name,
            type=ComponentType.FILE,
            bom_ref=f"{ref}/{name}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
            licenses=[_LICENCES.make_with_name(f"see {wheel.entry.name} in THIRD-PARTY-NOTICES.txt")],
        )


def _licence_of_part(part: dict[str, Any]) -> str:
    said = part.get("licenses") or ()
    names = [one.get("expression") or one["license"].get("id") or one["license"]["name"] for one in said]
    if names:
        return " AND ".join(f"({name})" if " " in name and len(names) > 1 else name for name in names)
    if part["name"] in OF_PARTS:
        return OF_PARTS[part["name"]]
    raise LookupError(f"{part['name']}: bundled without a licence\n    Add it to tests/supply/licences.py.")


def _needed_by(wheel: Wheel) -> set[str]:
    required = [Requirement(text) for text in wheel.metadata.get_all("Requires-Dist", [])]
    here = environment(wheel.entry.python)
    return {canonicalize_name(one.name) for one in required if one.marker is None or one.marker.evaluate(here)}
