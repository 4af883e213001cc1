"""Headers are read and pixels decoded in confined child processes: an image that breaks a decoder ends alone."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydicom import Dataset

from converter.declined import Declined
from converter.errors import ConverterError, Undecodable, Unreadable
from converter.image.bounded_file import INFLATED_BYTES_MAX
from converter.image.convert import Converted
from converter.image.header import BROKEN_INPUT
from converter.package.intended_use import IntendedUse
from converter.package.network import InputSpec
from converter.regular_file import open_regular
from scp_node.decode.header_cache import HeaderCache, state_of
from scp_node.decode.header_message import HeaderRead, unpacked
from scp_node.decode.process import DecodeProcess, Outcome
from scp_node.decode.protocol import AnyRequest, ConvertRequest, Failed, HeaderRequest, Identified, IdentifyRequest
from scp_node.decode.sandbox import PARTS, SandboxState, lacking, offered
from scp_node.errors import ConfigurationError, DecodeCrashed, DecodeFailed, DecodeOutOfMemory, OutOfResources
from scp_node.settings import Inference
from scp_node.telemetry import metrics

log = logging.getLogger(__name__)

WAIT_S = 600.0
NICENESS = 5
WAITING_MAX = 256
ATTEMPTS_MAX = 2
CHILD_MODULE = "scp_node.decode.child"
# What a child could not do, as an error and its message.
FAILURES: dict[str, tuple[type[ConverterError] | type[DecodeFailed], str]] = {
    "unreadable": (Unreadable, "{}"),
    "undecodable": (Undecodable, "{}"),
    "memory": (DecodeOutOfMemory, "decoding needed more memory than inference.decode_memory_bytes_max allows"),
    "surprise": (DecodeFailed, "unexpected {} while converting"),
}


class DecodePool:
    """`processes` children (0 = two at most), each with `memory` bytes of address space, at `niceness`.

    One image may take `cpu_s` of CPU time and `timeout_s` altogether, and inflate to `inflated_bytes_max`. May be used
    from any number of threads: at most `waiting_max` of them wait for a free child, and none longer than `wait_s`.
    """

    def __init__(
        self,
        processes: int = 0,
        memory: int = 4 * 1024**3,
        cpu_s: float = 60.0,
        timeout_s: float = 120.0,
        *,
        inflated_bytes_max: int = INFLATED_BYTES_MAX,
        niceness: int = NICENESS,
        wait_s: float = WAIT_S,
        waiting_max: int = WAITING_MAX,
        child_module: str = CHILD_MODULE,
        sandbox: str = "best-effort",
    ) -> None:
        if sandbox == "required" and offered().missing:
            fact, remedy = lacking(offered())
            raise ConfigurationError(
                f"inference.decode_sandbox: is required, but {fact}\n    {remedy}, or set it to best-effort."
            )
        self._sandbox, self._told = sandbox, offered()
        _tell(self._told)
        self._memory, self._cpu_s, self._timeout_s = memory, cpu_s, timeout_s
        self._inflated_bytes_max, self._niceness = inflated_bytes_max, niceness
        self._wait_s, self._waiting_max, self._child_module = wait_s, waiting_max, child_module
        self._headers = HeaderCache()
        self._changed = threading.Condition()
        self._waiting = 0
        self._closed = False
        self.processes = processes or min(2, os.cpu_count() or 1)
        self._children = {self._start_child() for _ in range(self.processes)}
        # None stands for a child that could not be started yet.
        self._idle: list[DecodeProcess | None] = list(self._children)

    @classmethod
    def of(cls, settings: Inference, processes: int | None = None, niceness: int = NICENESS) -> DecodePool:
        """The pool that `settings` describe, or the same with another number of `processes`."""
        return cls(
            settings.decode_processes if processes is None else processes,
            settings.decode_memory_bytes_max,
            settings.decode_cpu_s_max,
            settings.decode_timeout_s,
            inflated_bytes_max=settings.inflated_bytes_max,
            niceness=niceness,
            sandbox=settings.decode_sandbox,
        )

    failures: tuple[type[Exception], ...] = (ConverterError, DecodeFailed)

    @property
    def child_pids(self) -> tuple[int, ...]:
        with self._changed:
            return tuple(child.pid for child in self._children)

    def convert(
        self, path: Path, spec: InputSpec, use: IntendedUse | None, preview_side_max: int, pixels_max: int
    ) -> Converted | Declined:
        """converter.image.convert, in a child. Raises Unreadable, Undecodable, DecodeFailed or OutOfResources."""
        request = ConvertRequest(
            spec=spec,
            use=use,
            preview_side_max=preview_side_max,
            pixels_max=pixels_max,
            inflated_bytes_max=self._inflated_bytes_max,
            cpu_s=self._cpu_s,
        )
        with _opened(path) as descriptor:
            answer = self._ask(descriptor, request)
        assert isinstance(answer, Converted | Declined)
        return answer

    def header(self, path: Path) -> Dataset:
        """The header of a DICOM file, read in a child: its standard attributes within the limits of
        scp_node.decode.header_message, and an empty Pixel Data where it has any. Raises as `convert` does."""
        with _opened(path) as descriptor:
            file = state_of(descriptor)
            read = self._headers.get(file)
            if read is None:
                answer = self._ask(descriptor, HeaderRequest(cpu_s=self._cpu_s))
                assert isinstance(answer, HeaderRead)
                read = answer
                self._headers.put(file, read)
        try:
            return unpacked(read)
        except BROKEN_INPUT as error:
            raise DecodeCrashed("the decoding process sent a header that is none") from error

    def sop_instance_uid(self, path: Path) -> str | None:
        """SOP Instance UID of a DICOM file, read in a child; None for a picture. Raises as `convert` does."""
        with _opened(path) as descriptor:
            answer = self._ask(descriptor, IdentifyRequest(cpu_s=self._cpu_s))
        assert isinstance(answer, Identified)
        return answer.sop_instance_uid

    def close(self) -> None:
        """End all children at once. A call in progress raises OutOfResources: its image may be tried again."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            for child in self._children:
                child.kill()
            self._changed.notify_all()
        for free in idle:
            if free is not None:
                free.end()

    def _ask(self, descriptor: int, request: AnyRequest) -> Outcome:
        """Ask a child; one that dies may have been killed from outside, so that a second one has a try."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                with self._free_child() as child:
                    answer = child.ask(request, descriptor, self._timeout_s)
                break
            except DecodeFailed as error:
                if self._closed:
                    raise OutOfResources("decoding is stopping") from error
                if attempt == ATTEMPTS_MAX or not isinstance(error, DecodeCrashed):
                    raise
                log.warning("decoding process lost, the image is tried again", extra={"reason": str(error)})
        if isinstance(answer, Failed):
            failure, message = FAILURES[answer.code]
            raise failure(message.format(answer.reason))
        return answer

    @contextmanager
    def _free_child(self) -> Iterator[DecodeProcess]:
        child = self._take()
        try:
            yield child
        finally:
            self._give_back(child)

    def _take(self) -> DecodeProcess:
        with self._changed:
            if self._waiting >= self._waiting_max:
                raise OutOfResources(f"{self._waiting_max} images wait for decoding already")
            self._waiting += 1
            in_time = self._changed.wait_for(lambda: self._idle or self._closed, self._wait_s)
            self._waiting -= 1
            if self._closed:
                raise OutOfResources("decoding is stopping")
            if not in_time:
                raise OutOfResources(f"no decoding process was free for {self._wait_s:g} s")
            child = self._idle.pop()
            if child is None:
                try:
                    child = self._start_child()
                except OutOfResources:
                    self._idle.append(None)
                    raise
                self._children.add(child)
            return child

    def _give_back(self, child: DecodeProcess) -> None:
        """Put a child back, or another one in its place."""
        with self._changed:
            if child.usable and not self._closed:
                self._idle.append(child)
                self._changed.notify()
                return
            self._children.discard(child)
        child.end()
        with self._changed:
            if self._closed:
                return
            another: DecodeProcess | None = None
            with suppress(OutOfResources):  # the next call tries again, and says so
                another = self._start_child()
                self._children.add(another)
            self._idle.append(another)
            self._changed.notify()

    def _start_child(self) -> DecodeProcess:
        return DecodeProcess(self._child_module, self._memory, self._niceness, self._sandbox, self._compare_sandbox)

    def _compare_sandbox(self, state: SandboxState) -> None:
        """Tell where a child has less than was expected."""
        if state != self._told:
            self._told = state
            _tell(state)


def _tell(state: SandboxState) -> None:
    log.log(logging.WARNING if state.missing else logging.INFO, "decode sandbox: %s", state)
    for part in PARTS:
        metrics.decode_sandbox.labels(part).set(part not in state.missing)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor of a regular file. Raises Unreadable."""
    try:
        descriptor = open_regular(path)
    except OSError as error:
        raise Unreadable(f"the file cannot be opened: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)
