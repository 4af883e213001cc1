"""The parts of one HTTP message, each stored before the next one is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from scp_node.errors import CannotUnderstand
from scp_node.intake.dicomweb.incoming_file import FileAnswer, IncomingFile, Offer
from scp_node.intake.dicomweb.related_parts import DICOM, MediaType


class InstanceClock(Protocol):
    """Is told when an instance begins and ends."""

    def message_began(self) -> None: ...

    def message_ended(self) -> None: ...


class IncomingFiles:
    """A sink of parts. `after_each` is called with what a part came to."""

    def __init__(
        self, offer: Offer, clock: InstanceClock | None = None, after_each: Callable[[FileAnswer], None] | None = None
    ) -> None:
        self._offer, self._clock, self._after_each = offer, clock, after_each
        self._file: IncomingFile | None = None
        self.answers: list[FileAnswer] = []

    def begin(self, media_type: MediaType) -> None:
        self._file = IncomingFile(self._offer)
        if media_type.name not in (DICOM, ""):
            self._file.refuse(CannotUnderstand(f"a part is not {DICOM}"))
        if self._clock is not None:
            self._clock.message_began()

    def write(self, piece: memoryview) -> None:
        assert self._file is not None
        self._file.write(piece)

    def end(self) -> None:
        """Stored durably, or refused."""
        if self._file is None:  # a part that has no end of its head
            return
        answer = self._file.finish()
        self._file = None
        if self._clock is not None:
            self._clock.message_ended()
        self.answers.append(answer)
        if self._after_each is not None:
            self._after_each(answer)

    def discard(self) -> None:
        """Leave nothing of a part that was not complete."""
        if self._file is not None:
            self._file.discard()
            self._file = None
