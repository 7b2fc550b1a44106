"""SQL that fills a PostgreSQL database with people, recordings and clips that are nobody's.

Rows are made in the server, by number, without foreign keys being checked: a million clips take minutes. They have the
shape of real ones: random ids and digests, sealed columns of their usual length, one person's recordings spread over
time.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, text
from sqlalchemy.orm import Session

from corpus.queries import usable_clips
from corpus.tables import Clip
from corpus.words import Purpose

WAITING_SHARE = 0.01
"""The newest recordings, which have no clip yet."""

REVIEWED_SHARE = 0.5

_PEOPLE = """
    CREATE TEMPORARY TABLE people
    (number bigint PRIMARY KEY, account_id text, device_id text, voice_key_id text, consent_event_id int)
"""

_ROWS = (
    """INSERT INTO utterances (id, account_id, device_id, consent_event_id, voice_key_id, object_key,
              idempotency_digest, body_digest, size_bytes, media_type, locale, transcript, captured_at, received_at,
              curated_at)
       SELECT md5('utterance' || i), account_id, device_id, consent_event_id, voice_key_id,
              'voices/' || account_id || '/' || voice_key_id || '/utterances/'
              || md5('utterance' || i) || '.' || substr(md5('object' || i), 1, 16),
              encode(sha256(('key' || i)::bytea), 'hex'), encode(sha256(('body' || i)::bytea), 'hex'),
              60000, 'audio/wav', 'en-US', sha256(('said' || i)::bytea) || sha256(('more' || i)::bytea),
              now() - interval '1 year' * (:clips - i) / :clips - interval '1 hour',
              now() - interval '1 year' * (:clips - i) / :clips - interval '1 hour',
              CASE WHEN i < (:clips * (1 - :waiting))::int THEN now() END
       FROM generate_series(0, :clips - 1) i JOIN people ON people.number = i % :people""",
    """INSERT INTO clips (id, utterance_id, outcome, reason, object_key, pcm_digest, samples, peak_dbfs, rms_dbfs,
              clipped_share, measured_at, reviewed_at)
       SELECT md5('clip' || i), md5('utterance' || i),
              CASE WHEN i % 10 = 0 THEN 'dropped' ELSE 'kept' END, CASE WHEN i % 10 = 0 THEN 'silent' END,
              CASE WHEN i % 10 > 0 THEN 'voices/' || account_id || '/' || voice_key_id || '/clips/' || md5('clip' || i)
                   || '.' || substr(md5('object' || i), 1, 16) END,
              CASE WHEN i % 10 > 0 THEN encode(sha256(('pcm' || i)::bytea), 'hex') END,
              48000, -6.0, -23.0, 0.0, now() - interval '1 year' * (:clips - i) / :clips,
              CASE WHEN i < :clips * :reviewed THEN now() END
       FROM generate_series(0, (:clips * (1 - :waiting))::int - 1) i JOIN people ON people.number = i % :people""",
    """INSERT INTO verdicts (clip_id, stage, stage_version, outcome, at)
       SELECT id, stage, 1, 'kept', measured_at
       FROM clips, unnest(ARRAY['duration', 'silence', 'level', 'clipping', 'duplicates']) stage""",
    """INSERT INTO measurements (clip_id, version, judged_by, trimmed_start, trimmed_end, samples, is_cut, peak_dbfs,
              rms_dbfs, lufs, clipped_share, dc_offset, sounding_s, sounding_dbfs, heard_s, speech_s, snr_db,
              bandwidth_hz, hum_dbfs, starts_db, ends_db)
       SELECT id, 1, repeat('0', 16), 800, 1600, 48000, false, -6, -23, -23, 0, 0, 2.5, -20, 3, 2, 25, 7000, -80, -30,
              -30 FROM clips""",
    """INSERT INTO hypotheses (clip_id, recogniser, text, confidence, at)
       SELECT id, 'whisper-tiny.en', sha256(id::bytea) || sha256(id::bytea), 0.8, measured_at
       FROM clips WHERE outcome = 'kept'""",
    """INSERT INTO reviews (id, clip_id, curator_id, decision, transcript, at)
       SELECT md5('review' || id), id, (SELECT account_id FROM people WHERE number = 0), 'accept',
              sha256(id::bytea) || sha256(id::bytea), reviewed_at
       FROM clips WHERE outcome = 'kept' AND reviewed_at IS NOT NULL""",
    """INSERT INTO labels (clip_id, transcript, source, at)
       SELECT clip_id, transcript, 'review', at FROM reviews""",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who lends so many of the recordings."""

    account_id: str
    device_id: str
    voice_key_id: str
    consent_event_id: int


def fill(connection: Connection, clips: int, people: Sequence[Person]) -> None:
    """So many recordings of these people in turn, and what curation and review left of them."""
    numbers = {"clips": clips, "people": len(people), "waiting": WAITING_SHARE, "reviewed": REVIEWED_SHARE}
    connection.execute(text(_PEOPLE))
    connection.execute(
        text("INSERT INTO people VALUES (:number, :account_id, :device_id, :voice_key_id, :consent_event_id)"),
        [{"number": number, **asdict(person)} for number, person in enumerate(people)],
    )
    connection.execute(text("SET session_replication_role = replica"))  # no foreign key is looked up
    for statement in _ROWS:
        connection.execute(text(statement), {name: numbers[name] for name in numbers if f":{name}" in statement})


def settle(connection: Connection) -> None:
    connection.execute(text("VACUUM ANALYZE"))


def sizes_bytes(connection: Connection) -> dict[str, tuple[int, int]]:
    """Of each table with rows: its own bytes, and those of its indexes."""
    rows = connection.execute(
        text(
            """SELECT relname, pg_table_size(relid), pg_indexes_size(relid) FROM pg_stat_user_tables
               WHERE n_live_tup > 0 ORDER BY pg_total_relation_size(relid) DESC"""
        )
    )
    return {name: (table, indexes) for name, table, indexes in rows}


def count_publishable(session: Session, now: datetime) -> int:
    """A look at every clip, as a release takes one."""
    return session.scalar(usable_clips(Purpose.PUBLISH, now).with_only_columns(func.count(Clip.id))) or 0
