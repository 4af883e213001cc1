"""Gives up a model that does not come to an end: an endless loop in a graph, or one that takes hours to prepare."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import onnxruntime

from scp_node.errors import ModelUnusable


def within(seconds: float, what: str, work: Callable[[], None], give_up: Callable[[], None]) -> None:
    """Do `work`, raising what it raises, or ModelUnusable when it takes longer than `seconds`.

    ONNX Runtime cannot be stopped in the middle of one operator. What is given up, and told so by `give_up`, goes on in
    a thread that nobody waits for, and ends with the process at the latest.
    """
    ended = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised again by the one who waits
            errors.append(error)
        finally:
            ended.set()

    threading.Thread(target=run, name="model-load", daemon=True).start()
    if not ended.wait(seconds):
        give_up()
        raise ModelUnusable(
            f"{what} and the first run took longer than inference.load_timeout_s allows ({seconds:g} s). Allow more "
            "time, or ask the model's makers: its graph may not come to an end."
        )
    if errors:
        raise errors[0]


@contextmanager
def terminating(seconds: float) -> Iterator[onnxruntime.RunOptions]:
    """Options of a run that ONNX Runtime ends by an error after `seconds`, between two operators."""
    options = onnxruntime.RunOptions()
    timer = threading.Timer(seconds, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        yield options
    finally:
        timer.cancel()
