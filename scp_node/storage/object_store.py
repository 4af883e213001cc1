"""Asks an object store that speaks S3 (Amazon S3 API Reference), with bounded time-outs and retries."""

from __future__ import annotations

import logging
import mmap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from scp_node.errors import ConfigurationError, OutOfResources
from scp_node.host.disk_space import errno_name
from scp_node.settings.s3 import S3

if TYPE_CHECKING:
    from obstore.store import ClientConfig

log = logging.getLogger(__name__)
READ_BYTES = 2**20
LISTED_AT_ONCE = 1000
# The name of no object: to ask for it tells whether the store answers.
NO_OBJECT = "0" * 64
_SUFFIX = ".dcm"


def key_of(name: str) -> str:
    """Where an object lies below the prefix: laid out as a spool is."""
    return f"{name[:2]}/{name}{_SUFFIX}"


def opened_store(settings: S3) -> S3Store:
    """A client with the limits of the settings. Raises ConfigurationError where `ca` cannot be read."""
    assert settings.url is not None and settings.bucket is not None, "cross_checks asks for both"
    client: ClientConfig = {
        "allow_http": settings.url.startswith("http://"),
        "connect_timeout": timedelta(seconds=settings.connect_timeout_s),
        "timeout": timedelta(seconds=settings.request_timeout_s),
    }
    try:
        if settings.ca is not None:
            client["root_certificate"] = settings.ca.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"storage.s3.ca: {settings.ca} cannot be read: {errno_name(error)}") from error
    return S3Store(
        settings.bucket,
        prefix=settings.prefix or None,
        config={
            "endpoint": settings.url,
            "region": settings.region,
            "access_key_id": settings.access_key_id or "",
            "secret_access_key": settings.secret_access_key or "",
            "virtual_hosted_style_request": False,
            "conditional_put": "etag",
            "checksum_algorithm": "SHA256",
        },
        client_options=client,
        retry_config={
            "max_retries": settings.retries_max,
            "retry_timeout": timedelta(seconds=settings.retry_for_s),
            "backoff": {
                "init_backoff": timedelta(seconds=settings.retry_first_s),
                "max_backoff": timedelta(seconds=settings.retry_for_s),
                "base": 2,
            },
        },
    )


class ObjectStore:
    """Objects under spool names. What the store does not answer in time or refuses raises OutOfResources; after that
    `check` refuses at once, until somebody has had an answer. Thread-safe."""

    def __init__(self, store: S3Store, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._pause_s, self._clock = store, pause_s, clock
        self._again_at = 0.0
        self._asking = threading.Lock()
        self.failure = ""

    def check(self) -> None:
        """Raise OutOfResources while the store fails. After each pause one caller asks it; the others do not wait."""
        if not self.failure:
            return
        if self._clock() < self._again_at or not self._asking.acquire(blocking=False):
            raise OutOfResources(self.failure)
        try:
            self.size(NO_OBJECT)
        except FileNotFoundError:
            log.info("object store answers again")
        finally:
            self._asking.release()

    def create(self, name: str, data: bytes | mmap.mmap) -> bool:
        """Keep `data`, durably; False where there is an object of that name already, which stays as it is."""
        try:
            with self._asked("PUT", is_listed=False):
                obstore.put(self._store, key_of(name), data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        return True

    def replace(self, name: str, data: bytes | mmap.mmap) -> None:
        """Keep `data` instead of an object that is damaged."""
        with self._asked("PUT", is_listed=False):
            obstore.put(self._store, key_of(name), data, mode="overwrite", use_multipart=False)

    def size(self, name: str) -> int:
        """Bytes of an object. Raises FileNotFoundError."""
        with self._asked("HEAD"):
            return int(obstore.head(self._store, key_of(name))["size"])

    def read(self, name: str, position: int = 0) -> Iterator[bytes]:
        """The bytes of an object from `position` on, in pieces. Raises FileNotFoundError."""
        with self._asked("GET"):
            found = obstore.get(self._store, key_of(name), options={"range": {"offset": position}} if position else {})
            for piece in found.stream(min_chunk_size=READ_BYTES):
                yield bytes(piece)

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects in one request; one that is not there is no failure."""
        if names:
            with self._asked("DELETE", is_listed=False):
                obstore.delete(self._store, [key_of(name) for name in names])

    def names(self, shard: int, after: datetime, before: datetime) -> Iterator[str]:
        """Names of the objects of a shard (0 to 255) that were written in between."""
        with self._asked("LIST", is_listed=False):
            for batch in obstore.list(self._store, f"{shard:02x}/", chunk_size=LISTED_AT_ONCE):
                for found in batch:
                    name = found["path"].rpartition("/")[2].removesuffix(_SUFFIX)
                    if after < found["last_modified"] < before and found["path"].endswith(key_of(name)):
                        yield name

    @contextmanager
    def _asked(self, what: str, *, is_listed: bool = True) -> Iterator[None]:
        """One request. `is_listed`: that there is no such object is an answer, and raises FileNotFoundError."""
        try:
            yield
        except AlreadyExistsError:
            self.failure = ""
            raise
        except FileNotFoundError as error:
            if not is_listed or "NoSuchBucket" in str(error):
                self._failed(what, error)
            self.failure = ""
            raise FileNotFoundError("no such object") from error
        except (BaseError, OSError) as error:
            self._failed(what, error)
        else:
            self.failure = ""

    def _failed(self, what: str, error: Exception) -> None:
        """Raise OutOfResources. The log has what was answered; the sender has 64 characters to read."""
        said = str(error).partition("\n\nDebug source")[0]
        log.error("object store failed", extra={"request": what, "reason": said})
        self._again_at = self._clock() + self._pause_s
        self.failure = f"the object store does not take or give bytes ({what})"
        raise OutOfResources(self.failure) from error
