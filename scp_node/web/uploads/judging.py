"""Takes an upload in, waits for its turn, and has the process that makes pictures analyse it."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from scp_node.errors import HilumError
from scp_node.host.nameless_file import NamelessFile
from scp_node.queries.offered_models import default_model
from scp_node.web.context import WebContext, context_of
from scp_node.web.uploads.form import UploadForm, read_form
from scp_node.web.uploads.refusals import UploadRefused, refused_by
from scp_node.web.uploads.room import UploadRoom

# Shares of web.request_timeout_s by whose ends there must be memory, the bytes must have come, and the turn must have
# come; the rest is for the analysis.
MEMORY, RECEIVED, TURN = 0.2, 0.5, 0.65
ANSWER_S = 2.0
DROPPED_BYTES_MAX = 256 * 1024**2
# Looks at the fields of a form before anything is done with its file.
FieldCheck = Callable[[dict[str, str]], None]
MODEL_CHARS_MAX = 160
YES = ("1", "true", "on", "yes")
NO = ("0", "false", "off", "no", "")


@dataclass(frozen=True)
class JudgedUpload:
    """`answer` is what scp_node.web.pictures.uploads says; `heatmap` a data URL."""

    answer: dict[str, Any]
    heatmap: str | None
    fields: dict[str, str]


async def judged_upload(request: Request, check: FieldCheck | None = None) -> JudgedUpload:
    """The file in the form of `request`, analysed. `check` may refuse its fields. Raises UploadRefused."""
    context = context_of(request)
    room = cast(UploadRoom, request.app.state.uploads)
    web = context.settings().web
    limit_s = web.request_timeout_s - ANSWER_S
    began = time.monotonic()

    def left_s(share: float = 1.0) -> float:
        return max(0.0, began + limit_s * share - time.monotonic())

    body = request.stream()
    if room.is_full(web):
        await _drop_rest(body, left_s(RECEIVED))
        raise UploadRefused("busy", "as many uploads as may be are at work: try again in a moment")
    byte_count = _bytes_announced(request, web.upload_bytes_max)
    with room.place():
        try:
            async with room.memory(byte_count, web, left_s(MEMORY)):
                with NamelessFile() as file:
                    form = await _received(request, body, file, web.upload_bytes_max, left_s(RECEIVED))
                    if check is not None:
                        check(form.fields)
                    if not form.has_file:
                        raise UploadRefused("no-file", "the form holds no file: send one in the field `file`")
                    arguments = _arguments(context, form.fields)
                    async with room.turn(max(0.1, left_s(TURN))):
                        answer, maps = await _analysed(context, arguments, file, max(1.0, left_s()))
        except UploadRefused:
            # Its memory is free by now. A sender that is told while it still sends may not read the answer.
            await _drop_rest(body, left_s(RECEIVED))
            raise
    heatmap = "data:image/png;base64," + base64.b64encode(maps[0]).decode() if maps else None
    return JudgedUpload(answer, heatmap, form.fields)


def _bytes_announced(request: Request, file_bytes_max: int) -> int:
    """The most that the file of `request` can take: its body is longer than it."""
    length = request.headers.get("content-length", "")
    return min(int(length), file_bytes_max) if length.isdecimal() else file_bytes_max


async def _received(
    request: Request, body: AsyncIterator[bytes], file: NamelessFile, file_bytes_max: int, timeout_s: float
) -> UploadForm:
    try:
        async with asyncio.timeout(timeout_s):
            return await read_form(request.headers.get("content-type", ""), body, file, file_bytes_max)
    except TimeoutError:
        raise UploadRefused("upload-too-slow", "the upload was too slow; see web.request_timeout_s") from None


async def _drop_rest(body: AsyncIterator[bytes], timeout_s: float) -> None:
    """Read what still comes, and forget it."""
    dropped = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            async for chunk in body:
                dropped += len(chunk)
                if dropped > DROPPED_BYTES_MAX:
                    return


async def _analysed(
    context: WebContext, arguments: dict[str, Any], file: NamelessFile, timeout_s: float
) -> tuple[dict[str, Any], list[bytes]]:
    try:
        return await run_in_threadpool(
            context.desk.ask, "uploads", "predict", arguments, (), timeout_s, file.descriptor
        )
    except HilumError as error:
        raise refused_by(error) from error


def _arguments(context: WebContext, fields: dict[str, str]) -> dict[str, Any]:
    model = fields.get("model", "").strip() or default_model(context.settings())
    wanted = fields.get("heatmap", "true").strip().lower()
    if wanted not in (*YES, *NO):
        raise UploadRefused("malformed-form", "`heatmap` is true or false")
    if len(model) > MODEL_CHARS_MAX:
        raise UploadRefused("model-missing", "no model has a name as long as that")
    return {"model": model, "heatmap": wanted in YES}
