"""A child of the web role: answers tasks until its standard input, a socket, ends."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from contextlib import closing

from converter.errors import ConverterError
from scp_node.errors import HilumError, PictureFailed
from scp_node.host.private_process import keep_private
from scp_node.host.processors import step_back
from scp_node.settings import Settings
from scp_node.telemetry.logs import configure_logging
from scp_node.web.pictures.frames import FrameBroken, receive_frame, receive_with_file, send_frame
from scp_node.web.pictures.tasks import TASKS
from scp_node.web.pictures.workshop import Workshop

log = logging.getLogger(__name__)
# Behind the receiver and the worker: a page may wait, a sender may not.
NICENESS = 15


def main() -> int:
    """Entry point of the process."""
    keep_private()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    step_back(NICENESS)
    connection = socket.socket(fileno=sys.stdin.fileno())
    _, (text,) = receive_frame(connection)
    settings = Settings.model_validate_json(text)
    configure_logging(settings.logging.level, settings.logging.format)
    with closing(Workshop(settings)) as workshop:
        while True:
            try:
                _answer(connection, workshop)
            except (FrameBroken, OSError):
                return 0


def _answer(connection: socket.socket, workshop: Workshop) -> None:
    (said, blobs), descriptor = receive_with_file(connection)
    file = {} if descriptor is None else {"descriptor": descriptor}
    try:
        answer, made = TASKS[said["task"]](workshop, said["arguments"] | file, blobs)
    except PictureFailed as error:
        answer, made = {"failed": error.reason_code, "reason": str(error)}, []
    except (ConverterError, HilumError) as error:
        answer, made = {"failed": error.code, "reason": str(error)}, []
    except Exception as error:
        log.error("picture not made", exc_info=error)
        answer, made = {"failed": "surprise", "reason": f"unexpected {type(error).__name__}"}, []
    finally:
        if descriptor is not None:
            os.close(descriptor)
    send_frame(connection, answer, made)


if __name__ == "__main__":
    sys.exit(main())
