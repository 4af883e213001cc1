"""Archives of a test that are asked by C-FIND: what they list, and odd ones that answer what they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.events import Event

from scp_node.dimse.uids import EXPLICIT_LE, IMPLICIT_LE, STUDY_ROOT_FIND
from tests.support.peers.archives import listening

Answers = Iterator[tuple[int, Dataset | None]]


@dataclass
class QueriedArchive:
    """What it was asked, in order."""

    port: int = 0
    queries: list[Dataset] = field(default_factory=list)


@contextmanager
def querying_archive(
    answer: Callable[[Dataset], Answers], syntaxes: Sequence[str] = (EXPLICIT_LE, IMPLICIT_LE)
) -> Iterator[QueriedArchive]:
    """A Query SCP that gives what `answer` makes of the keys."""
    seen = QueriedArchive()

    def find(event: Event) -> Answers:
        seen.queries.append(event.identifier)
        yield from answer(event.identifier)

    ae = AE(ae_title="ARCHIVE")
    ae.add_supported_context(STUDY_ROOT_FIND, list(syntaxes))
    with listening(ae, [(evt.EVT_C_FIND, find)]) as seen.port:
        yield seen


def one(keys: Dataset, **values: str) -> Dataset:
    """An answer that repeats the keys, with some values of its own."""
    ds = Dataset()
    ds.update({element.tag: element for element in keys})
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def listing(*sop_instance_uids: str) -> Callable[[Dataset], Answers]:
    """An archive that has these objects, and looks at the SOP Instance UID alone."""

    def answer(keys: Dataset) -> Answers:
        if keys.SOPInstanceUID in sop_instance_uids:
            yield 0xFF00, one(keys)

    return answer
