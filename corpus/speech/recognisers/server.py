"""A recogniser on another machine, over deepspeech-server's protocol: a WAV file is posted, plain text comes back.

Voices leave this machine for the one address that the operator configured, and for no other: no proxy of the
environment is used and no redirect followed. The address may hold a secret, and is never logged or stored.
"""

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

import httpx

from corpus.alphabet import language_of
from corpus.audio import wav
from corpus.errors import Misconfigured, RecogniserUnavailable
from corpus.hosts import other_machine
from corpus.speech.hallucination import Doubt, nothing
from corpus.speech.heard import NAME_MAX_CHARACTERS, Heard, Sound

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
"""Of a read, too: a server that works on a clip of 20 s says nothing for a while."""

ANSWER_MAX_BYTES = 16_384
"""Twenty seconds of speech are 500 characters."""

LOCALE_FIELD = "{locale}"

_MAKES_NOTHING_OF_IT = httpx.codes.INTERNAL_SERVER_ERROR
_PASSES = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)


class ServerRecogniser:
    """`{locale}` in the address becomes the clip's own; without it, the server speaks the language of `locale`.

    Its answers have no word times and no confidence.
    """

    def __init__(self, address: str, locale: str, transport: httpx.BaseTransport | None = None) -> None:
        """Raises `Misconfigured`: also where it can be read in two ways, for what people are told is where it goes."""
        self.sends_to = other_machine(address)
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured("A recogniser's address must begin with http:// or https:// and name a host.")
        if LOCALE_FIELD in parts.netloc:
            raise Misconfigured(f"{LOCALE_FIELD} may stand behind the host of a recogniser's address, and not in it.")
        if parts.hostname not in _hosts_posted_to(address):
            raise Misconfigured("A recogniser's address must name its host plainly: it can be read in two ways.")
        self._address, self._locale = address, locale
        self.name = f"server-{parts.hostname}"[:NAME_MAX_CHARACTERS]
        self._http = httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False, transport=transport)

    def speaks(self, locale: str) -> bool:
        return LOCALE_FIELD in self._address or language_of(locale) == language_of(self._locale)

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        """Raises `RecogniserUnavailable`, and `Misconfigured` where the server refuses what is asked of it."""
        return [self._hear(sound) for sound in batch]

    def _hear(self, sound: Sound) -> Heard:
        address = self._address.replace(LOCALE_FIELD, quote(sound.locale, safe=""))
        recording = wav(sound.samples.astype("<i2").tobytes())
        try:
            with self._http.stream("POST", address, content=recording) as answer:
                status, body = answer.status_code, _bounded(answer)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise RecogniserUnavailable from error
        if status == _MAKES_NOTHING_OF_IT:  # what deepspeech-server answers whatever is wrong with a clip
            return nothing(Doubt.RECOGNISER_FAILED)
        if status > _MAKES_NOTHING_OF_IT or status in _PASSES:
            raise RecogniserUnavailable
        if status != httpx.codes.OK:
            raise Misconfigured(f"The recogniser {self.name} answers {status}: see LOANWORD_RECOGNISER.")
        if body is None:
            return nothing(Doubt.RECOGNISER_FAILED)
        return Heard(" ".join(body.decode("utf-8", errors="replace").split()))


def _hosts_posted_to(address: str) -> set[str]:
    """The host as the client reads it, in letters and as it is asked for."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return set()
    return {url.host, url.raw_host.decode("ascii")}


def _bounded(answer: httpx.Response) -> bytes | None:
    """The body, or None where it is longer than any transcript."""
    body = b""
    for piece in answer.iter_bytes(ANSWER_MAX_BYTES):
        body += piece
        if len(body) > ANSWER_MAX_BYTES:
            return None
    return body
