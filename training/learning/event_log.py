"""The curves of a run as files that `tensorboard --logdir training/runs` shows, written without TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter


class EventLog:
    """One file a process; a continued run adds another to the same folder and TensorBoard joins them."""

    def __init__(self, folder: Path) -> None:
        self._writer = EventFileWriter(str(folder))

    def scalars(self, step: int, figures: Mapping[str, float]) -> None:
        values = [Summary.Value(tag=name, simple_value=figure) for name, figure in figures.items()]
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
