"""What an S3 server's refusals mean: one table from its codes to our errors."""

from corpus.errors import (
    BadObjectKey,
    BucketMissing,
    ObjectAbsent,
    ObjectExists,
    ObjectForbidden,
    StoreError,
    StoreUnavailable,
    Unsupported,
    UploadGone,
    WriteConflict,
)

_BY_CODE: dict[str, type[StoreError]] = {
    "NoSuchKey": ObjectAbsent,
    "NoSuchVersion": ObjectAbsent,
    "NoSuchBucket": BucketMissing,  # never taken for an absent object: erasing from a mistyped bucket is no success
    "NoSuchUpload": UploadGone,
    "PreconditionFailed": ObjectExists,
    "ConditionalRequestConflict": WriteConflict,
    "OperationAborted": WriteConflict,
    "KeyTooLongError": BadObjectKey,
    "NotImplemented": Unsupported,
    "MethodNotAllowed": Unsupported,
    # Refused with status 400, though the same request may do better
    "BadDigest": StoreUnavailable,
    "IncompleteBody": StoreUnavailable,
    "RequestTimeout": StoreUnavailable,
    "SlowDown": StoreUnavailable,
    "Throttling": StoreUnavailable,
    "XAmzContentSHA256Mismatch": StoreUnavailable,
    # Refused with status 400, though it is about who asks
    "ExpiredToken": ObjectForbidden,
    "InvalidToken": ObjectForbidden,
}
# An answer to HEAD has no body, and so no code.
_BY_STATUS: dict[int, type[StoreError]] = {
    401: ObjectForbidden,
    403: ObjectForbidden,
    404: ObjectAbsent,
    405: Unsupported,
    409: WriteConflict,
    412: ObjectExists,
    429: StoreUnavailable,
    501: Unsupported,
}


def meaning(code: str, status: int, key: str) -> StoreError:
    """The error, about the object `key`, that an answer's code and HTTP status stand for."""
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if kind is None and status >= 500:
        kind = StoreUnavailable
    return kind(key) if kind else StoreError(key, f"The object store refused with {code} ({status}).")
