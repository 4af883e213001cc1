"""What a kind of destination is to the rest of the node: a module with three names, and connections that may be kept.

A new kind is one module that has the names of DestinationKind, one row in scp_node.deliver.destinations.KINDS, and a
section of the settings that says `kind`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Protocol, TypeVar

from scp_node.deliver.capabilities import Capabilities
from scp_node.deliver.outcomes import SendOutcome
from scp_node.deliver.part10 import Part10File
from scp_node.settings import RemoteAE, Settings, System


class DestinationKind(Protocol):
    """One way to deliver. Its functions are called from any number of threads at the same time."""

    def accepts(self, sop_class_uid: str) -> bool:
        """Whether objects of this class can go this way at all."""

    def probe(self, to: Destination) -> Capabilities:
        """Ask the destination what it takes, without leaving anything there."""

    def send(self, to: Destination, file: Part10File) -> SendOutcome:
        """One attempt to deliver one object of an accepted class.

        Raises OSError when the file is there but cannot be read: that is this machine's fault, and may pass.
        """


class KeptConnection(ABC):
    """What a kind keeps open for one destination between two objects."""

    opened = 0  # how many connections were opened so far

    @abstractmethod
    def __init__(self, to: Destination) -> None:
        """Nothing is opened before it is needed."""

    @abstractmethod
    def release_if_idle(self) -> None:
        """Called once a second at least, from a thread of its own."""

    @abstractmethod
    def close(self) -> None:
        """Keep nothing open from now on; who still sends here does so over a connection of its own."""


Kept = TypeVar("Kept", bound=KeptConnection)


class Destination:
    """One destination as the settings have it: its name there, and all that they say. Other settings make another."""

    def __init__(self, name: str, place: RemoteAE | System, settings: Settings) -> None:
        self.name, self.place, self.settings = name, place, settings
        self._lock = threading.Lock()
        self._connection: KeptConnection | None = None
        self._is_closed = False

    @property
    def remote(self) -> RemoteAE:
        """Of a kind that sends to remote AEs."""
        assert isinstance(self.place, RemoteAE)
        return self.place

    @property
    def system(self) -> System:
        """Of a kind that sends messages."""
        assert isinstance(self.place, System)
        return self.place

    def fits(self, settings: Settings) -> bool:
        """Whether `settings` say of it what these say."""
        mine = self.settings
        return (self.place, mine.node.ae_title, mine.delivery, mine.tls) == (
            settings.destination(self.name),
            settings.node.ae_title,
            settings.delivery,
            settings.tls,
        )

    def kept(self, connection: type[Kept]) -> Kept:
        """The connection that is kept for this destination; made when it is first asked for."""
        with self._lock:
            if self._connection is None:
                self._connection = connection(self)
                if self._is_closed:
                    self._connection.close()
            assert isinstance(self._connection, connection)
            return self._connection

    @property
    def connections_opened(self) -> int:
        """How many connections its kind has opened so far, as far as it keeps any."""
        return self._connection.opened if self._connection is not None else 0

    def release_if_idle(self) -> None:
        if self._connection is not None:
            self._connection.release_if_idle()

    def close(self) -> None:
        """Keep nothing open from now on."""
        with self._lock:
            self._is_closed = True
            connection = self._connection
        if connection is not None:
            connection.close()
