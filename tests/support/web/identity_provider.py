"""A small identity provider that speaks OpenID Connect over real HTTP, and tells untruths when asked to."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "hilum", "a secret: & of two"


class IdentityProvider:
    """Whoever comes is signed in at once, with `claims` in the token. `key` and `algorithm` sign it; `told` is what
    discovery says beside or instead of the truth."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key: RSAKey | OctKey = RSAKey.generate_key(2048, {"kid": "1"})
        self.published = self.key
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {"sub": "42", "preferred_username": "Anna", "groups": ["radiology"]}
        self.told: dict[str, Any] = {}
        self.asked: dict[str, dict[str, str]] = {}
        self.problems: list[str] = []

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.told,
        }

    def authorize(self, query: dict[str, str]) -> str:
        code = secrets.token_urlsafe(8)
        self.asked[code] = query
        for name, value in {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}.items():
            if query.get(name) != value:
                self.problems.append(f"{name}: {query.get(name)}")
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """RFC 7636 4.6, RFC 6749 4.1.3; None for whoever may not have it."""
        asked = self.asked.pop(form.get("code", ""), None)
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote(name), unquote(secret)) != (CLIENT_ID, CLIENT_SECRET) or asked is None:
            return None
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if asked["code_challenge"] != challenge.decode() or asked["redirect_uri"] != form["redirect_uri"]:
            return None
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        claims |= self.claims
        kept = {name: value for name, value in claims.items() if value is not None}
        signed = jwt.encode({"alg": self.algorithm, "kid": "1"}, kept, self.key, algorithms=[self.algorithm])
        return {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": signed}


@contextmanager
def identity_provider(port: int) -> Iterator[IdentityProvider]:
    """On this port, until the block ends."""
    provider = IdentityProvider(port)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(303)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_header("Location", provider.authorize(query))
                self.end_headers()
            elif parts.path == "/.well-known/openid-configuration":
                self._say(provider.metadata())
            elif parts.path == "/keys":
                self._say(KeySet([provider.published]).as_dict(private=False))
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path != "/token":
                self.send_error(404)
                return
            form = {name: values[0] for name, values in parse_qs(body).items()}
            found = provider.token(form, self.headers.get("Authorization", ""))
            self._say(found or {"error": "invalid_grant"}, 200 if found else 400)

        def _say(self, document: object, status: int = 200) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A test has a log of its own."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
