"""Mails that were sent are forgotten after a while; how many there were stays, by day, kind and state."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# By id, which grows with time: the walk ends at the first mail that is too young, and never reads the rest.
FORGET = """
create function forget_mails(after bigint, kept interval, undelivered_kept interval, most int) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  reached bigint;
  newest timestamptz;
begin
  select max(x.id), max(x.created_at) into reached, newest from (
    select m.id, m.created_at from mails m where m.id > after order by m.id limit most) x;
  with gone as (
    delete from mails m
     where m.id > after and m.id <= reached
       and m.ended_at < now() - case when m.state in ('bounced', 'failed') then undelivered_kept else kept end
    returning m.campaign_id, m.kind, m.state, m.ended_at)
  insert into mail_counts as c (campaign_id, day, kind, state, mails)
  select g.campaign_id, (g.ended_at at time zone 'UTC')::date, g.kind, g.state, count(*) from gone g
   group by 1, 2, 3, 4 order by 1, 2, 3, 4
  on conflict (campaign_id, day, kind, state) do update set mails = c.mails + excluded.mails;
  return case when newest < now() - kept then reached end;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "mail_counts",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_mail_counts_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "day", "kind", "state", name=op.f("pk_mail_counts")),
    )
    op.execute(FORGET)
    op.execute("grant select on mail_counts to haven_internal")
    op.execute("grant execute on function forget_mails(bigint, interval, interval, int) to haven_internal")


def downgrade() -> None:
    op.execute("drop function forget_mails(bigint, interval, interval, int)")
    op.drop_table("mail_counts")
