"""The live part of the page Now: made once every two seconds for everybody who looks, and only while somebody does.

The page is in sections. A browser gets those that differ from what it has, as server-sent events (HTML, 9.2), each
named after its section. No patient is named in them, and nothing in them depends on who looks.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from converter.words.catalogue import Language
from scp_node.ledger.records import now_utc
from scp_node.operations.echo import EchoBook
from scp_node.queries.now import Now, now_of
from scp_node.queries.role_signs import signs_of
from scp_node.queries.tally import EventTally
from scp_node.telemetry.heartbeat import RoleStatus, beside_folder, read_statuses
from scp_node.web.context import WebContext
from scp_node.web.pages.rendering import part

log = logging.getLogger(__name__)
SECTIONS = ("alarms", "counts", "latency", "queues", "remotes", "node", "hosts")
LOOK_EVERY_S, COUNT_EVERY_S, TEND_EVERY_S = 2.0, 10.0, 60.0
STREAM_S_MAX, STREAM_SHARE = 55.0, 0.8
RECONNECT_MS, COMMENT_EVERY_S = 500, 15.0
LISTENERS_SHARE = 0.5
"""Of web.connections_max: the others are for whoever wants to do something."""


class TooManyListeners(Exception):
    """So many browsers look already."""


@dataclass(eq=False)
class _Listener:
    """One open stream: `news` is set, in `loop`, when there is something to send."""

    loop: asyncio.AbstractEventLoop
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class LiveSection:
    """The HTML of one section in one language, and the number of the look at which it last changed."""

    html: str
    changed_in: int


class LiveNow:
    """How the node is now, looked at when somebody wants to know, and the streams that tell it. Thread-safe."""

    def __init__(self, context: WebContext, look_every_s: float = LOOK_EVERY_S) -> None:
        self._context, self.look_every_s = context, look_every_s
        self.tally, self.calls = EventTally(context.ledger), EchoBook(context.ledger)
        self._looking, self._lock = threading.Lock(), threading.Lock()
        self._now: Now | None = None
        self._looked_at = 0.0
        # Streams that began before a restart are told everything: there are fewer looks than milliseconds.
        self._number = time.time_ns() // 1_000_000
        self._sections: dict[Language, dict[str, LiveSection]] = {}
        self._shown: dict[Language, Now] = {}
        self._trouble = ""
        self._listeners: dict[_Listener, Language] = {}
        self._wanted, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-now", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End all streams."""
        self._stopped.set()
        self._wanted.set()
        self._tell()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def now(self) -> Now:
        """As it was at most `look_every_s` ago. Raises SQLAlchemyError when the database cannot be read."""
        with self._looking:
            if self._now is None or time.monotonic() - self._looked_at >= self.look_every_s:
                self._now = self._look()
                self._looked_at = time.monotonic()
            return self._now

    def forget(self) -> None:
        """Look again when somebody next asks: something was done just now."""
        with self._looking:
            self._now = None

    def sections(self, language: Language) -> Mapping[str, LiveSection]:
        """All sections in one language, as they are now."""
        now = self.now()
        with self._lock:
            if self._shown.get(language) is now:
                return self._sections[language]
        made = {name: part(language, f"now/{name}.html", now=now) for name in SECTIONS}
        with self._lock:
            self._shown[language] = now
            return self._keep(language, made)

    def _keep(self, language: Language, made: Mapping[str, str]) -> Mapping[str, LiveSection]:
        """Put these in place of the sections of the same names; what is alike stays as old as it is."""
        kept = self._sections.get(language, {})
        changed = {name: html for name, html in made.items() if name not in kept or kept[name].html != html}
        if changed:
            self._number += 1
            self._sections[language] = kept | {name: LiveSection(html, self._number) for name, html in changed.items()}
        return self._sections[language]

    def stream(self, language: Language, seen: int, seconds: float) -> AsyncIterator[str]:
        """Events for one browser, which has all that had changed up to the look `seen`; ends by itself after `seconds`,
        whereupon the browser asks again. Raises TooManyListeners at once."""
        listener = _Listener(asyncio.get_running_loop())
        with self._lock:
            if self.listeners >= self._context.settings().web.connections_max * LISTENERS_SHARE:
                raise TooManyListeners
        return self._events(listener, language, seen, seconds)

    async def _events(self, listener: _Listener, language: Language, seen: int, seconds: float) -> AsyncIterator[str]:
        """It listens from its first step on: a browser that is gone before leaves nothing behind."""
        ends_at = time.monotonic() + seconds
        try:
            with self._lock:
                self._listeners[listener] = language
            self._wanted.set()
            yield f"retry: {RECONNECT_MS}\n\n"
            while not self._stopped.is_set() and (left_s := ends_at - time.monotonic()) > 0:
                listener.news.clear()
                with self._lock:
                    sections = self._sections.get(language, {})
                changed = {name: one for name, one in sections.items() if one.changed_in > seen}
                seen = max((one.changed_in for one in changed.values()), default=seen)
                if changed:
                    yield "".join(_event(name, one.html, seen) for name, one in changed.items())
                try:
                    await asyncio.wait_for(listener.news.wait(), min(left_s, COMMENT_EVERY_S))
                except TimeoutError:
                    yield ":\n\n"  # whoever has gone is noticed
        finally:
            with self._lock:
                self._listeners.pop(listener, None)

    def _look(self) -> Now:
        context, now = self._context, time.monotonic()
        self.tally.look()
        mine = RoleStatus("web", (), now)  # which has no file, because it is what answers here
        beside = read_statuses(beside_folder(context.statuses), now)
        statuses = signs_of([*read_statuses(context.statuses, now), mine], beside)
        obstacles = context.database.obstacles(now)
        with context.ledger.reading() as tx:
            return now_of(tx, context.settings(), self.tally, statuses, obstacles, self.calls.last(), now_utc())

    def _run(self) -> None:
        """Count what has happened now and then, so that no page waits for it; look when somebody listens."""
        counted_at = tended_at = -TEND_EVERY_S
        while not self._stopped.is_set():
            if time.monotonic() - tended_at >= TEND_EVERY_S:
                tended_at = time.monotonic()
                self._tend()
            try:
                if self._listeners:
                    for language in self._languages():
                        self.sections(language)
                    self._trouble = ""
                    self._tell()
                elif time.monotonic() - counted_at >= COUNT_EVERY_S or not self.tally.is_whole:
                    counted_at = time.monotonic()
                    self.tally.look()
                    self._trouble = ""
            except (SQLAlchemyError, OSError) as error:
                if self._admit(error):
                    log.warning("the page Now cannot be made", extra={"reason": type(error).__name__})
            except Exception as error:
                if self._admit(error):
                    log.exception("the page Now cannot be made")
            if self._listeners:
                self._stopped.wait(self.look_every_s)
            else:
                self._wanted.wait(COUNT_EVERY_S if self.tally.is_whole or self._trouble else 0.05)
                self._wanted.clear()

    def _tend(self) -> None:
        try:
            self._context.desk.tend()
        except Exception:
            log.exception("idle processes of pictures cannot be ended")

    def _languages(self) -> set[Language]:
        with self._lock:
            return set(self._listeners.values())

    def _admit(self, error: Exception) -> bool:
        """Say on every open page that what it shows is old; True where the reason is another than at the last look."""
        made = {language: part(language, "now/unknown.html") for language in self._languages() | set(self._sections)}
        with self._lock:
            for language, html in made.items():
                self._shown.pop(language, None)
                self._keep(language, {"alarms": html})
        self._tell()
        before, self._trouble = self._trouble, type(error).__name__
        return self._trouble != before

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for one in listeners:
            with suppress(RuntimeError):  # its loop has ended
                one.loop.call_soon_threadsafe(one.news.set)


def _event(name: str, html: str, number: int) -> str:
    """One server-sent event; each line of its data is a line of its own."""
    data = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"id: {number}\nevent: {name}\n{data}\n"
