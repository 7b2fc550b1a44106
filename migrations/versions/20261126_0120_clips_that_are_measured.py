"""Clips that are measured: what curation finds out about a recording, and how sure it is.

Every table hangs from a clip or an utterance by a foreign key, and so goes with the voice.
"""

import sqlalchemy as sa
from alembic import op

revision = "b41d7e02c9a6"
down_revision = "7c1e5a90b3d4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "measurements",
        sa.Column("clip_id", sa.String(32), nullable=False),
        sa.Column(
            "version",
            sa.Integer(),
            nullable=False,
            comment="of the measures; older ones are taken again where there is audio",
        ),
        sa.Column("judged_by", sa.String(16), nullable=False, comment="the rules that judged it last"),
        sa.Column(
            "trimmed_start",
            sa.Integer(),
            nullable=False,
            comment="samples of silence cut off before what is measured here",
        ),
        sa.Column("trimmed_end", sa.Integer(), nullable=False, comment="and after it"),
        sa.Column("samples", sa.Integer(), nullable=False, comment="at 16 kHz, mono"),
        sa.Column(
            "is_cut", sa.Boolean(), nullable=False, comment="whether the recording went on past the decoder's limit"
        ),
        sa.Column("peak_dbfs", sa.Double(), nullable=False),
        sa.Column("rms_dbfs", sa.Double(), nullable=False),
        sa.Column("lufs", sa.Double(), nullable=True, comment="integrated, ITU-R BS.1770; null under 0.4 s"),
        sa.Column("clipped_share", sa.Double(), nullable=False),
        sa.Column("dc_offset", sa.Double(), nullable=False, comment="full scale at 1"),
        sa.Column("sounding_s", sa.Double(), nullable=False, comment="of 20 ms frames above -50 dBFS"),
        sa.Column("sounding_dbfs", sa.Double(), nullable=True),
        sa.Column("snr_db", sa.Double(), nullable=True),
        sa.Column("bandwidth_hz", sa.Double(), nullable=True),
        sa.Column("hum_dbfs", sa.Double(), nullable=True),
        sa.Column("starts_db", sa.Double(), nullable=True, comment="the first 40 ms beside what sounds"),
        sa.Column("ends_db", sa.Double(), nullable=True, comment="the last 40 ms beside what sounds"),
        sa.Column("heard_s", sa.Double(), nullable=True, comment="how long a detector listened; null where none did"),
        sa.Column("speech_s", sa.Double(), nullable=True, comment="how much of that is speech"),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name="fk_measurements_clip_id_clips"),
        sa.PrimaryKeyConstraint("clip_id", name="pk_measurements"),
    )
    op.create_index("ix_measurements_judged_by", "measurements", ["judged_by"])
    _add_opinions()
    _add_alignments_and_routing()
    _add_personal_spans()
    _add_leases()
    _add_copies()


def downgrade() -> None:
    _drop_copies()
    _drop_leases()
    op.drop_table("personal_spans")
    _drop_alignments_and_routing()
    _drop_opinions()
    op.drop_table("measurements")


def _add_alignments_and_routing() -> None:
    op.create_table(
        "alignments",
        sa.Column("clip_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="of the aligner and its scores"),
        sa.Column(
            "score",
            sa.Double(),
            nullable=False,
            comment="nats a frame over a free loop of phones; 0 is as good as any sounds",
        ),
        sa.Column("worst", sa.Double(), nullable=False, comment="the same over the worst 0.3 s"),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_alignments_clip_id_clips")),
        sa.PrimaryKeyConstraint("clip_id", name=op.f("pk_alignments")),
    )
    with op.batch_alter_table("clips") as batch_op:
        batch_op.add_column(
            sa.Column(
                "confidence",
                sa.Double(),
                nullable=True,
                comment="that its transcript is what is said, 0 to 1; null where nothing checked it",
            )
        )
        batch_op.add_column(
            sa.Column(
                "reviews_wanted",
                sa.Integer(),
                server_default="1",
                nullable=False,
                comment="how many curators have to agree, none of whom sees another's answer",
            )
        )
    with op.batch_alter_table("labels") as batch_op:
        batch_op.add_column(
            sa.Column(
                "confidence",
                sa.Double(),
                nullable=True,
                comment="of the clip, where curators left its transcript as it was; null where they wrote another",
            )
        )


def _drop_alignments_and_routing() -> None:
    with op.batch_alter_table("labels") as batch_op:
        batch_op.drop_column("confidence")
    with op.batch_alter_table("clips") as batch_op:
        batch_op.drop_column("reviews_wanted")
        batch_op.drop_column("confidence")
    op.drop_table("alignments")


def _add_personal_spans() -> None:
    op.create_table(
        "personal_spans",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("clip_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("first_word", sa.Integer(), nullable=False),
        sa.Column("stop_word", sa.Integer(), nullable=False, comment="the first word after it"),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("found_by", sa.String(32), nullable=False, comment="the rule that found it, or a curator"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(32), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("first_word < stop_word", name=op.f("ck_personal_spans_holds_a_word")),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_personal_spans_decided_or_proposed")
        ),
        sa.CheckConstraint(
            "state <> 'confirmed' OR words IS NULL", name=op.f("ck_personal_spans_what_is_confirmed_is_gone")
        ),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name="fk_personal_spans_clip_id_clips"),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name="fk_personal_spans_decided_by_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_personal_spans"),
    )
    op.create_index("ix_personal_spans_clip_id", "personal_spans", ["clip_id"])


def _add_leases() -> None:
    op.create_table(
        "curation_leases",
        sa.Column("utterance_id", sa.String(length=32), nullable=False),
        sa.Column(
            "holder", sa.String(length=32), nullable=True, comment="the batch that a run gave out; null: given back"
        ),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True, comment="renewed while its worker lives"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.CheckConstraint("(holder IS NULL) = (until IS NULL)", name=op.f("ck_curation_leases_held_until")),
        sa.ForeignKeyConstraint(
            ["utterance_id"], ["utterances.id"], name=op.f("fk_curation_leases_utterance_id_utterances")
        ),
        sa.PrimaryKeyConstraint("utterance_id", name=op.f("pk_curation_leases")),
    )
    op.add_column(
        "utterances",
        sa.Column(
            "curated_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its clip was recorded, so that what waits is found",
        ),
    )
    op.execute(
        "UPDATE utterances SET curated_at ="
        " (SELECT clips.measured_at FROM clips WHERE clips.utterance_id = utterances.id)"
    )
    op.create_index(
        "ix_utterances_waiting",
        "utterances",
        ["received_at", "id"],
        unique=False,
        sqlite_where=sa.text("curated_at IS NULL"),
        postgresql_where=sa.text("curated_at IS NULL"),
    )


def _drop_leases() -> None:
    op.drop_index("ix_utterances_waiting", table_name="utterances")
    op.drop_column("utterances", "curated_at")
    op.drop_table("curation_leases")


def _add_opinions() -> None:
    op.add_column(
        "hypotheses",
        sa.Column(
            "words",
            sa.LargeBinary(),
            nullable=True,
            comment="JSON, [word, start_s, end_s, confidence] each; null where the recogniser does not tell",
        ),
    )
    op.add_column(
        "hypotheses",
        sa.Column("no_speech", sa.Double(), nullable=True, comment="how probable it found that nobody speaks"),
    )
    op.add_column("hypotheses", sa.Column("doubt", sa.String(32), nullable=True, comment="why the text is empty"))


def _drop_opinions() -> None:
    op.drop_column("hypotheses", "doubt")
    op.drop_column("hypotheses", "no_speech")
    op.drop_column("hypotheses", "words")


def _add_copies() -> None:
    op.add_column(
        "clips",
        sa.Column(
            "ties",
            sa.Integer(),
            nullable=True,
            comment="copies beside it when it was decided; null where its set is of equal PCM alone",
        ),
    )
    op.create_table(
        "fingerprints",
        sa.Column("id", sa.Integer(), nullable=False, comment="short: each bucket repeats it twice"),
        sa.Column("clip_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "compared_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it had been compared with all that stood then",
        ),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name="fk_fingerprints_clip_id_clips"),
        sa.PrimaryKeyConstraint("id", name="pk_fingerprints"),
        sa.UniqueConstraint("clip_id", name="uq_fingerprints_clip_id"),
    )
    op.create_index(
        "ix_fingerprints_to_compare",
        "fingerprints",
        ["id"],
        sqlite_where=sa.text("compared_at IS NULL"),
        postgresql_where=sa.text("compared_at IS NULL"),
    )
    op.create_table(
        "fingerprint_buckets",
        sa.Column("fingerprint_id", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("tick", sa.SmallInteger(), nullable=False, comment="where in the clip, in 40 ms"),
        sa.ForeignKeyConstraint(
            ["fingerprint_id"], ["fingerprints.id"], name="fk_fingerprint_buckets_fingerprint_id_fingerprints"
        ),
        sa.PrimaryKeyConstraint("fingerprint_id", "bucket", name="pk_fingerprint_buckets"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fingerprint_buckets_bucket", "fingerprint_buckets", ["bucket", "fingerprint_id", "tick"])
    op.create_table(
        "near_duplicates",
        sa.Column("clip_id", sa.String(32), nullable=False),
        sa.Column("other_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="of the comparison"),
        sa.Column("coherence", sa.Double(), nullable=False, comment="0 to 1, over five bands"),
        sa.Column("overlap_s", sa.Double(), nullable=False),
        sa.Column("speed", sa.Double(), nullable=False, comment="0.01 is one per cent"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("clip_id < other_id", name="ck_near_duplicates_once_a_pair"),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name="fk_near_duplicates_clip_id_clips"),
        sa.ForeignKeyConstraint(["other_id"], ["clips.id"], name="fk_near_duplicates_other_id_clips"),
        sa.PrimaryKeyConstraint("clip_id", "other_id", name="pk_near_duplicates"),
    )
    op.create_index("ix_near_duplicates_other_id", "near_duplicates", ["other_id"])


def _drop_copies() -> None:
    op.drop_table("near_duplicates")
    op.drop_table("fingerprint_buckets")
    op.drop_table("fingerprints")
    op.drop_column("clips", "ties")
