"""A decoding child that does what its file says, with the limits, the sandbox and the protocol of the real one."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np

from converter.declined import Declined
from converter.errors import Undecodable
from converter.image.convert import Converted
from converter.image.open_file import OpenFile
from converter.package.intended_use import IntendedUse
from converter.package.network import InputSpec
from scp_node.decode.child import serve


def convert(
    file: OpenFile, spec: InputSpec, use: IntendedUse | None, preview_side_max: int, pixels_max: int, _: int
) -> Converted | Declined:
    match file.read_bytes().decode():
        case "hangs":
            time.sleep(600)
        case "burns":
            while True:
                pass
        case "burns-a-while":
            end = time.process_time() + 1.3
            while time.process_time() < end:
                pass
        case "hoards":
            np.ones(1 << 33, np.uint8)
        case "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "dies-once" if os.lseek(file.descriptor, 0, os.SEEK_CUR) == 0:
            os.lseek(file.descriptor, 1, os.SEEK_SET)  # what the next child sees, which gets the same open file
            os.kill(os.getpid(), signal.SIGKILL)
        case "leaves":
            sys.exit(7)
        case "babbles":
            os.write(int(sys.argv[1]), b"\xff" * 8)
        case "prints":
            print("PATIENT^NAME", flush=True)
            print("PATIENT^NAME", file=sys.stderr, flush=True)
        case "environment":
            return Declined("undecodable", " ".join(os.environ.values()))
        case "surprises":
            raise ZeroDivisionError("PATIENT^NAME")
        case "lies":
            return Declined("undecodable", "too long " * 1000)
        case "oversized":
            preview_side_max *= 2
        case "undecodable":
            raise Undecodable("no decoder")
    return Converted(
        model_input=np.full((1, spec.height, spec.width), 0.5, np.float32),
        preview=np.zeros((preview_side_max, preview_side_max), np.uint8),
        preview_to_source=np.array([[1.0, 0, 0], [0, 1.0, 0]]),
        source_shape=(preview_side_max, preview_side_max),
        notes=(str(os.getpid()),),
    )


if __name__ == "__main__":
    serve(convert)
