"""Uploads while the database, the store or the key store is down: come back later, and nothing left behind."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.errors import StoreUnavailable
from corpus.keys import Keyring
from corpus.object_store import ObjectInfo, ObjectStore
from corpus.s3 import Credentials, S3Connection, S3Store
from corpus.vault import Vault
from corpus.web.app import build_app
from ingest.app import routes
from tests.factories import make_lender, tone, wav
from tests.fixtures.databases import Postgres
from tests.integration.ingest.traces import Traces, send

WAV = wav(tone(duration_s=0.2))
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


class HookedStore:
    """A real store that does something else after each put of a voice, or fails to erase."""

    def __init__(self, store: ObjectStore, after_put: Callable[[], None]) -> None:
        self.store = store
        self.after_put = after_put

    def put(self, key: str, data: bytes | memoryview | Iterable[bytes]) -> ObjectInfo:
        info = self.store.put(key, data)
        self.after_put()
        return info

    def put_each(self, objects: Sequence[tuple[str, bytes]]) -> list[ObjectInfo | Exception]:
        return [self.put(key, data) for key, data in objects]

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)


def unreachable_store() -> ObjectStore:
    return S3Store("bucket", "", S3Connection("http://127.0.0.1:1", Credentials("key", "secret")))


def with_store(house: Collaborators, store: ObjectStore) -> Collaborators:
    return replace(house, store=store, vault=Vault(store))


@on_postgresql
def test_while_the_database_is_down_an_upload_comes_back_later(
    house: Collaborators, api: TestClient, traces: Traces, postgresql_server: Postgres
) -> None:
    lender = make_lender(house)
    before = traces.now()
    postgresql_server.stop()

    answer = send(api, lender, WAV)

    postgresql_server.start()
    assert (answer.status, answer.problem) == (503, "database-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert traces.now() == before


@on_postgresql
def test_a_database_that_goes_down_before_the_commit_leaves_no_object(
    house: Collaborators, traces: Traces, postgresql_server: Postgres
) -> None:
    lender = make_lender(house)
    before = traces.now()
    store = HookedStore(house.store, after_put=postgresql_server.stop)

    with TestClient(build_app(with_store(house, store), [routes()])) as api:  # type: ignore[arg-type]  # every verb
        answer = send(api, lender, WAV)

    postgresql_server.start()
    assert (answer.status, answer.problem) == (503, "database-unavailable")
    assert traces.now() == before


def test_a_commit_whose_outcome_nobody_knows_leaves_the_object_for_the_sweep(
    house: Collaborators, api: TestClient, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender = make_lender(house)

    def lose_the_answer(_session: Session) -> None:
        raise OperationalError("COMMIT", {}, ConnectionError("the server went away"))

    with monkeypatch.context() as patched:
        patched.setattr(Session, "commit", lose_the_answer)
        answer = send(api, lender, WAV, Idempotency_Key="k-1")

    retried = send(api, lender, WAV, Idempotency_Key="k-1")
    assert (answer.status, answer.problem) == (503, "database-unavailable")
    assert retried.status == 201
    assert (traces.utterances(), len(traces.objects())) == (1, 2)
    assert not traces.holds(WAV[44:200])


def test_while_the_store_is_down_an_upload_comes_back_later(house: Collaborators, traces: Traces) -> None:
    lender = make_lender(house)
    before = traces.now()
    nowhere = with_store(house, unreachable_store())

    with TestClient(build_app(nowhere, [routes()])) as api:
        answer = send(api, lender, WAV)

    assert (answer.status, answer.problem) == (503, "store-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert traces.now() == before


def test_while_the_key_store_is_down_an_upload_comes_back_later(house: Collaborators, traces: Traces) -> None:
    lender = make_lender(house)
    before = traces.now()
    keys = unreachable_store()
    locked_out = replace(house, keyring=Keyring(house.master, keys))

    with TestClient(build_app(locked_out, [routes()])) as api:
        answer = send(api, lender, WAV)

    assert (answer.status, answer.problem) == (503, "store-unavailable")
    assert traces.now() == before


def test_an_object_that_a_refused_upload_cannot_erase_is_told_and_the_refusal_stands(
    house: Collaborators, traces: Traces
) -> None:
    lender = make_lender(house)

    class NoErasing(HookedStore):
        def erase(self, key: str) -> None:
            raise StoreUnavailable(key)

    def revoke() -> None:
        with house.database.writing() as session:
            session.connection().exec_driver_sql("UPDATE tokens SET revoked_at = created_at")

    store = NoErasing(house.store, after_put=revoke)
    with TestClient(build_app(with_store(house, store), [routes()])) as api:  # type: ignore[arg-type]  # every verb
        answer = send(api, lender, WAV)

    assert (answer.status, answer.problem) == (401, "unauthenticated")
    assert (traces.utterances(), len(traces.objects())) == (0, 1)
