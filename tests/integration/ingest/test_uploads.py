"""`POST /v1/utterances`, as it goes well."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import select
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.sealed import place
from corpus.tables import Utterance
from corpus.words import UtteranceId
from ingest import digests
from tests.factories import NOW, make_lender, tone, voice_key, wav
from tests.integration.ingest.traces import Traces, bearer, send
from tests.unit.ingest.test_multipart import form, part

WAV = wav(tone(duration_s=0.5))


def row(house: Collaborators, utterance_id: str) -> Utterance:
    with house.database.reading() as session:
        return session.scalars(select(Utterance).where(Utterance.id == UtteranceId(utterance_id))).one()


def test_an_utterance_is_kept_sealed_with_what_was_said_of_it(
    house: Collaborators, api: TestClient, traces: Traces
) -> None:
    lender = make_lender(house)
    before = NOW - timedelta(minutes=3)

    answer = send(
        api,
        lender,
        WAV,
        f"?transcript=turn+on+the+lights&locale=en-gb&captured_at={before.isoformat().replace('+00:00', 'Z')}",
        Content_Type="text/plain",
        Repr_Digest=digests.header_for(WAV),
    )

    assert answer.status == 201, answer
    kept, key = row(house, answer.json["id"]), voice_key(house, lender.account_id)
    assert kept.object_key is not None
    assert house.vault.get(key, kept.object_key) == WAV
    assert kept.transcript is not None
    assert key.open(kept.transcript, place("utterances.transcript", kept.id)) == b"turn on the lights"
    assert (kept.locale, kept.captured_at, kept.received_at) == ("en-GB", before, NOW)
    assert (kept.media_type, kept.size_bytes) == ("audio/wav", len(WAV))
    assert not traces.holds(WAV[44:200])
    assert not traces.holds(b"turn on the lights")


def test_without_metadata_an_utterance_was_made_now_in_the_servers_locale(
    house: Collaborators, api: TestClient
) -> None:
    answer = send(api, make_lender(house), WAV)

    kept = row(house, answer.json["id"])
    assert (kept.captured_at, kept.locale, kept.transcript) == (NOW, "en-US", None)


def test_a_clock_that_runs_a_little_fast_is_forgiven(house: Collaborators, api: TestClient) -> None:
    answer = send(api, make_lender(house), WAV, Loanword_Captured_At=(NOW + timedelta(minutes=4)).isoformat())

    assert answer.status == 201
    assert row(house, answer.json["id"]).captured_at == NOW


def test_a_multipart_body_is_taken_apart_whatever_it_is_called(
    house: Collaborators, api: TestClient, traces: Traces
) -> None:
    body = form(part("audio", WAV, filename="a"), part("transcript", b"lights on"), part("lang", b"en-au"))

    answer = send(api, make_lender(house), body, Content_Type="application/json", Repr_Digest=digests.header_for(body))

    assert answer.status == 201, answer
    assert (row(house, answer.json["id"]).size_bytes, row(house, answer.json["id"]).locale) == (len(WAV), "en-AU")
    assert list(traces.temporary.iterdir()) == []


def test_a_retry_gets_the_same_answer_and_leaves_one_utterance(
    house: Collaborators, api: TestClient, traces: Traces
) -> None:
    lender = make_lender(house)
    first = send(api, lender, WAV, "?transcript=hello", Idempotency_Key="k-1")

    second = send(api, lender, WAV, "?transcript=hello", Idempotency_Key="k-1")

    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert (traces.utterances(), len(traces.objects())) == (1, 1)


def test_another_devices_key_is_another_key(house: Collaborators, api: TestClient, traces: Traces) -> None:
    send(api, make_lender(house), WAV, Idempotency_Key="k-1")

    answer = send(api, make_lender(house), WAV + b"\0\0", Idempotency_Key="k-1")

    assert answer.status == 201
    assert traces.utterances() == 2


def test_of_eight_uploads_that_race_with_one_key_one_is_kept(
    house: Collaborators, api: TestClient, traces: Traces
) -> None:
    lender = make_lender(house)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(api, lender, WAV, Idempotency_Key="k-1"), range(8)))

    assert [answer.status for answer in answers] == [201] * 8
    assert len({answer.json["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert (traces.utterances(), len(traces.objects())) == (1, 1)


def test_uploads_that_race_without_a_key_are_all_kept(house: Collaborators, api: TestClient, traces: Traces) -> None:
    lenders = [make_lender(house) for _ in range(3)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: send(api, lenders[n % 3], WAV + bytes(2 * n)), range(24)))

    assert {answer.status for answer in answers} == {201}
    assert (traces.utterances(), len(traces.objects())) == (24, 24)


def test_an_answer_to_an_upload_is_kept_by_no_proxy(house: Collaborators, api: TestClient) -> None:
    assert send(api, make_lender(house), WAV).headers["cache-control"] == "no-store"


def test_the_page_of_the_api_describes_the_body(api: TestClient) -> None:
    described = api.get("/openapi.json", headers=bearer("x")).json()["paths"]["/v1/utterances"]["post"]

    assert "audio/*" in described["requestBody"]["content"]
    assert {"Idempotency-Key", "Repr-Digest", "transcript"} <= {each["name"] for each in described["parameters"]}
