"""Which store an address means: `s3://bucket/prefix`, `file:///a/directory`, or a plain path."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from corpus.errors import BadStoreAddress
from corpus.object_store import DirectoryStore, ObjectStore
from corpus.s3 import S3Connection, S3Store

_SCHEME = re.compile(r"[a-z0-9]{2,}:/", re.IGNORECASE)
"""What begins like this is an address with a slash too few, and no path."""


def open_store(url: str, *, s3_endpoint_url: str | None = None) -> ObjectStore:
    """Raises `BadStoreAddress`. A directory is made if it is not there; a bucket is not."""
    if "://" not in url:
        if not url or _SCHEME.match(url):
            raise BadStoreAddress
        return DirectoryStore(Path(url))
    address = urlsplit(url)
    if address.scheme == "s3" and address.netloc:
        return S3Store(address.netloc, address.path, S3Connection(s3_endpoint_url))
    if address.scheme == "file" and address.netloc in ("", "localhost") and address.path.strip("/"):
        return DirectoryStore(Path(unquote(address.path)))
    raise BadStoreAddress
