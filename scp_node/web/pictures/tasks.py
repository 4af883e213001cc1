"""What the web role may ask its child for, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scp_node.web.pictures.films import film, film_lungs, film_map
from scp_node.web.pictures.report_page import report_sheet
from scp_node.web.pictures.reproduction import reproduction
from scp_node.web.pictures.uploads import predict
from scp_node.web.pictures.workshop import Workshop

Made = tuple[dict[str, Any], list[bytes]]
Task = Callable[[Workshop, dict[str, Any], list[bytes]], Made]


def ready(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> Made:
    """Answers once the process is up."""
    return {}, []


TASKS: dict[str, Task] = {
    "ready": ready,
    "predict": predict,
    "film": film,
    "map": film_map,
    "lungs": film_lungs,
    "report": report_sheet,
    "reproduce": reproduction,
}
