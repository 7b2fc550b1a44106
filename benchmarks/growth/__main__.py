"""`python -m benchmarks.growth --write`: the tables of docs/scale.md, from databases of 10,000 clips to a million.

A PostgreSQL of its own with its defaults for memory, but for 256 MB of shared buffers. Each query is run five times,
after one that is not counted, on rows of which nothing is missing from its caches: what is shown is the work, and not
the disk.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from benchmarks.growth import queries as made
from corpus.collaborators import collaborators
from corpus.database import Database, connected
from corpus.queries import consent_facts
from corpus.settings import Settings
from corpus.words import AccountId, new_id, utc_now
from curation import duplicate_queries, queries
from curation.leases.lease import LASTS
from curation.leases.queries import take
from curation.review import queries as review_queries
from ingest.own import queries as own
from loanword.prepare import prepare
from tests.factories import make_account, make_device, opt_in, voice_key
from tests.fixtures.databases import OPTIONS, Postgres, postgresql

CLIPS_A_PERSON = 1_000
"""A corpus of a hundred million clips would be of a hundred thousand people."""

CLIPS = (10_000, 100_000, 1_000_000)
ROUNDS = 5
BATCH = 32
PAGE = 2_048
NOBODY = AccountId("0" * 32)
PAGE_OF_DOCS = Path(__file__).parents[2] / "docs" / "scale.md"
BEGIN, END = "<!-- growth: python -m benchmarks.growth -->\n", "<!-- growth ends -->\n"


class Measured(NamedTuple):
    """One database: how large it is, and how long each query took, in milliseconds."""

    clips: int
    sizes_bytes: dict[str, tuple[int, int]]
    took_ms: dict[str, float]


def measure(server: Postgres, clips: int) -> Measured:
    """Fills a database, and asks it."""
    name = f"growth_{clips}"
    server.create_database(name)
    url = server.url(name)
    people = _people(url, max(10, clips // CLIPS_A_PERSON))
    with connected(url) as connection:
        made.fill(connection, clips, people)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")  # or there is no VACUUM
    with engine.connect() as connection:
        made.settle(connection)
        sizes_bytes = made.sizes_bytes(connection)
    engine.dispose()
    database = Database(url)
    try:
        return Measured(clips, sizes_bytes, {what: _took_ms(database, ask) for what, ask in _asked(database).items()})
    finally:
        database.close()
        server.drop_database(name)


def _people(url: str, wanted: int) -> list[made.Person]:
    """Accounts that have agreed to everything, two years ago."""
    people = []
    with tempfile.TemporaryDirectory(prefix="loanword-growth-") as folder:
        settings = Settings(home=Path(folder), database_url=url)
        prepare(settings)
        house = collaborators(settings)
        for _ in range(wanted):
            account_id = make_account(house)
            opt_in(house, account_id, at=house.clock() - timedelta(days=730))
            lender = make_device(house, account_id)
            with house.database.reading() as session:
                [collect, *_] = consent_facts(session, account_id)
            people.append(made.Person(account_id, lender.device_id, voice_key(house, account_id).key_id, collect.id))
        house.database.close()
    return people


def _asked(database: Database) -> dict[str, Callable[[Session], object]]:
    now = utc_now()
    with database.reading() as session:
        places = queries.waiting_places(session, now, after=None, limit=PAGE)
        [some_account, *_] = queries.accounts_of(session, [places[0].utterance_id])
    ids = [each.utterance_id for each in places[:BATCH]]

    def claim(session: Session) -> object:
        usable = queries.waiting(session, ids, now)
        queries.done(session, ids)
        return take(session, new_id(), [each.utterance_id for each in usable], now, now - LASTS)

    return {
        f"a page of {PAGE:,} recordings to curate": lambda session: queries.waiting_places(
            session, now, after=None, limit=PAGE
        ),
        "how many recordings wait": lambda session: queries.count_waiting(session, now),
        f"the claim of a batch of {BATCH}": claim,
        "sets of equal audio that are undecided": lambda session: duplicate_queries.unsettled_digests(
            session, now, after="", limit=100
        ),
        "the next clip for a curator": lambda session: review_queries.next_candidate(session, NOBODY, now, ()),
        "the counts on one person's page": lambda session: own.counts(session, some_account, now),
        "all clips that may be published, counted": lambda session: made.count_publishable(session, now),
    }


def _took_ms(database: Database, ask: Callable[[Session], object]) -> float:
    took = []
    for _ in range(ROUNDS + 1):
        with database.writing() as session:
            began = time.perf_counter()
            ask(session)
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took[1:])


def page(measured: Sequence[Measured]) -> str:
    """Both tables, as Markdown."""
    head = [
        "|".join(["", " clips ", *(f" {each.clips:,} " for each in measured), ""]),
        "|---" * (len(measured) + 1) + "|",
    ]
    times = [
        f"| {what} | " + " | ".join(f"{each.took_ms[what]:,.1f} ms" for each in measured) + " |"
        for what in measured[0].took_ms
    ]
    largest = measured[-1]
    totals = [f"{sum(map(sum, each.sizes_bytes.values())) / each.clips:,.0f} bytes" for each in measured]
    tables = [
        f"| `{name}` | {table / largest.clips:,.0f} | {indexes / largest.clips:,.0f} |"
        for name, (table, indexes) in largest.sizes_bytes.items()
        if (table + indexes) / largest.clips >= 1
    ]
    return "\n".join(
        [
            *head,
            *times,
            "| the database, a clip | " + " | ".join(totals) + " |",
            "",
            f"Bytes a clip at {largest.clips:,} clips:",
            "",
            "| table | rows | indexes |",
            "|---|---|---|",
            *tables,
            "",
        ]
    )


def write(tables: str) -> None:
    """Puts them in the page of the docs, in place of those before."""
    text = PAGE_OF_DOCS.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE_OF_DOCS.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=list(CLIPS))
    parser.add_argument("--write", action="store_true", help="into docs/scale.md as well")
    arguments = parser.parse_args()
    with postgresql(OPTIONS | {"shared_buffers": "256MB"}) as server:
        tables = page([measure(server, clips) for clips in arguments.clips])
    print(tables)
    if arguments.write:
        write(tables)


if __name__ == "__main__":
    main()
