"""Archives of a test that take C-STORE and answer what they are told."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event, EventHandlerType

from scp_node.deliver.result_objects import RESULT_CLASSES, RESULT_SYNTAXES
from tests.support.peers.raw_scu import VERIFICATION

Answer = int | Dataset | Callable[[Event], int | Dataset]


@dataclass
class Archive:
    """What a scripted archive saw: the data set bytes by SOP Instance UID, and how many associations."""

    port: int = 0
    ae_title: str = "ARCHIVE"
    associations: int = 0
    released: int = 0
    received: dict[str, bytes] = field(default_factory=dict)
    syntaxes: list[str] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)


@contextmanager
def scripted_archive(
    *answers: Answer,
    classes: Sequence[str] = tuple(RESULT_CLASSES),
    syntaxes: Sequence[str] = tuple(RESULT_SYNTAXES),
    port: int = 0,
    calling_ae_titles: Sequence[str] = (),
    associations_max: int = 10,
) -> Iterator[Archive]:
    """A storage SCP that gives `answers` one after the other, the last one for ever; without answers 0x0000."""
    script = list(answers) or [0x0000]
    seen = Archive()

    def store(event: Event) -> int | Dataset:
        answer = script.pop(0) if len(script) > 1 else script[0]
        status = answer(event) if callable(answer) else answer
        request = event.request
        assert isinstance(request, C_STORE) and isinstance(request.DataSet, io.BytesIO)
        seen.received[str(request.AffectedSOPInstanceUID)] = request.DataSet.getvalue()
        seen.syntaxes.append(str(event.context.transfer_syntax))
        return status

    def established(event: Event) -> None:
        seen.associations += 1
        seen.callers.append(event.assoc.requestor.ae_title.strip())

    def released(_: Event) -> None:
        seen.released += 1

    ae = AE(ae_title=seen.ae_title)
    ae.require_called_aet = True
    ae.require_calling_aet = list(calling_ae_titles)
    ae.maximum_associations = associations_max
    ae.add_supported_context(VERIFICATION)
    for sop_class in classes:
        ae.add_supported_context(sop_class, list(syntaxes))
    handlers: list[EventHandlerType] = [
        (evt.EVT_C_STORE, store),
        (evt.EVT_ESTABLISHED, established),
        (evt.EVT_RELEASED, released),
    ]
    with listening(ae, handlers, port) as seen.port:
        yield seen


@contextmanager
def listening(ae: AE, handlers: list[EventHandlerType], port: int = 0) -> Iterator[int]:
    """`ae` as an SCP of this machine; its port. Associations that are still open at the end are aborted."""
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    assert server is not None
    try:
        yield int(server.server_address[1])
    finally:
        for association in server.active_associations:
            if association.is_established:
                association.abort()
        server.shutdown()
        server.server_close()
