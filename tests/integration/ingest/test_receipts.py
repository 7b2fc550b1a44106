"""Receipts: of every change of consent, the same for ever, and checked by a program that knows nothing of us."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

import ingest
from corpus import ledger, ledger_queries, signing
from corpus.collaborators import Collaborators
from corpus.errors import NotFound
from corpus.settings import Settings
from corpus.tables import Erasure
from corpus.words import AccountId, ConsentAct, EntryKind, Purpose, Scope
from ingest import verify_receipt
from ingest.give_consent import Agreement, give_consent
from ingest.publish_notice import publish_notice
from ingest.receipts import Receipt, as_text, receipt, receipts
from ingest.terms import terms_of
from ingest.withdraw import withdraw
from tests.factories import make_account, make_token
from tests.fixtures.house import StillClock

PROGRAM = Path(str(resources.files(ingest).joinpath("verify_receipt.py")))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    told = {
        "controller_name": "Voices for Everyone, Ålesund",
        "controller_contact": "voices@example.org",
        "jurisdiction": "NO",
        "public_url": "https://voices.example",
    }
    return settings.model_copy(update=told)


@pytest.fixture
def account_id(house: Collaborators) -> AccountId:
    account_id = make_account(house)
    publish_notice(house, "We keep what your devices record, if you agree.", locale="en-US", version="1")
    agree(house, account_id)
    return account_id


def agree(house: Collaborators, account_id: AccountId) -> None:
    purposes = frozenset({Purpose.COLLECT, Purpose.REVIEW})
    give_consent(house, account_id, Agreement("1", "en-US", purposes, adult=True))


def run_verifier(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(PROGRAM), str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent)


def signed_by(house: Collaborators) -> str:
    return house.signer.public_key.hex()


def statements_of(house: Collaborators, act: Callable[[], object]) -> int:
    with house.database.reading() as session:
        engine, said = session.get_bind(), []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    act()
    event.remove(engine, "before_cursor_execute", note)
    return len(said)


def holds(document: bytes) -> bool:
    try:
        verify_receipt.verify(document)
    except Exception:  # as the program itself does
        return False
    return True


def test_each_change_has_a_receipt_that_tells_it(
    house: Collaborators, account_id: AccountId, clock: StillClock
) -> None:
    clock.forward(house.settings.notice_grace)
    agree(house, account_id)
    withdraw(house, account_id)

    told = [(each.act, each.purpose) for each in receipts(house, account_id)]

    assert told == [
        (ConsentAct.GIVEN, Purpose.COLLECT),
        (ConsentAct.GIVEN, Purpose.REVIEW),
        (ConsentAct.REFUSED, Purpose.PUBLISH),
        (ConsentAct.REFUSED, Purpose.DEMOGRAPHICS),
        (ConsentAct.RENEWED, Purpose.COLLECT),
        (ConsentAct.RENEWED, Purpose.REVIEW),
        (ConsentAct.WITHDRAWN, Purpose.COLLECT),
        (ConsentAct.WITHDRAWN, Purpose.REVIEW),
    ]


def test_a_receipt_is_the_same_for_ever(house: Collaborators, account_id: AccountId) -> None:
    before = receipts(house, account_id)
    other = make_account(house)
    agree(house, other)
    publish_notice(house, "Another wording.", locale="en-US", version="2")
    withdraw(house, account_id)

    assert receipts(house, account_id)[: len(before)] == before


def test_many_receipts_take_as_many_statements_as_few(house: Collaborators, account_id: AccountId) -> None:
    few = statements_of(house, lambda: receipts(house, account_id))
    for _ in range(5):
        withdraw(house, account_id)
        agree(house, account_id)

    many = statements_of(house, lambda: receipts(house, account_id))

    assert len(receipts(house, account_id)) > 20
    assert many == few


def test_a_receipt_holds_the_terms_as_they_were_stated_when_the_notice_was_published(
    house: Collaborators, account_id: AccountId
) -> None:
    told = receipts(house, account_id)[0].as_json()

    assert told["terms"] == json.loads(json.dumps(terms_of(house.settings)))
    assert told["terms"]["controller"] == {"contact": "voices@example.org", "name": "Voices for Everyone, Ålesund"}
    assert told["terms"]["withdrawal"]["address"] == "https://voices.example/me"
    assert told["record"]["adult"] is True
    assert told["record"]["notice_locale"] == "en-US"


@pytest.mark.parametrize(
    ("recogniser", "hosts"),
    [
        ("tiny.en", []),
        ("http://127.0.0.1:8080/stt,http://localhost/stt", []),
        ("tiny.en, https://asr.example/stt?key=secret", ["asr.example"]),
        ("http://b.example/x,http://a.example:99/x", ["a.example", "b.example"]),
    ],
)
def test_the_terms_name_who_else_is_sent_recordings(recogniser: str, hosts: list[str]) -> None:
    terms = json.loads(json.dumps(terms_of(Settings(recogniser=recogniser))))

    assert terms.get("recognisers", []) == hosts
    assert all(host in terms["purposes"]["collect"]["recipients"] for host in hosts)
    assert "secret" not in json.dumps(terms)


def test_what_no_setting_tells_is_named_as_not_filled() -> None:
    assert {"party_name", "party_contact", "jurisdiction", "withdrawal_address"} <= set(
        terms_of(Settings.model_construct())["not_filled"]  # type: ignore[call-overload]
    )


def test_the_program_says_what_is_proven_and_what_is_not(
    house: Collaborators, account_id: AccountId, tmp_path: Path
) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(receipts(house, account_id)[0].document, "utf-8")

    done = run_verifier(path, "--key", signed_by(house))

    assert done.returncode == 0, done.stderr
    assert '"act": "given"' in done.stdout
    assert "what the operator signed and when" in done.stdout
    assert "not what a person intended" in done.stdout


def test_the_program_takes_the_text_that_came_by_mail(
    house: Collaborators, account_id: AccountId, tmp_path: Path
) -> None:
    path = tmp_path / "receipt.txt"
    told = as_text(receipts(house, account_id)[0], "https://voices.example")
    path.write_text(told.replace("\n", "\r\n"), "utf-8", newline="")

    assert run_verifier(path, "--key", signed_by(house)).returncode == 0
    assert "voices@example.org Voices for Everyone, Ålesund" in told
    assert max(map(len, told.splitlines())) <= 160


def test_the_program_refuses_another_key(house: Collaborators, account_id: AccountId, tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(receipts(house, account_id)[0].document, "utf-8")

    done = run_verifier(path, "--key", "00" * 32)

    assert done.returncode == 1
    assert "another key" in done.stderr


def test_the_program_is_short_and_knows_nothing_of_us() -> None:
    source = PROGRAM.read_text("utf-8")

    assert len(source.splitlines()) < 100
    imported = {
        line.split()[1].partition(".")[0] for line in source.splitlines() if line.startswith(("import", "from"))
    }
    assert imported <= {*sys.stdlib_module_names, "cryptography"}


@pytest.mark.parametrize("bit", [0x01, 0x20, 0x80])
def test_a_receipt_of_which_any_byte_is_another_is_refused(
    house: Collaborators, account_id: AccountId, bit: int
) -> None:
    sound = receipts(house, account_id)[1].document.encode()
    assert holds(sound)

    passed = [at for at in range(len(sound)) if holds(sound[:at] + bytes([sound[at] ^ bit]) + sound[at + 1 :])]

    assert passed == []


def test_a_receipt_that_lacks_a_byte_or_has_one_too_many_is_refused(
    house: Collaborators, account_id: AccountId
) -> None:
    sound = receipts(house, account_id)[1].document.encode()

    assert [at for at in range(len(sound)) if holds(sound[:at] + sound[at + 1 :])] == []
    assert [at for at in range(len(sound)) if holds(sound[:at] + b" " + sound[at:])] == []


def test_nobody_gets_the_receipt_of_another(house: Collaborators, account_id: AccountId) -> None:
    own = receipts(house, account_id)[0]

    with pytest.raises(NotFound):
        receipt(house, make_account(house), own.id)


def test_an_erasure_in_the_ledger_has_a_receipt_that_holds(house: Collaborators, account_id: AccountId) -> None:
    withdraw(house, account_id)
    with house.database.writing() as session:
        told = {"objects": 3, "at": house.clock().isoformat()}
        entry = ledger_queries.append_entry(session, house.signer, EntryKind.ERASURE, told, house.clock())
        note_erasure(session, account_id, entry)

    last = receipts(house, account_id)[-1]

    assert isinstance(last, Receipt)
    assert (last.act, last.as_json()["record"]["objects"]) == (None, 3)
    assert holds(last.document.encode())
    assert "erased" in as_text(last)


def note_erasure(session: Session, account_id: AccountId, entry: int) -> None:
    session.execute(update(Erasure).where(Erasure.account_id == account_id).values(entry_id=entry))


def test_the_api_answers_a_change_with_its_receipts_and_each_of_them_to_the_byte(
    house: Collaborators, account_id: AccountId, api: TestClient
) -> None:
    bearer = {"Authorization": f"Bearer {make_token(house, account_id, Scope.ACCOUNT)}"}
    changed = api.post("/v1/consent/withdraw", headers=bearer).json()["receipts"]
    listed = api.get("/v1/receipts", headers=bearer).json()["receipts"]
    last = changed[0]["proof"]["index"]
    document = api.get(f"/v1/receipts/{last}", headers=bearer)
    text = api.get(f"/v1/receipts/{last}/text", headers=bearer)

    assert [each["record"]["act"] for each in changed] == ["refused", "refused", "withdrawn", "withdrawn"]
    assert listed[-2:] == changed[-2:]
    assert holds(document.content)
    assert holds(text.content)
    assert api.get(f"/v1/receipts/{last}").status_code == 401
    assert api.get("/v1/receipts/999", headers=bearer).status_code == 404
    assert api.get("/verify_receipt.py").text == PROGRAM.read_text("utf-8")


def test_anybody_sees_the_newest_head_and_with_an_earlier_one_that_the_log_only_grew(
    house: Collaborators, account_id: AccountId, api: TestClient
) -> None:
    bearer = {"Authorization": f"Bearer {make_token(house, account_id, Scope.ACCOUNT)}"}
    kept = api.get("/v1/ledger").json()
    for _ in range(5):
        agree(house, make_account(house))
    withdraw(house, account_id)

    first = kept["head"]["size"]
    proof = api.get(f"/v1/ledger/consistency/{first}", headers=bearer).json()

    keys = {each["key_id"]: bytes.fromhex(each["public_key"]) for each in kept["keys"]}
    told = signing.verify(ledger.canonical(proof["head"]), ledger_queries.TREE_HEAD, keys)
    assert ledger.is_consistent(first, kept["head"]["root"], told["size"], told["root"], proof["path"])
    assert not ledger.is_consistent(first, "00" * 32, told["size"], told["root"], proof["path"])
    assert api.get("/v1/ledger/consistency/3", headers=bearer).status_code == 404
    assert api.get(f"/v1/ledger/consistency/{first}").status_code == 401
