"""Consent that anyone can verify, and that can be taken back from everywhere.

The ledger gets signed heads and entries of other kinds; erasure is recorded, certified and reaches
single recordings and whole accounts; a release has revisions, tombstones and recipients; people sign in by a link or an
OpenID provider, and devices are paired by code. Wrong guesses are counted apart from the accounts, for addresses that
nobody has as well, so that the count tells nothing.

Consent events stay append-only but for one change, erasure. SQLite makes such changes on a copy of the table, which
has none of its triggers: they are taken off and put on again here, and tests try each bypass after the last migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "7c1e5a90b3d4"
down_revision = "59a0debe2565"
branch_labels = None
depends_on = None

APPEND_ONLY = ("ledger_entries", "signing_keys")
WHOLE_OR_ERASED = "(account_id IS NULL) = (erased_by IS NOT NULL) AND (salt IS NULL) = (erased_by IS NOT NULL)"
KEPT = ("id", "purpose", "act", "at", "expires_at", "notice_id", "method", "actor", "adult")
"""What erasure leaves of a consent event."""


def upgrade() -> None:
    op.create_table(
        "failed_attempts",
        sa.Column(
            "lookup",
            sa.String(length=64),
            nullable=False,
            comment="of what is counted: an address, an account, a client, or all of them",
        ),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lookup", name=op.f("pk_failed_attempts")),
    )
    with op.batch_alter_table("failed_attempts") as batch_op:
        batch_op.create_index(batch_op.f("ix_failed_attempts_forgotten_at"), ["forgotten_at"], unique=False)

    with op.batch_alter_table("accounts") as batch_op:
        batch_op.drop_column("sign_in_blocked_until")
        batch_op.drop_column("failed_sign_ins")

    op.create_table(
        "release_serials",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False, comment="the signed state.json"),
        sa.Column(
            "copied_serial",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="the newest that lies in the store",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_release_serials")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False, comment="raw Ed25519, as hexadecimal digits"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("endorsement", sa.Text(), nullable=True, comment="signed JSON of the key before; null for the first"),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_signing_keys")),
        sa.UniqueConstraint("public_key", name=op.f("uq_signing_keys_public_key")),
    )
    op.create_table(
        "tombstones",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, comment="the last one that held the clip"),
        sa.Column("wav_filename", sa.String(length=255), nullable=False),
        sa.Column("wav_sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="the day: a time could tell of one person"),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False, comment="of the state in which it first stood"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tombstones")),
        sa.UniqueConstraint(
            "release_name", "version", "wav_filename", name=op.f("uq_tombstones_release_name_version_wav_filename")
        ),
    )
    op.create_table(
        "tree_heads",
        sa.Column("size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column(
            "peaks",
            sa.Text(),
            nullable=False,
            comment="roots of its complete subtrees, largest first, parted by spaces",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="the signed JSON that holds all of this"),
        sa.Column(
            "copied_at", sa.DateTime(timezone=True), nullable=True, comment="when a copy lay outside the database"
        ),
        sa.Column(
            "contested_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a copy outside was found to differ: nothing is appended after it",
        ),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_tree_heads")),
    )
    op.create_index(
        "ix_tree_heads_to_copy",
        "tree_heads",
        ["size"],
        sqlite_where=sa.text("copied_at IS NULL"),
        postgresql_where=sa.text("copied_at IS NULL"),
    )
    op.create_table(
        "demographics",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("age_band", sa.LargeBinary(), nullable=True),
        sa.Column("gender", sa.LargeBinary(), nullable=True),
        sa.Column("accent", sa.LargeBinary(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_demographics_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_demographics")),
    )
    op.create_table(
        "external_identities",
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_external_identities_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("lookup", name=op.f("pk_external_identities")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="canonical JSON"),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["ledger_leaves.index"], name=op.f("fk_ledger_entries_id_ledger_leaves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
    )
    op.create_table(
        "release_pulls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "served_serial", sa.Integer(), nullable=True, comment="the newest state that was sent to this account"
        ),
        sa.Column("acknowledged_serial", sa.Integer(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_release_pulls_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_pulls")),
        sa.UniqueConstraint("account_id", "name", "version", name=op.f("uq_release_pulls_account_id_name_version")),
    )
    op.create_table(
        "sign_in_links",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sign_in_links_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_links")),
        sa.UniqueConstraint("lookup", name=op.f("uq_sign_in_links_lookup")),
    )
    op.create_table(
        "erased_uploads",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("idempotency_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_erased_uploads_device_id_devices")),
        sa.PrimaryKeyConstraint("device_id", "idempotency_digest", name=op.f("pk_erased_uploads")),
    )
    op.create_table(
        "pairings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("code_lookup", sa.String(length=64), nullable=False, comment="of the code that the device shows"),
        sa.Column(
            "device_code_lookup",
            sa.String(length=64),
            nullable=False,
            comment="of the secret that the device polls with",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device_id", sa.String(length=32), nullable=True, comment="once approved"),
        sa.Column(
            "collected_at", sa.DateTime(timezone=True), nullable=True, comment="when its token was handed over, once"
        ),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_pairings_device_id_devices")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairings")),
        sa.UniqueConstraint("code_lookup", name=op.f("uq_pairings_code_lookup")),
        sa.UniqueConstraint("device_code_lookup", name=op.f("uq_pairings_device_code_lookup")),
    )
    op.create_table(
        "doomed_objects",
        sa.Column("object_key", sa.String(length=255), nullable=False),
        sa.Column("erasure_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasures.id"], name=op.f("fk_doomed_objects_erasure_id_erasures")),
        sa.PrimaryKeyConstraint("object_key", name=op.f("pk_doomed_objects")),
    )
    with op.batch_alter_table("doomed_objects") as batch_op:
        batch_op.create_index(batch_op.f("ix_doomed_objects_erasure_id"), ["erasure_id"], unique=False)

    op.create_table(
        "release_files",
        sa.Column("release_id", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "revision", sa.Integer(), nullable=False, comment="the one that made it: an untouched shard is never copied"
        ),
        sa.Column(
            "withdrawn_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it came to hold a voice that may not be served",
        ),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_release_files_release_id_releases")),
        sa.PrimaryKeyConstraint("release_id", "path", name=op.f("pk_release_files")),
    )
    for action in ("update", "delete") if _is_sqlite() else ():
        op.execute(f"DROP TRIGGER consent_events_no_{action}")
    with op.batch_alter_table("consent_events") as batch_op:
        batch_op.add_column(sa.Column("actor", sa.String(length=32), server_default="self", nullable=False))
        batch_op.add_column(
            sa.Column(
                "adult",
                sa.Boolean(),
                nullable=True,
                comment="whether adulthood was affirmed; null where it was not asked",
            )
        )
        batch_op.add_column(sa.Column("erased_by", sa.Integer(), nullable=True))
        batch_op.alter_column("account_id", existing_type=sa.String(length=32), nullable=True)
        batch_op.create_foreign_key(
            batch_op.f("fk_consent_events_erased_by_ledger_entries"), "ledger_entries", ["erased_by"], ["id"]
        )
        batch_op.create_check_constraint(batch_op.f("ck_consent_events_whole_or_erased"), WHOLE_OR_ERASED)
    _permit_only_erasure()
    for table in APPEND_ONLY:
        _refuse_changes(table)

    with op.batch_alter_table("consent_notices") as batch_op:
        batch_op.add_column(
            sa.Column(
                "terms",
                sa.Text(),
                server_default="{}",
                nullable=False,
                comment="canonical JSON: what was stated of controller, recipients, retention, withdrawal",
            )
        )

    with op.batch_alter_table("erasures") as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=32), server_default="voice", nullable=False))
        batch_op.add_column(
            sa.Column(
                "capability_lookup",
                sa.String(length=64),
                nullable=True,
                comment="of the secret in its certificate's address",
            )
        )
        batch_op.add_column(
            sa.Column(
                "stop_took_ms",
                sa.Integer(),
                nullable=True,
                comment="from the request to the commit that closed the gates",
            )
        )
        batch_op.add_column(
            sa.Column(
                "erased_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="when a pass over every place had left nothing",
            )
        )
        batch_op.add_column(
            sa.Column("counts", sa.Text(), server_default="{}", nullable=False, comment="canonical JSON: what went")
        )
        batch_op.add_column(sa.Column("entry_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("certificate", sa.Text(), nullable=True, comment="signed JSON"))
        batch_op.add_column(
            sa.Column(
                "journaled_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="when the object store's journal had it",
            )
        )
        batch_op.alter_column("account_id", existing_type=sa.String(length=32), nullable=True)
        batch_op.alter_column("voice_key_id", existing_type=sa.String(length=32), nullable=True)
        batch_op.create_unique_constraint(batch_op.f("uq_erasures_capability_lookup"), ["capability_lookup"])
        batch_op.create_foreign_key(
            batch_op.f("fk_erasures_entry_id_ledger_entries"), "ledger_entries", ["entry_id"], ["id"]
        )

    with op.batch_alter_table("release_clips") as batch_op:
        batch_op.add_column(
            sa.Column("wav_sha256", sa.String(length=64), nullable=True, comment="null until the release is built")
        )
        batch_op.create_index(batch_op.f("ix_release_clips_clip_id"), ["clip_id"], unique=False)

    with op.batch_alter_table("releases") as batch_op:
        batch_op.add_column(
            sa.Column("revision", sa.Integer(), server_default="1", nullable=False, comment="the one that is published")
        )
        batch_op.add_column(
            sa.Column(
                "newest_revision",
                sa.Integer(),
                server_default="1",
                nullable=False,
                comment="the last one that a re-cut began; numbers never return",
            )
        )
        batch_op.add_column(
            sa.Column(
                "recut_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="when a withdrawal asked for a re-cut that is not made yet",
            )
        )
        batch_op.add_column(
            sa.Column(
                "recut_until",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="until when a re-cut under way keeps others away",
            )
        )
        batch_op.add_column(
            sa.Column(
                "clips",
                sa.Integer(),
                nullable=True,
                comment="how many the published revision holds; null until it is built",
            )
        )
        batch_op.add_column(
            sa.Column(
                "consent_root",
                sa.String(length=64),
                nullable=True,
                comment="of the release's own tree of consent proofs",
            )
        )
        batch_op.add_column(sa.Column("entry_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_releases_entry_id_ledger_entries"), "ledger_entries", ["entry_id"], ["id"]
        )

    with op.batch_alter_table("reviews") as batch_op:
        batch_op.alter_column("curator_id", existing_type=sa.String(length=32), nullable=True)

    with op.batch_alter_table("utterances") as batch_op:
        batch_op.alter_column("object_key", existing_type=sa.String(length=255), nullable=True)


def downgrade() -> None:
    for table in APPEND_ONLY:
        _allow_changes(table)
    with op.batch_alter_table("utterances") as batch_op:
        batch_op.alter_column("object_key", existing_type=sa.String(length=255), nullable=False)

    with op.batch_alter_table("reviews") as batch_op:
        batch_op.alter_column("curator_id", existing_type=sa.String(length=32), nullable=False)

    with op.batch_alter_table("releases") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_releases_entry_id_ledger_entries"), type_="foreignkey")
        batch_op.drop_column("entry_id")
        batch_op.drop_column("consent_root")
        batch_op.drop_column("clips")
        batch_op.drop_column("recut_until")
        batch_op.drop_column("recut_at")
        batch_op.drop_column("newest_revision")
        batch_op.drop_column("revision")

    with op.batch_alter_table("release_clips") as batch_op:
        batch_op.drop_index(batch_op.f("ix_release_clips_clip_id"))
        batch_op.drop_column("wav_sha256")

    with op.batch_alter_table("erasures") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_erasures_entry_id_ledger_entries"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_erasures_capability_lookup"), type_="unique")
        batch_op.alter_column("voice_key_id", existing_type=sa.String(length=32), nullable=False)
        batch_op.alter_column("account_id", existing_type=sa.String(length=32), nullable=False)
        batch_op.drop_column("journaled_at")
        batch_op.drop_column("certificate")
        batch_op.drop_column("entry_id")
        batch_op.drop_column("counts")
        batch_op.drop_column("erased_at")
        batch_op.drop_column("stop_took_ms")
        batch_op.drop_column("capability_lookup")
        batch_op.drop_column("kind")

    with op.batch_alter_table("consent_notices") as batch_op:
        batch_op.drop_column("terms")

    _permit_any_update()
    with op.batch_alter_table("consent_events") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_consent_events_whole_or_erased"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_consent_events_erased_by_ledger_entries"), type_="foreignkey")
        batch_op.alter_column("account_id", existing_type=sa.String(length=32), nullable=False)
        batch_op.drop_column("erased_by")
        batch_op.drop_column("adult")
        batch_op.drop_column("actor")
    _permit_nothing()

    with op.batch_alter_table("accounts") as batch_op:
        batch_op.add_column(sa.Column("failed_sign_ins", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("sign_in_blocked_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.alter_column("failed_sign_ins", existing_type=sa.Integer(), server_default=None)

    with op.batch_alter_table("failed_attempts") as batch_op:
        batch_op.drop_index(batch_op.f("ix_failed_attempts_forgotten_at"))

    op.drop_table("failed_attempts")
    op.drop_table("release_files")
    with op.batch_alter_table("doomed_objects") as batch_op:
        batch_op.drop_index(batch_op.f("ix_doomed_objects_erasure_id"))

    op.drop_table("doomed_objects")
    op.drop_table("pairings")
    op.drop_table("erased_uploads")
    op.drop_table("sign_in_links")
    op.drop_table("release_pulls")
    op.drop_table("ledger_entries")
    op.drop_table("external_identities")
    op.drop_table("demographics")
    op.drop_index("ix_tree_heads_to_copy", "tree_heads")
    op.drop_table("tree_heads")
    op.drop_table("tombstones")
    op.drop_table("signing_keys")
    op.drop_table("release_serials")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _permit_only_erasure() -> None:
    """Of consent events: no deletion, and no update but one that takes account and salt and names the entry."""
    if _is_sqlite():
        kept = " AND ".join(f"NEW.{column} IS OLD.{column}" for column in KEPT)
        erases = f"OLD.erased_by IS NULL AND NEW.erased_by IS NOT NULL AND {kept}"
        op.execute(
            f"CREATE TRIGGER consent_events_no_update BEFORE UPDATE ON consent_events WHEN NOT ({erases}) "
            "BEGIN SELECT RAISE(ABORT, 'consent_events is append-only'); END"
        )
        op.execute(
            "CREATE TRIGGER consent_events_no_delete BEFORE DELETE ON consent_events "
            "BEGIN SELECT RAISE(ABORT, 'consent_events is append-only'); END"
        )
        return
    kept = " AND ".join(f"NEW.{column} IS NOT DISTINCT FROM OLD.{column}" for column in KEPT)
    op.execute("DROP TRIGGER consent_events_append_only ON consent_events")
    op.execute(
        "CREATE TRIGGER consent_events_append_only BEFORE DELETE OR TRUNCATE ON consent_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION consent_events_append_only()"
    )
    op.execute(
        "CREATE TRIGGER consent_events_erased_only BEFORE UPDATE ON consent_events FOR EACH ROW "
        f"WHEN (NOT (OLD.erased_by IS NULL AND NEW.erased_by IS NOT NULL AND {kept})) "
        "EXECUTE FUNCTION consent_events_append_only()"
    )


def _permit_any_update() -> None:
    """While the table is changed back."""
    if _is_sqlite():
        for action in ("update", "delete"):
            op.execute(f"DROP TRIGGER consent_events_no_{action}")
        return
    op.execute("DROP TRIGGER consent_events_erased_only ON consent_events")


def _permit_nothing() -> None:
    """As it was before this migration: no change at all."""
    if _is_sqlite():
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER consent_events_no_{action.lower()} BEFORE {action} ON consent_events "
                "BEGIN SELECT RAISE(ABORT, 'consent_events is append-only'); END"
            )
        return
    op.execute("DROP TRIGGER consent_events_append_only ON consent_events")
    op.execute(
        "CREATE TRIGGER consent_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION consent_events_append_only()"
    )


def _refuse_changes(table: str) -> None:
    if _is_sqlite():
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
    if _is_sqlite():
        for action in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{action}")
        return
    op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute(f"DROP FUNCTION {table}_append_only()")
