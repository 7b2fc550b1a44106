"""The whole road: people, consent, voices, curation and releases.

The first migration. Consent events and ledger leaves are append-only: triggers refuse every other way to change them,
on SQLite also `INSERT OR REPLACE` (with `recursive_triggers` on, as `corpus/database.py` sets it) and on PostgreSQL
`TRUNCATE`.
"""

import sqlalchemy as sa
from alembic import op

revision = "59a0debe2565"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("consent_events", "ledger_leaves")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("email_lookup", sa.String(length=64), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("identity_key_id", sa.String(length=32), nullable=True),
        sa.Column("voice_key_id", sa.String(length=32), nullable=True),
        sa.Column("failed_sign_ins", sa.Integer(), nullable=False),
        sa.Column("sign_in_blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email_lookup", name=op.f("uq_accounts_email_lookup")),
    )
    op.create_table(
        "consent_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=35), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("wording_sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploads_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_notices")),
        sa.UniqueConstraint("version", "locale", name=op.f("uq_consent_notices_version_locale")),
    )
    op.create_table(
        "ledger_leaves",
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_ledger_leaves")),
        sa.UniqueConstraint("hash", name=op.f("uq_ledger_leaves_hash")),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False, comment="canonical JSON"),
        sa.Column(
            "left_out",
            sa.Text(),
            server_default="{}",
            nullable=False,
            comment="canonical JSON: reason to number of clips",
        ),
        sa.Column("snapshot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_releases_name_version")),
    )
    op.create_table(
        "account_roles",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_account_roles_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "role", name=op.f("pk_account_roles")),
    )
    op.create_table(
        "consent_events",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "expires_at IS NULL OR expires_at > at", name=op.f("ck_consent_events_expires_after_it_begins")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_consent_events_account_id_accounts")),
        sa.ForeignKeyConstraint(["id"], ["ledger_leaves.index"], name=op.f("fk_consent_events_id_ledger_leaves")),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["consent_notices.id"], name=op.f("fk_consent_events_notice_id_consent_notices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_events")),
    )
    op.create_index(
        "ix_consent_events_account_id_purpose_id", "consent_events", ["account_id", "purpose", "id"], unique=False
    )

    op.create_table(
        "devices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_devices_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
    )
    op.create_index(op.f("ix_devices_account_id"), "devices", ["account_id"], unique=False)

    op.create_table(
        "erasures",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("voice_key_id", sa.String(length=32), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_erasures_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_table(
        "split_assignments",
        sa.Column("release_name", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("split", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_split_assignments_account_id_accounts")),
        sa.PrimaryKeyConstraint("release_name", "account_id", name=op.f("pk_split_assignments")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=True),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=255), nullable=False, comment="scopes, parted by spaces"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_tokens_account_id_accounts")),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_tokens_device_id_devices")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("lookup", name=op.f("uq_tokens_lookup")),
    )
    op.create_index(op.f("ix_tokens_account_id"), "tokens", ["account_id"], unique=False)

    op.create_table(
        "utterances",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("consent_event_id", sa.Integer(), nullable=False),
        sa.Column("voice_key_id", sa.String(length=32), nullable=False),
        sa.Column("object_key", sa.String(length=255), nullable=False),
        sa.Column("idempotency_digest", sa.String(length=64), nullable=True),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=35), nullable=False),
        sa.Column("transcript", sa.LargeBinary(), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("captured_at <= received_at", name=op.f("ck_utterances_captured_before_received")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_utterances_account_id_accounts")),
        sa.ForeignKeyConstraint(
            ["consent_event_id"], ["consent_events.id"], name=op.f("fk_utterances_consent_event_id_consent_events")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_utterances_device_id_devices")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_utterances")),
        sa.UniqueConstraint("device_id", "idempotency_digest", name=op.f("uq_utterances_device_id_idempotency_digest")),
        sa.UniqueConstraint("object_key", name=op.f("uq_utterances_object_key")),
    )
    op.create_index(op.f("ix_utterances_account_id"), "utterances", ["account_id"], unique=False)
    op.create_index("ix_utterances_device_id_received_at", "utterances", ["device_id", "received_at"], unique=False)
    op.create_index(op.f("ix_utterances_received_at"), "utterances", ["received_at"], unique=False)

    op.create_table(
        "clips",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("utterance_id", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("object_key", sa.String(length=255), nullable=True),
        sa.Column("pcm_digest", sa.String(length=64), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=True, comment="at 16 kHz, mono"),
        sa.Column("peak_dbfs", sa.Double(), nullable=True),
        sa.Column("rms_dbfs", sa.Double(), nullable=True),
        sa.Column("clipped_share", sa.Double(), nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome = 'kept' OR reason IS NOT NULL", name=op.f("ck_clips_reason_given")
        ),
        sa.CheckConstraint("(object_key IS NULL) = (pcm_digest IS NULL)", name=op.f("ck_clips_digest_with_object")),
        sa.ForeignKeyConstraint(["leased_by"], ["accounts.id"], name=op.f("fk_clips_leased_by_accounts")),
        sa.ForeignKeyConstraint(["utterance_id"], ["utterances.id"], name=op.f("fk_clips_utterance_id_utterances")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clips")),
        sa.UniqueConstraint("object_key", name=op.f("uq_clips_object_key")),
        sa.UniqueConstraint("utterance_id", name=op.f("uq_clips_utterance_id")),
    )
    op.create_index("ix_clips_in_the_queue", "clips", ["outcome", "reviewed_at", "measured_at", "id"], unique=False)
    op.create_index(op.f("ix_clips_pcm_digest"), "clips", ["pcm_digest"], unique=False)

    op.create_table(
        "hypotheses",
        sa.Column("clip_id", sa.String(length=32), nullable=False),
        sa.Column("recogniser", sa.String(length=64), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True, comment="mean token probability, 0 to 1"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_hypotheses_clip_id_clips")),
        sa.PrimaryKeyConstraint("clip_id", "recogniser", name=op.f("pk_hypotheses")),
    )
    op.create_table(
        "labels",
        sa.Column("clip_id", sa.String(length=32), nullable=False),
        sa.Column("transcript", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_labels_clip_id_clips")),
        sa.PrimaryKeyConstraint("clip_id", name=op.f("pk_labels")),
    )
    op.create_table(
        "release_clips",
        sa.Column("release_id", sa.String(length=32), nullable=False),
        sa.Column("clip_id", sa.String(length=32), nullable=False),
        sa.Column("wav_filename", sa.String(length=255), nullable=False),
        sa.Column("speaker", sa.String(length=64), nullable=False),
        sa.Column("split", sa.String(length=32), nullable=False),
        sa.Column("shard", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_release_clips_clip_id_clips")),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_release_clips_release_id_releases")),
        sa.PrimaryKeyConstraint("release_id", "clip_id", name=op.f("pk_release_clips")),
        sa.UniqueConstraint("release_id", "wav_filename", name=op.f("uq_release_clips_release_id_wav_filename")),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("clip_id", sa.String(length=32), nullable=False),
        sa.Column("curator_id", sa.String(length=32), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("transcript", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(decision = 'accept') = (transcript IS NOT NULL)", name=op.f("ck_reviews_an_acceptance_has_a_transcript")
        ),
        sa.CheckConstraint(
            "(decision = 'reject') = (reason IS NOT NULL)", name=op.f("ck_reviews_a_rejection_has_a_reason")
        ),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_reviews_clip_id_clips")),
        sa.ForeignKeyConstraint(["curator_id"], ["accounts.id"], name=op.f("fk_reviews_curator_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("clip_id", "curator_id", name=op.f("uq_reviews_clip_id_curator_id")),
    )
    op.create_table(
        "verdicts",
        sa.Column("clip_id", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("stage_version", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("outcome = 'kept' OR reason IS NOT NULL", name=op.f("ck_verdicts_reason_given")),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_verdicts_clip_id_clips")),
        sa.PrimaryKeyConstraint("clip_id", "stage", "stage_version", name=op.f("pk_verdicts")),
    )

    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    for table in APPEND_ONLY:
        _allow_changes(table)

    op.drop_table("verdicts")
    op.drop_table("reviews")
    op.drop_table("release_clips")
    op.drop_table("labels")
    op.drop_table("hypotheses")
    op.drop_index(op.f("ix_clips_pcm_digest"), table_name="clips")
    op.drop_index("ix_clips_in_the_queue", table_name="clips")

    op.drop_table("clips")
    op.drop_index(op.f("ix_utterances_received_at"), table_name="utterances")
    op.drop_index("ix_utterances_device_id_received_at", table_name="utterances")
    op.drop_index(op.f("ix_utterances_account_id"), table_name="utterances")

    op.drop_table("utterances")
    op.drop_index(op.f("ix_tokens_account_id"), table_name="tokens")

    op.drop_table("tokens")
    op.drop_table("split_assignments")
    op.drop_table("erasures")
    op.drop_index(op.f("ix_devices_account_id"), table_name="devices")

    op.drop_table("devices")
    op.drop_index("ix_consent_events_account_id_purpose_id", table_name="consent_events")

    op.drop_table("consent_events")
    op.drop_table("account_roles")
    op.drop_table("releases")
    op.drop_table("ledger_leaves")
    op.drop_table("consent_notices")
    op.drop_table("accounts")


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )


def _allow_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{action}")
        return
    op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute(f"DROP FUNCTION {table}_append_only()")
