"""Every setting of a Loanword process, read once from `LOANWORD_…` in its entry point and handed down."""

from collections.abc import Iterable
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from corpus.errors import Misconfigured
from corpus.hosts import other_machine

PREFIX = "LOANWORD_"
NONE = "none"
"""How a setting is taken away that has a default."""

ALIKE = 0.8
"""From here on, by difflib, a name in the environment is taken for a setting that was misspelt."""


class Settings(BaseSettings):
    """Read from the environment. Nothing here is a secret, and no secret has a default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_parse_none_str=NONE)

    home: Path = Field(Path("loanword-data"), description="Where state lives unless a setting below says otherwise.")
    database_url: str | None = Field(
        None, description="sqlite:////path or postgresql+psycopg://…; default <home>/loanword.db"
    )
    object_store: str | None = Field(None, description="A directory or s3://bucket/prefix; default <home>/objects")
    key_store: str | None = Field(
        None,
        description="Where wrapped account keys live, outside the database and its backups; default <home>/keys",
    )
    master_key_file: Path | None = Field(
        None, description="32 random bytes a key, oldest first, mode 0600; default <home>/master.key"
    )
    signing_key_file: Path | None = Field(
        None,
        description="The Ed25519 key that signs for us, mode 0600; default <home>/signing.key",
    )
    s3_endpoint_url: str | None = Field(None, description="The S3 server, where it is not AWS's own.")

    public_url: str | None = Field(
        None,
        pattern=r"(?i)^https?://[^/\s]",
        description="The address that people use, such as https://voices.example; with https, cookies are Secure.",
    )
    oidc_issuer: str | None = Field(
        None, pattern=r"^https?://[^/\s]", description="An OpenID provider by which people may sign in, besides."
    )
    oidc_client_id: str | None = Field(None, description="How the provider knows us.")
    oidc_client_secret_file: Path | None = Field(
        None, description="The secret that it gave us, mode 0600; none for a public client."
    )
    oidc_name: str | None = Field(None, description="What people call the provider; default its host.")
    proxies: int = Field(
        0,
        ge=0,
        description="Proxies before the server, each of which adds to X-Forwarded-For: whose guesses are counted.",
    )

    controller_name: str | None = Field(
        None, description="Who is responsible for the voices, as receipts name them. Taken up by the next notice."
    )
    controller_contact: str | None = Field(
        None, description="Where to reach them: an e-mail or postal address, as receipts name it."
    )
    jurisdiction: str | None = Field(
        None, description="Whose law the consent is given under, such as DE, as receipts name it."
    )

    upload_max_bytes: int = Field(10_000_000, gt=0, description="The largest body that one upload may have.")
    upload_memory_bytes: int = Field(
        256_000_000,
        gt=0,
        description="All upload bodies that a server process may hold at one time. While they are stored, encrypted "
        "copies of up to 32 of them come on top.",
    )
    upload_deadline: timedelta = Field(timedelta(seconds=60), description="How long one body may take to arrive.")
    uploads_per_minute: int = Field(600, gt=0, description="Utterances that one device may send in a minute.")
    clip_max: timedelta = Field(
        timedelta(seconds=20), description="The longest recording that is decoded; a longer one is dropped."
    )
    notice_grace: timedelta = Field(
        timedelta(days=30), description="How long uploads may rest on a notice after a newer one."
    )
    consent_lifetime: timedelta | None = Field(
        None, description="How long consent lasts before it must be renewed; default for ever."
    )

    raw_retention: timedelta | None = Field(
        timedelta(days=90), description="How long an original is kept once its clip is made; `none`: until withdrawn."
    )
    refused_retention: timedelta | None = Field(
        timedelta(days=30), description="How long a refused recording is kept; `none`: until withdrawn."
    )
    unreviewed_retention: timedelta | None = Field(
        timedelta(days=365), description="How long a recording waits for a reviewer; `none`: until withdrawn."
    )

    release_state_lasts: timedelta = Field(
        timedelta(days=7),
        ge=timedelta(days=1),
        description="How long engineers may rely on a signed release state before they must fetch a newer one.",
    )

    recogniser: str | None = Field(
        None,
        description="Who hears clips, the default first, with commas between: `tiny.en` and `moonshine` (extra asr), a "
        "CTranslate2 Whisper directory, the address of a server that speaks deepspeech-server's protocol; or none.",
    )
    speech_detector: Literal["silero"] | None = Field(
        "silero",
        description="What tells speech from noise: `silero` (extra asr; unmeasured without it), or `none`.",
    )
    quality_model: Literal["dnsmos"] | None = Field(
        None,
        description="What rates how good clips sound: `dnsmos` (extra dnsmos; about a second a clip), or none.",
    )
    redaction: Literal["silence", "tone"] = Field(
        "silence", description="What stands in a recording where personal data was taken out."
    )
    names: Literal["auto", "spacy"] | None = Field(
        "auto", description="Who looks for names: `spacy` (extra pii), `auto` (where it is there) or `none`."
    )
    aligner: Literal["pocketsphinx"] | None = Field(
        None,
        description="What checks English transcripts against their audio: `pocketsphinx` (extra asr), or none.",
    )
    doubtful_reviews: int = Field(
        2,
        ge=1,
        le=2,
        description="How many curators have to agree on a doubtful clip; 1 where there is but one curator.",
    )
    second_review_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Of the clips that need one curator, the share that a second hears blind, to measure the first.",
    )
    curate_batch: int = Field(32, gt=0, description="Utterances that one curation task takes.")
    locale: str = Field("en-US", description="What a device speaks that does not say.")

    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home.absolute() / 'loanword.db'}"

    def resolved_object_store(self) -> str:
        return self.object_store or str(self.home.absolute() / "objects")

    def resolved_key_store(self) -> str:
        return self.key_store or str(self.home.absolute() / "keys")

    def resolved_master_key_file(self) -> Path:
        return self.master_key_file or self.home.absolute() / "master.key"

    def resolved_signing_key_file(self) -> Path:
        return self.signing_key_file or self.home.absolute() / "signing.key"

    @field_validator("recogniser")
    @classmethod
    def _names_hosts(cls, value: str | None) -> str | None:
        for each in named_recognisers(value):
            other_machine(each)
        return value

    def remote_recognisers(self) -> list[str]:
        """The hosts, other than this machine, that recordings are sent to in order to be heard."""
        return sorted({host for each in named_recognisers(self.recogniser) if (host := other_machine(each))})

    def is_public_over_tls(self) -> bool:
        """Whether people come over TLS, though a proxy may speak plain HTTP to us."""
        return (self.public_url or "").lower().startswith("https://")


def named_recognisers(setting: str | None) -> list[str]:
    """Each that LOANWORD_RECOGNISER names, in its order."""
    return [each.strip() for each in (setting or "").split(",") if each.strip().lower() not in ("", NONE)]


def misspelt_settings(environment: Iterable[str]) -> list[str]:
    """What to say of each name that is nearly that of a setting. Others may be anybody's, an orchestrator's too."""
    known = {name.upper() for name in Settings.model_fields}
    strange = sorted({name.upper() for name in environment if name.upper().startswith(PREFIX)})
    found = []
    for name in strange:
        own = name.removeprefix(PREFIX)
        if own not in known and (like := get_close_matches(own, known, n=1, cutoff=ALIKE)):
            found.append(f"{name} is no setting: did you mean {PREFIX}{like[0]}?")
    return found


def read_settings(home: Path | None = None) -> Settings:
    """From the environment, with the home that was named. Raises `Misconfigured`, naming each that is wrong."""
    try:
        return Settings() if home is None else Settings(home=home)
    except ValidationError as error:
        # Without the values: a database's address may hold a password.
        wrong = [f"LOANWORD_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()]
        raise Misconfigured("; ".join(wrong)) from None
