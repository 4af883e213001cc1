"""Where results go: the table of kinds of destinations, and the destinations of a configuration by their names."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import cast

from scp_node.deliver import dimse
from scp_node.deliver.capabilities import Capabilities
from scp_node.deliver.kind import Destination, DestinationKind
from scp_node.deliver.outcomes import SendOutcome, at_place, not_sent
from scp_node.deliver.part10 import NotPart10, read_part10
from scp_node.errors import UsageError
from scp_node.settings import RemoteAE, Settings, System

# By the `kind` of the settings that describe a destination: its module, or the name of one that only sites with such a
# destination load.
KINDS: dict[str, DestinationKind | str] = {
    "dimse": dimse,
    "hl7": "scp_node.deliver.hl7",
    "fhir": "scp_node.deliver.http.fhir",
    "webhook": "scp_node.deliver.http.webhook",
    "dicomweb": "scp_node.deliver.http.dicomweb",
}
IDLE_LOOK_S_MAX = 1.0


def module_of(kind: str) -> DestinationKind:
    """What results get to destinations of a kind by."""
    found = KINDS[kind]
    return cast(DestinationKind, import_module(found)) if isinstance(found, str) else found


def destination_named(settings: Settings, name: str) -> RemoteAE | System:
    """Raises UsageError where there is none."""
    place = settings.destination(name)
    if place is None:
        what = "remote AE or system" if settings.systems else "remote AE"
        raise UsageError(f"no {what} is called '{name}'; known: {', '.join(settings.destination_names)}")
    return place


class Destinations:
    """The destinations of a configuration. Any number of threads may send at the same time; what the kind keeps open
    for a destination stays open between two objects."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._destinations: dict[str, Destination] = {}
        self._closing = threading.Event()
        self._idle_watch: threading.Thread | None = None

    def probe(self, name: str) -> Capabilities:
        """What the destination called `name` would take. Raises UsageError when there is none."""
        place = destination_named(self._settings, name)
        with contextlib.closing(Destination(name, place, self._settings)) as to:
            found = module_of(place.kind).probe(to)
        return replace(found, problem=at_place(found.problem, name))

    def send(self, name: str, path: Path) -> SendOutcome:
        """Send the Part 10 file at `path` to the destination called `name`, and say how it ended.

        Raises OSError when the file is there but cannot be read: that is this machine's fault, and may pass.
        """
        to = self._destination(name)
        if to is None:
            return not_sent("unknown-destination", who=name)
        try:
            file = read_part10(path)
        except NotPart10 as error:
            return not_sent("not-part10", str(error), who=name)
        except FileNotFoundError as error:
            return not_sent("file-missing", error.strerror or "", who=name)
        kind = module_of(to.place.kind)
        if not kind.accepts(file.sop_class_uid):
            return not_sent("class-not-accepted", file.sop_class_uid, who=name)
        outcome = kind.send(to, file)
        return replace(outcome, message=at_place(outcome.message, name))

    def connections_opened(self, name: str) -> int:
        """How many connections to this destination were opened so far, as far as its kind keeps any."""
        to = self._destinations.get(name)
        return to.connections_opened if to else 0

    def reload(self, settings: Settings) -> None:
        """Take over changed settings; what is open to a destination that changed is closed."""
        with self._lock:
            self._settings = settings
            changed = [name for name, to in self._destinations.items() if not to.fits(settings)]
            leaving = [self._destinations.pop(name) for name in changed]
        for to in leaving:
            to.close()

    def close(self) -> None:
        """Close whatever is open."""
        self._closing.set()
        with self._lock:
            leaving = list(self._destinations.values())
            self._destinations.clear()
        for to in leaving:
            to.close()
        if self._idle_watch is not None:
            self._idle_watch.join()

    def _destination(self, name: str) -> Destination | None:
        with self._lock:
            place = self._settings.destination(name)
            if place is None:
                return None
            if name not in self._destinations:
                self._destinations[name] = Destination(name, place, self._settings)
                if self._closing.is_set():
                    self._destinations[name].close()
            if self._idle_watch is None and not self._closing.is_set():
                self._idle_watch = threading.Thread(target=self._release_idle, name="idle-destinations", daemon=True)
                self._idle_watch.start()
            return self._destinations[name]

    def _release_idle(self) -> None:
        while not self._closing.wait(min(IDLE_LOOK_S_MAX, self._settings.delivery.keep_open_s / 4 + 0.05)):
            with self._lock:
                destinations = list(self._destinations.values())
            for to in destinations:
                to.release_if_idle()
