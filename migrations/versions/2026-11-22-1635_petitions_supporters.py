"""Supporters, petitions, letters, signatures and their figures."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "suppressions",
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "petitions",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("target", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("goal", sa.Integer(), nullable=False),
        sa.Column("carried_over_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "carried_over_note", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_petitions_slug_form")),
        sa.CheckConstraint("state in ('draft', 'open', 'closed')", name=op.f("ck_petitions_state_known")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_petitions_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petitions")),
        sa.UniqueConstraint("slug", name=op.f("uq_petitions_slug")),
    )
    op.create_table(
        "supporters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_version", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_supporters_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supporters")),
        sa.UniqueConstraint("campaign_id", "email_hash", name=op.f("uq_supporters_campaign_id_email_hash")),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("supporter_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("wording_id", sa.Integer(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("via in ('form', 'api', 'my', 'donation')", name=op.f("ck_consents_via_known")),
        sa.ForeignKeyConstraint(
            ["wording_id"], ["wordings.id"], name=op.f("fk_consents_wording_id_wordings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_supporter_id", "consents", ["supporter_id"], unique=False)
    op.create_table(
        "intake",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_intake_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake")),
    )
    op.create_table(
        "intake_rejected",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("rejected_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_intake_rejected_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_rejected")),
    )
    op.create_table(
        "petition_counts",
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_petition_counts_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("petition_id", name=op.f("pk_petition_counts")),
    )
    op.create_table(
        "petition_text_versions",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correction", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_petition_text_versions_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petition_text_versions")),
        sa.UniqueConstraint(
            "petition_id", "number", name=op.f("uq_petition_text_versions_petition_id_number")
        ),
    )
    op.create_table(
        "tallies",
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("dimension", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("utc_hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("confirmed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("withdrawn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("invalidated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lapsed", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_tallies_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("petition_id", "dimension", "value", "utc_hour", name=op.f("pk_tallies")),
    )
    op.create_table(
        "signatures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("supporter_id", sa.BigInteger(), nullable=True),
        sa.Column("person_number", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("text_version_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("country", sa.CHAR(length=2), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("placement_id", sa.Integer(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("name_hash", sa.LargeBinary(), nullable=True),
        sa.Column("place_hash", sa.LargeBinary(), nullable=True),
        sa.Column("key_version", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("details_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("own_copy", sa.LargeBinary(), nullable=True),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("link_version", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quarantined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invalidated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state in ('withdrawn', 'lapsed')) = (supporter_id is null)",
            name=op.f("ck_signatures_person_gone"),
        ),
        sa.CheckConstraint(
            "state in ('pending', 'confirmed', 'withdrawn', 'lapsed')", name=op.f("ck_signatures_state_known")
        ),
        sa.CheckConstraint("person_number in (1, 2)", name=op.f("ck_signatures_two_a_mailbox")),
        sa.CheckConstraint(
            "supporter_id is not null or (details_sealed is null and own_copy is null and name_hash is null)",
            name=op.f("ck_signatures_data_gone"),
        ),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_signatures_petition_id_petitions")
        ),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placements.id"], name=op.f("fk_signatures_placement_id_placements")
        ),
        sa.ForeignKeyConstraint(
            ["supporter_id"], ["supporters.id"], name=op.f("fk_signatures_supporter_id_supporters")
        ),
        sa.ForeignKeyConstraint(
            ["text_version_id"],
            ["petition_text_versions.id"],
            name=op.f("fk_signatures_text_version_id_petition_text_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signatures")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_signatures_link_hash")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_index(
        "ix_signatures_expiring",
        "signatures",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_signatures_supporter_id",
        "signatures",
        ["supporter_id"],
        unique=False,
        postgresql_where=sa.text("supporter_id is not null"),
    )
    op.create_index(
        "uq_signatures_person",
        "signatures",
        ["petition_id", "supporter_id", "person_number"],
        unique=True,
        postgresql_where=sa.text("supporter_id is not null"),
    )
    op.create_table(
        "published_signers",
        sa.Column("signature_id", sa.Uuid(), nullable=False),
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("comment_approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_published_signers_petition_id_petitions")
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signatures.id"], name=op.f("fk_published_signers_signature_id_signatures")
        ),
        sa.PrimaryKeyConstraint("signature_id", name=op.f("pk_published_signers")),
    )
    op.create_index(
        op.f("ix_published_signers_petition_id"), "published_signers", ["petition_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_published_signers_petition_id"), table_name="published_signers")
    op.drop_table("published_signers")
    op.drop_index(
        "uq_signatures_person", table_name="signatures", postgresql_where=sa.text("supporter_id is not null")
    )
    op.drop_index(
        "ix_signatures_supporter_id",
        table_name="signatures",
        postgresql_where=sa.text("supporter_id is not null"),
    )
    op.drop_index(
        "ix_signatures_expiring", table_name="signatures", postgresql_where=sa.text("state = 'pending'")
    )
    op.drop_table("signatures")
    op.drop_table("tallies")
    op.drop_table("petition_text_versions")
    op.drop_table("petition_counts")
    op.drop_table("intake_rejected")
    op.drop_table("intake")
    op.drop_index("ix_consents_supporter_id", table_name="consents")
    op.drop_table("consents")
    op.drop_table("supporters")
    op.drop_table("petitions")
    op.drop_table("suppressions")
