"""Load the demo campaign as the owner: what is missing is inserted, nothing that is there is touched.

Texts are versioned, and the tables that hold versions are append-only; a changed text is a new version in
the TOML files. What staff changed in the demo campaign since stays as they left it.
"""

from dataclasses import dataclass

import psycopg
from psycopg.types.json import Jsonb

from app.cli.demo.reading import AppealText, PetitionText, Texts, demo_texts

_LOCK = "haven demo load"


class NotTheDemo(Exception):
    """A campaign of the demo's name exists that is not marked as demo data; it is left alone."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Where the demo campaign lies.

    Attributes:
        wording_ids: The latest wording by purpose.
        placement_ids: By slug.
        inserted: How many rows this run added; 0 on a second run.
    """

    campaign_id: int
    campaign_slug: str
    petition_id: int
    petition_slug: str
    text_version_id: int
    appeal_id: int
    appeal_slug: str
    wording_ids: dict[str, int]
    placement_ids: dict[str, int]
    inserted: int


def load(connection: psycopg.Connection) -> Loaded:
    """Insert what is missing of the demo campaign, in one transaction of the owner's connection.

    Raises:
        NotTheDemo: A real campaign, petition or appeal has the demo's name.
    """
    texts = demo_texts()
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext(%s))", [_LOCK])
        writing = _Writing(connection)
        campaign_id = _campaign(writing, texts)
        petition_id = _petition(writing, campaign_id, texts.petition)
        appeal_id = _appeal(writing, campaign_id, texts.appeal)
        return Loaded(
            campaign_id=campaign_id,
            campaign_slug=texts.campaign.slug,
            petition_id=petition_id,
            petition_slug=texts.petition.slug,
            text_version_id=writing.one(
                "select id from petition_text_versions where petition_id = %s order by number desc limit 1",
                petition_id,
            ),
            appeal_id=appeal_id,
            appeal_slug=texts.appeal.slug,
            wording_ids=writing.named(
                "select distinct on (purpose) purpose, id from wordings where campaign_id = %s "
                "order by purpose, version desc",
                campaign_id,
            ),
            placement_ids=writing.named(
                "select slug, id from placements where campaign_id = %s", campaign_id
            ),
            inserted=writing.inserted,
        )


class _Writing:
    """Inserts on one connection, and how many rows they added."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.inserted = 0

    def insert(self, table: str, **values: object) -> None:
        """Insert a row unless its key is taken; names come from this module alone."""
        columns = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        statement = f"insert into {table} ({columns}) values ({marks}) on conflict do nothing"  # noqa: S608
        self.inserted += self._connection.execute(statement.encode(), list(values.values())).rowcount

    def one(self, query: str, *values: object) -> int:
        """The one number that a query finds."""
        row = self._connection.execute(query.encode(), values).fetchone()
        if row is None:
            raise NotTheDemo("The demo's name belongs to another campaign here")
        return int(row[0])

    def named(self, query: str, *values: object) -> dict[str, int]:
        """Numbers by name."""
        return {str(name): int(number) for name, number in self._connection.execute(query.encode(), values)}


def _campaign(writing: _Writing, texts: Texts) -> int:
    said = texts.campaign
    writing.insert(
        "campaigns",
        slug=said.slug,
        title=Jsonb(said.title.stored()),
        summary=Jsonb(said.summary.stored()),
        story=Jsonb(said.story.stored()),
        publisher=said.publisher,
        data_controller=said.data_controller,
        contact_email=said.contact_email,
        locales=list(said.locales),
        time_zone=said.time_zone,
        is_demo=True,
        published_at=said.published_at,
    )
    campaign_id = writing.one("select id from campaigns where slug = %s and is_demo", said.slug)
    for wording in texts.wordings:
        writing.insert(
            "wordings",
            campaign_id=campaign_id,
            purpose=wording.purpose,
            version=wording.version,
            text=Jsonb(wording.text.stored()),
            required=wording.required,
            facts=Jsonb(wording.facts),
            published_at=wording.published_at,
        )
    for placement in texts.placements:
        writing.insert("placements", campaign_id=campaign_id, slug=placement.slug, title=placement.title)
    return campaign_id


def _petition(writing: _Writing, campaign_id: int, said: PetitionText) -> int:
    writing.insert(
        "petitions",
        campaign_id=campaign_id,
        slug=said.slug,
        state="open",
        target=Jsonb(said.target.stored()),
        goal=said.goal,
        carried_over_count=said.carried_over_count,
        carried_over_note=Jsonb(said.carried_over_note.stored()),
        opened_at=said.opened_at,
    )
    petition_id = writing.one(
        "select id from petitions where slug = %s and campaign_id = %s", said.slug, campaign_id
    )
    stored = writing.named(
        "select number::text, id from petition_text_versions where petition_id = %s", petition_id
    )
    # Not left to the conflict: the trigger that locks the asks would see the row first, and refuse it.
    for version in (v for v in said.version if str(v.number) not in stored):
        writing.insert(
            "petition_text_versions",
            petition_id=petition_id,
            number=version.number,
            title=Jsonb(version.title.stored()),
            body=Jsonb(version.body.stored()),
            asks=Jsonb([ask.stored() for ask in version.asks]),
            published_at=version.published_at,
        )
    writing.insert("petition_counts", petition_id=petition_id)
    return petition_id


def _appeal(writing: _Writing, campaign_id: int, said: AppealText) -> int:
    writing.insert(
        "appeals",
        campaign_id=campaign_id,
        slug=said.slug,
        state="open",
        title=Jsonb(said.title.stored()),
        story=Jsonb(said.story.stored()),
        currency=said.currency,
        currencies=list(said.currencies),
        target_minor=said.target_minor,
        suggested_minor=Jsonb(said.suggested_minor),
        opened_at=said.opened_at,
    )
    appeal_id = writing.one(
        "select id from appeals where slug = %s and campaign_id = %s", said.slug, campaign_id
    )
    for charity in said.beneficiary:
        writing.insert(
            "beneficiaries", name=charity.name, charity_number=charity.charity_number, url=charity.url
        )
    charities = writing.named("select name, id from beneficiaries")
    for allocation in said.allocation:
        for name, weight in allocation.weights.items():
            writing.insert(
                "allocation_shares",
                appeal_id=appeal_id,
                starts_at=allocation.starts_at,
                beneficiary_id=charities[name],
                weight=weight,
            )
    return appeal_id
