"""Messages in their files, and settings with one system to send them to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from converter.result.encode import to_bytes
from converter.result.messages.content import StudyMessage
from converter.result.messages.kept import kept_message
from converter.result.messages.table import MESSAGE_KINDS
from scp_node.deliver.destinations import Destinations
from scp_node.deliver.outcomes import SendOutcome
from scp_node.settings import Settings, System
from tests.support.dicom.sources import dx_full
from tests.support.node.delivering import settings_for
from tests.support.results.messages import a_film, a_message
from tests.support.results.reports import ALGORITHM, an_identity

SECRET = "a secret of the site, long enough"


def settings_to(kind: str, *, response_timeout_s: float = 5, **system: Any) -> Settings:
    """Settings whose one system is called ris."""
    settings = settings_for({"unused": ("UNUSED", 104)}, response_timeout_s=response_timeout_s, retry_max_s=60)
    one = System.model_validate({"kind": kind, **system}, strict=False)
    return settings.model_copy(update={"systems": {"ris": one}})


def message_file(folder: Path, kind: str, message: StudyMessage | None = None) -> Path:
    source = dx_full()
    written = message or a_message([a_film(source)])
    ds = kept_message(source, an_identity(source.StudyInstanceUID), ALGORITHM, MESSAGE_KINDS[kind], written)
    path = folder / f"{kind}.dcm"
    path.write_bytes(to_bytes(ds))
    return path


def sent(settings: Settings, path: Path) -> SendOutcome:
    destinations = Destinations(settings)
    try:
        return destinations.send("ris", path)
    finally:
        destinations.close()
