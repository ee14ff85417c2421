"""What a signature agreed to is one number in its row: a set of answers that many others gave too.

Two rows of 140 bytes for each signature said what a handful of combinations say. Sets are append-only, and a
signature's cannot be exchanged; `consents` holds what was answered later. `consent_trail` is both together.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TRAIL = """
create view consent_trail as
select s.id as subject_id, x.wording_id, x.given, a.via, s.signed_at as recorded_at, 0::bigint as number
  from signatures s join answer_sets a on a.id = s.answers_id
 cross join lateral unnest(a.wordings, a.given) x (wording_id, given)
union all
select c.subject_id, c.wording_id, c.given, c.via, c.recorded_at, c.id from consents c
"""


def read(answers: str) -> str:
    """What the holder of a link sees; where the answers come from differs."""
    return f"""
create or replace function read_signature(hash bytea)
returns table (petition_id int, state text, country char(2), locale text, own_copy bytea,
               signed_at timestamptz, expires_at timestamptz, confirmed_at timestamptz, ended_at timestamptz,
               shown_name text, shown_comment text, comment_approved_at timestamptz, consents jsonb,
               text_version int, placement text, region text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp stable as $$
begin
  return query
    select s.petition_id, s.state, s.country, s.locale, s.own_copy, s.signed_at, s.expires_at,
           s.confirmed_at, s.ended_at, p.name, p.comment, p.comment_approved_at,
           (select coalesce(jsonb_agg(jsonb_build_object('wording_id', l.wording_id, 'purpose', l.purpose,
                     'version', l.version, 'text', l.text, 'given', l.given,
                     'recorded_at', l.recorded_at)), '[]')
              from ({answers}) l),
           v.number, q.slug, s.region
      from signatures s
      join petition_text_versions v on v.id = s.text_version_id
      left join placements q on q.id = s.placement_id
      left join published_signers p on p.signature_id = s.id
     where s.link_hash = hash;
end $$
"""


READ = read("""select distinct on (w.purpose) c.wording_id, w.purpose, w.version, w.text, c.given,
                           c.recorded_at
                      from consent_trail c join wordings w on w.id = c.wording_id
                     where c.subject_id = s.id and s.supporter_id is not null
                     order by w.purpose, c.number desc""")
READ_BEFORE = read("""select distinct on (w.purpose) c.wording_id, w.purpose, w.version, w.text, c.given,
                           c.recorded_at
                      from consents c join wordings w on w.id = c.wording_id
                     where c.supporter_id = s.supporter_id and c.subject_id = s.id
                     order by w.purpose, c.id desc""")

# What a foreign key would do, which arrays cannot have. Wordings are append-only: they stay.
KNOWN = """
create function refuse_unknown_wordings() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if exists (select from unnest(new.wordings) x where not exists (select from wordings w where w.id = x)) then
    raise exception 'an answer to a wording that is not there' using errcode = 'foreign_key_violation';
  end if;
  return new;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "answer_sets",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("wordings", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("given", postgresql.ARRAY(sa.Boolean()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("via in ('form', 'api')", name=op.f("ck_answer_sets_via_known")),
        sa.CheckConstraint(
            "cardinality(wordings) = cardinality(given)", name=op.f("ck_answer_sets_one_answer_each")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_sets")),
        sa.UniqueConstraint("via", "wordings", "given", name=op.f("uq_answer_sets_via_wordings_given")),
    )
    op.execute(
        "create trigger append_only before update or delete or truncate on answer_sets "
        "for each statement execute function refuse_change()"
    )
    op.execute(KNOWN)
    op.execute(
        "create trigger wordings_known before insert on answer_sets "
        "for each row execute function refuse_unknown_wordings()"
    )
    op.add_column("signatures", sa.Column("answers_id", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_signatures_answers_id_answer_sets"), "signatures", "answer_sets", ["answers_id"], ["id"]
    )
    op.execute(
        "create trigger agreed before update of answers_id, text_version_id on signatures "
        "for each statement execute function refuse_change()"
    )
    op.drop_index("ix_consents_supporter_id", table_name="consents")
    op.drop_column("consents", "supporter_id")
    op.create_index("ix_consents_subject_id", "consents", ["subject_id"])
    op.execute(TRAIL)
    op.execute(READ)
    op.execute("grant select on answer_sets, consent_trail to haven_internal")
    op.execute("grant insert (via, wordings, given) on answer_sets to haven_internal")


def downgrade() -> None:
    op.execute("drop view consent_trail")
    # Answers become rows again. Whose a consent was is known through its signature, while that has somebody.
    op.drop_index("ix_consents_subject_id", table_name="consents")
    op.add_column("consents", sa.Column("supporter_id", sa.BigInteger(), server_default="0", nullable=False))
    op.execute("alter table consents disable trigger append_only")
    op.execute(
        "insert into consents (supporter_id, subject_id, wording_id, given, via, recorded_at) "
        "select coalesce(s.supporter_id, 0), s.id, x.wording_id, x.given, a.via, s.signed_at "
        "from signatures s join answer_sets a on a.id = s.answers_id "
        "cross join lateral unnest(a.wordings, a.given) x (wording_id, given) order by s.signed_at"
    )
    op.execute(
        "update consents c set supporter_id = s.supporter_id from signatures s "
        "where s.id = c.subject_id and s.supporter_id is not null"
    )
    op.execute("alter table consents enable trigger append_only")
    op.alter_column("consents", "supporter_id", server_default=None)
    op.create_index("ix_consents_supporter_id", "consents", ["supporter_id"])
    op.execute(READ_BEFORE)
    op.execute("drop trigger agreed on signatures")
    op.drop_constraint(op.f("fk_signatures_answers_id_answer_sets"), "signatures")
    op.drop_column("signatures", "answers_id")
    op.drop_table("answer_sets")
    op.execute("drop function refuse_unknown_wordings()")
