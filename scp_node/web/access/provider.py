"""Signing in with the account of a hospital: this node's part of the authorization code flow with PKCE (OpenID Connect
Core 3.1, RFC 7636)."""

from __future__ import annotations

import hmac
import secrets
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from scp_node.errors import HilumError
from scp_node.ledger.account_records import ROLES, Role
from scp_node.settings import Oidc

# With a key that the provider publishes; neither `none` nor the client's own secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
ANSWER_BYTES_MAX, ANSWER_S = 1024 * 1024, 30.0
METADATA_KEPT_S = 600.0
AT_ONCE_MAX = 4
CLOCKS_DIFFER_S = 60
# What comes of an answer that is away, is none, or is another one than it should be.
FAULTS = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    AuthlibBaseError,
    JoseError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)
_places = threading.Semaphore(AT_ONCE_MAX)
_known: dict[str, tuple[float, Mapping[str, Any]]] = {}


class ProviderFailed(HilumError):
    """The identity provider cannot be asked, or what it says cannot be believed."""

    code = "provider-failed"
    retry = True


@dataclass(frozen=True)
class Begun:
    """What the browser keeps while it is with the provider. `state` comes back with the answer, `nonce` in the token;
    `verifier` shows that whoever asks for the token is who has begun."""

    state: str
    nonce: str
    verifier: str
    back: str

    def as_cookie(self) -> str:
        return "~".join(quote(one, safe="") for one in astuple(self))

    @classmethod
    def of_cookie(cls, text: str) -> Begun | None:
        parts = [unquote(one) for one in text.split("~")]
        return cls(*parts) if len(parts) == 4 and all(parts) else None


@dataclass(frozen=True)
class Identity:
    """Whom the provider vouches for. `role`: None where nothing of what it says leads to one."""

    identity: str
    name: str
    role: Role | None


class Provider:
    """The provider of the settings. Each method asks it, and raises ProviderFailed."""

    def __init__(self, oidc: Oidc, redirect_uri: str) -> None:
        self._oidc, self._redirect_uri = oidc, redirect_uri

    def begin(self, back: str) -> tuple[str, Begun]:
        """Where the browser goes, and what it keeps meanwhile."""
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), back)
        with self._asking() as session:
            url = self._metadata(session)["authorization_endpoint"]
            client = self._client(session)
            sent, _ = client.create_authorization_url(
                url, state=begun.state, code_verifier=begun.verifier, nonce=begun.nonce
            )
        return str(sent), begun

    def finish(self, begun: Begun, state: str, code: str) -> Identity:
        """Who has come back with `code`."""
        if not hmac.compare_digest(begun.state.encode(), state.encode()):
            raise ProviderFailed("the answer belongs to another sign-in")
        with self._asking() as session:
            metadata = self._metadata(session)
            token = self._token(session, metadata, begun, code)
            keys = KeySet.import_key_set(_document(session.get(metadata["jwks_uri"])))
            signed = jwt.decode(token["id_token"], keys, registry=JWSRegistry(algorithms=ALGORITHMS))
            options = {
                "iss": {"essential": True, "value": metadata["issuer"]},
                "aud": {"essential": True, "value": self._oidc.client_id},
            }
            known = {"nonce": begun.nonce, "client_id": self._oidc.client_id, "access_token": token["access_token"]}
            claims = CodeIDToken(signed.claims, signed.header, options, known)
            claims.validate(leeway=CLOCKS_DIFFER_S)
            return identity_of(self._oidc, claims)

    def _token(self, session: httpx.Client, metadata: Mapping[str, Any], begun: Begun, code: str) -> Mapping[str, Any]:
        oidc, secret = self._oidc, self._oidc.client_secret
        how = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        more, auth = {"client_id": oidc.client_id}, httpx.Auth()
        if secret is not None and "client_secret_basic" in how:
            auth = httpx.BasicAuth(quote(str(oidc.client_id), safe=""), quote(secret, safe=""))  # RFC 6749 2.3.1
        elif secret is not None:
            more["client_secret"] = secret
        found: Mapping[str, Any] = self._client(session).fetch_token(
            metadata["token_endpoint"], code=code, code_verifier=begun.verifier, auth=auth, **more
        )
        return found

    def _client(self, session: httpx.Client) -> OAuth2Client:
        oidc = self._oidc
        return OAuth2Client(
            session,
            oidc.client_id,
            scope=" ".join(oidc.scopes),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )

    def _metadata(self, session: httpx.Client) -> Mapping[str, Any]:
        """OpenID Connect Discovery 4."""
        issuer = str(self._oidc.issuer).rstrip("/")
        at, found = _known.get(issuer, (0.0, {}))
        if not found or time.monotonic() - at > METADATA_KEPT_S:
            found = _document(session.get(f"{issuer}/.well-known/openid-configuration"))
            if str(found["issuer"]).rstrip("/") != issuer:
                raise ProviderFailed("the provider calls itself by another name than web.oidc.issuer")
            for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if urlsplit(str(found[endpoint])).scheme != urlsplit(issuer).scheme:
                    raise ProviderFailed(f"its {endpoint} is not reached as web.oidc.issuer is")
            _known[issuer] = (time.monotonic(), found)
        return found

    @contextmanager
    def _asking(self) -> Iterator[httpx.Client]:
        if not _places.acquire(blocking=False):
            raise ProviderFailed("many people sign in at this moment")
        try:
            # with the authorities that this machine trusts: a hospital may be its own
            with httpx.Client(
                timeout=10,
                verify=ssl.create_default_context(),
                headers={"Accept-Encoding": "identity"},
                event_hooks={"response": [_bound]},
            ) as session:
                yield session
        except ProviderFailed:
            raise
        except FAULTS as error:
            raise ProviderFailed(type(error).__name__) from error
        finally:
            _places.release()


def identity_of(oidc: Oidc, claims: Mapping[str, Any]) -> Identity:
    """The name and role that claims lead to: the highest one of those that the settings name."""
    said, name = claims.get(oidc.role_claim), claims.get(oidc.name_claim)
    values = {one for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)}
    by_role: dict[Role, list[str]] = {"viewer": oidc.viewers, "operator": oidc.operators, "admin": oidc.admins}
    roles = [role for role in ROLES if values & set(by_role[role])]
    if not isinstance(claims["sub"], str):
        raise ProviderFailed("its claim sub is no text")
    identity = f"{claims['iss']} {claims['sub']}"
    return Identity(identity, name if isinstance(name, str) else "", roles[-1] if roles else None)


def _document(answer: httpx.Response) -> Any:
    found = answer.raise_for_status().json()
    if not isinstance(found, dict):
        raise ProviderFailed(f"{answer.url.path} holds no JSON object")
    return found


def _bound(answer: httpx.Response) -> None:
    """Have the body read within limits. What is packed could unpack to more, and nobody has asked for it."""
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise ProviderFailed("its answer is packed")
    assert isinstance(answer.stream, httpx.SyncByteStream)
    answer.stream = _Bounded(answer.stream)


class _Bounded(httpx.SyncByteStream):
    """The body of an answer that is neither long nor slow. Raises ProviderFailed."""

    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream, self._until = stream, time.monotonic() + ANSWER_S

    def __iter__(self) -> Iterator[bytes]:
        taken = 0
        for chunk in self._stream:
            taken += len(chunk)
            if taken > ANSWER_BYTES_MAX or time.monotonic() > self._until:
                raise ProviderFailed(f"its answer has more than {ANSWER_BYTES_MAX} bytes, or is slow")
            yield chunk

    def close(self) -> None:
        self._stream.close()
