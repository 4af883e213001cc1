"""What browsers are told with every answer: nothing of another origin, no frame, no guess of a type, nothing kept."""

from __future__ import annotations

from typing import Any

from scp_node.web.admission import Application, Receive, Scope, Send

STATIC = "/static/"
POLICY = "; ".join(
    (
        "default-src 'none'",
        *("script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", "connect-src 'self'"),
        *("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"),
    )
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class SafeAnswers:
    """Adds HEADERS, and that nothing of a patient may stay in a cache."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = b"public, max-age=3600" if scope.get("path", "").startswith(STATIC) else b"no-store"

        async def send_safe(message: Any) -> None:
            if message["type"] == "http.response.start":
                said = {name.lower() for name, _ in message["headers"]}
                safe = [*HEADERS, (b"cache-control", kept)]
                message["headers"] = [*message["headers"], *(one for one in safe if one[0] not in said)]
            await send(message)

        await self._app(scope, receive, send_safe)
