"""What the decode pool and its children say to each other: length-prefixed JSON, then raw array bytes. Never a pickle.

The file that a request is about travels with it as an open descriptor (SCM_RIGHTS): a child knows no path.

The parent believes nothing: a child has just run native decoders on bytes from the network. Every length it sends is
compared with what was asked for, before memory is taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from converter.package.intended_use import IntendedUse
from converter.package.network import InputSpec
from scp_node.decode.header_message import UID_CHARS_MAX, HeaderRead

LENGTH_BYTES = 4
REQUEST_BYTES_MAX = 65536
HEADER_BYTES_MAX = 1 << 20
NOTE_CHARS_MAX = 500
NOTES_MAX = 32

Text = Annotated[str, Field(max_length=NOTE_CHARS_MAX)]
Side = Annotated[int, Field(ge=1, le=1_000_000)]


class ChildMessage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str


class ConvertRequest(ChildMessage):
    kind: Literal["convert"] = "convert"
    spec: InputSpec
    use: IntendedUse | None
    preview_side_max: int
    pixels_max: int
    inflated_bytes_max: int
    cpu_s: float


class IdentifyRequest(ChildMessage):
    """Asks for the SOP Instance UID of a file."""

    kind: Literal["identify"] = "identify"
    cpu_s: float


class HeaderRequest(ChildMessage):
    """Asks for the header of a DICOM file."""

    kind: Literal["read-header"] = "read-header"
    cpu_s: float


class Ready(ChildMessage):
    """What confines the child from now on, and what this kernel lacks (scp_node.decode.sandbox)."""

    kind: Literal["ready"] = "ready"
    in_place: tuple[Text, ...]
    missing: tuple[Text, ...]


class ConvertedHeader(ChildMessage):
    """Followed by the bytes of model_input (float32), preview (uint8) and preview_to_source (float64 2 x 3)."""

    kind: Literal["converted"] = "converted"
    preview_shape: tuple[Side, Side]
    source_shape: tuple[Side, Side]
    notes: Annotated[tuple[Text, ...], Field(max_length=NOTES_MAX)]
    stored: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class DeclinedHeader(ChildMessage):
    kind: Literal["declined"] = "declined"
    code: Text
    reason: Text


class Identified(ChildMessage):
    kind: Literal["identified"] = "identified"
    sop_instance_uid: Annotated[str, Field(max_length=UID_CHARS_MAX)] | None


class Failed(ChildMessage):
    """code: that of Unreadable or Undecodable, or 'memory', or 'surprise' for an exception nobody expected."""

    kind: Literal["failed"] = "failed"
    code: Literal["unreadable", "undecodable", "memory", "surprise"]
    reason: Text


AnyRequest = ConvertRequest | IdentifyRequest | HeaderRequest
AnyReply = Ready | ConvertedHeader | DeclinedHeader | Identified | HeaderRead | Failed
REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(Annotated[AnyRequest, Field(discriminator="kind")])
REPLY: TypeAdapter[AnyReply] = TypeAdapter(Annotated[AnyReply, Field(discriminator="kind")])


def frame(message: BaseModel, arrays: Sequence[NDArray[np.generic]] = ()) -> list[memoryview]:
    """What goes over the pipe for `message`: its length, its JSON, the arrays as they lie in memory."""
    body = message.model_dump_json().encode("utf-8", "surrogateescape")
    head = memoryview(len(body).to_bytes(LENGTH_BYTES, "big") + body)
    return [head, *(np.ascontiguousarray(array).data.cast("B") for array in arrays)]


def cut(text: str) -> str:
    """`text`, short enough for a message."""
    return text if len(text) <= NOTE_CHARS_MAX else text[: NOTE_CHARS_MAX - 3] + "..."


def model_input_shape(spec: InputSpec) -> tuple[int, int, int]:
    return (1, spec.height, spec.width) if spec.layout == "NCHW" else (spec.height, spec.width, 1)
