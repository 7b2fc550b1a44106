"""Asks an OpenID provider who somebody is: authorization code with PKCE (OpenID Connect Core 1.0; RFC 7636; RFC 9700).

What comes back is an issuer and a subject, and nothing else is asked for or looked at: an e-mail address is what
somebody claims, and may be given to somebody else. Reaches the network, so call it outside any transaction.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from corpus.errors import Misconfigured, Overloaded, ProviderRefused, ProviderUnavailable
from corpus.hosts import is_this_machine
from corpus.secret_files import read_secret
from corpus.settings import Settings

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""By public keys alone: under `none` anyone signs, and under HS256 whoever knows a public key might."""
SCOPE = "openid"
RANDOM_BYTES = 32
LEEWAY_S = 60
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
KNOWN_FOR = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(minutes=1)
AT_A_TIME = 8
LONGEST_ANSWER = 1_000_000


@dataclass(frozen=True, slots=True)
class Question:
    """What a provider's answer must fit; known to us and to the browser that asked."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Question":
        return cls(*(secrets.token_urlsafe(RANDOM_BYTES) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class ExternalPerson:
    """Somebody, as a provider knows them."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider says of itself, and its keys."""

    metadata: Mapping[str, Any]
    keys: KeySet
    at: datetime


class OpenIdProvider:
    """One provider, as the settings name it. What it says of itself is asked once an hour, or for a new key."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None, name: str) -> None:
        self.name = name
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._known: _Known | None = None
        self._asking = Lock()
        self._turns = BoundedSemaphore(AT_A_TIME)

    def address(self, question: Question, redirect_uri: str, now: datetime) -> str:
        """Where to send the browser. Raises `ProviderUnavailable` and `Overloaded`."""
        with self._turn():
            metadata = self._knowledge(now).metadata
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": question.state,
            "nonce": question.nonce,
            "code_challenge": create_s256_code_challenge(question.verifier),
            "code_challenge_method": "S256",
        }
        return str(add_params_to_uri(metadata["authorization_endpoint"], asked))

    def person(self, code: str, question: Question, redirect_uri: str, now: datetime) -> ExternalPerson:
        """Who the code stands for. Raises `ProviderRefused`, `ProviderUnavailable` and `Overloaded`."""
        with self._turn():
            told = self._redeem(code, question, redirect_uri, now)
            claims = self._claims(str(told.get("id_token") or ""), now)
            options: dict[str, Any] = {
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client_id},
                "sub": {"essential": True},
            }
            params = {"nonce": question.nonce, "client_id": self._client_id, "access_token": told.get("access_token")}
            try:
                checked = CodeIDToken(claims.claims, claims.header, options, params)
                checked.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
            except (JoseError, TypeError, ValueError) as error:
                raise ProviderRefused from error
        subject = checked["sub"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise ProviderRefused
        return ExternalPerson(self._issuer, subject)

    def is_answer_of(self, issuer: str) -> bool:
        """Whether an answer that names its issuer (RFC 9207) names this one."""
        return issuer in ("", self._issuer)

    def _redeem(self, code: str, question: Question, redirect_uri: str, now: datetime) -> dict[str, Any]:
        metadata = self._knowledge(now).metadata
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": question.verifier,
        }
        basic = None
        if self._client_secret is None:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            basic = (quote_plus(self._client_id), quote_plus(self._client_secret))
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        return _json(_send("POST", metadata["token_endpoint"], data=form, auth=basic))

    def _claims(self, id_token: str, now: datetime) -> jwt.Token:
        try:
            return _decoded(id_token, self._knowledge(now).keys)
        except InvalidKeyIdError:
            newer = self._knowledge(now, not_older_than=ASKED_AGAIN_AFTER).keys
        try:
            return _decoded(id_token, newer)
        except InvalidKeyIdError as error:
            raise ProviderRefused from error

    def _knowledge(self, now: datetime, *, not_older_than: timedelta = KNOWN_FOR) -> _Known:
        with self._asking:
            if self._known is None or now - self._known.at > not_older_than:
                self._known = self._ask(now)
            return self._known

    def _ask(self, now: datetime) -> _Known:
        """Discovery (OpenID Connect Discovery 1.0, section 4): the issuer must name itself as we name it."""
        metadata = _json(_send("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"))
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if metadata.get("issuer") != self._issuer or not all(_is_private(metadata.get(name)) for name in wanted):
            raise ProviderUnavailable("The provider does not describe itself as the settings name it.")
        try:
            keys = KeySet.import_key_set(_json(_send("GET", metadata["jwks_uri"])))  # type: ignore[arg-type]
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise ProviderUnavailable("The provider's keys cannot be read.") from error
        return _Known(metadata, keys, now)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """So that a provider that is slow cannot hold every thread of the server."""
        if not self._turns.acquire(blocking=False):
            raise Overloaded
        try:
            yield
        finally:
            self._turns.release()


def open_provider(settings: Settings) -> OpenIdProvider | None:
    """The provider of the settings; None where they name none. Raises `Misconfigured`."""
    if settings.oidc_issuer is None:
        return None
    if not settings.oidc_client_id:
        raise Misconfigured("LOANWORD_OIDC_ISSUER needs LOANWORD_OIDC_CLIENT_ID.")
    if not _is_private(settings.oidc_issuer):
        raise Misconfigured("LOANWORD_OIDC_ISSUER must begin with https://.")
    secret = None
    if settings.oidc_client_secret_file is not None:
        secret = read_secret(settings.oidc_client_secret_file, "client secret").decode().strip()
    name = settings.oidc_name or urlsplit(settings.oidc_issuer).netloc
    return OpenIdProvider(settings.oidc_issuer, settings.oidc_client_id, secret, name)


def _is_private(address: object) -> bool:
    """Whether nobody on the way reads along."""
    parts = urlsplit(address if isinstance(address, str) else "")
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname or ""))


def _decoded(id_token: str, keys: KeySet) -> jwt.Token:
    """Raises `InvalidKeyIdError` for a key that we do not know, and `ProviderRefused`."""
    try:
        return jwt.decode(id_token, keys, algorithms=ALGORITHMS)
    except InvalidKeyIdError:
        raise
    except (JoseError, TypeError, ValueError) as error:
        raise ProviderRefused from error


def _send(method: str, address: str, **options: Any) -> httpx.Response:
    headers = {"Accept": "application/json"}
    try:
        answer = httpx.request(method, address, timeout=TIMEOUT, headers=headers, follow_redirects=False, **options)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise ProviderUnavailable from error
    if answer.is_client_error and method == "POST":
        raise ProviderRefused
    if not answer.is_success or len(answer.content) > LONGEST_ANSWER:
        raise ProviderUnavailable
    return answer


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = json.loads(answer.content)
    except ValueError as error:
        raise ProviderUnavailable from error
    if not isinstance(told, dict):
        raise ProviderUnavailable
    return told
