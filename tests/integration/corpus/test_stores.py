"""Which store an address means."""

from pathlib import Path

import pytest

from corpus.errors import BadStoreAddress
from corpus.object_store import DirectoryStore
from corpus.s3 import S3Store
from corpus.stores import open_store


@pytest.mark.parametrize("address", ["{}/objects", "file://{}/objects", "file://localhost{}/my%20objects"])
def test_a_path_means_a_directory(tmp_path: Path, address: str) -> None:
    store = open_store(address.format(tmp_path))

    assert isinstance(store, DirectoryStore)
    assert [path.name.replace("my ", "") for path in tmp_path.iterdir()] == ["objects"]


@pytest.mark.parametrize("address", ["s3://bucket", "s3://bucket/", "s3://bucket/a/prefix/"])
def test_a_bucket_is_never_asked_before_it_is_used(address: str) -> None:
    store = open_store(address, s3_endpoint_url="http://127.0.0.1:9")

    assert isinstance(store, S3Store)


@pytest.mark.parametrize(
    "address", ["", "s3://", "s3:///key", "s3:/a", "file://", "file:///", "file://host/a", "https://a/b"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadStoreAddress):
        open_store(address)
