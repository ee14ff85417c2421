"""The small world that tests live in."""

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg.types.json import Jsonb


@dataclass(frozen=True)
class World:
    """Ids of what `make_world` wrote."""

    key_id: int
    campaign_id: int
    petition_id: int
    petition_slug: str
    second_petition_id: int
    second_petition_slug: str
    text_version_id: int
    appeal_id: int
    appeal_slug: str
    wordings: dict[str, int]
    beneficiary_id: int


def _one(connection: psycopg.Connection, statement: str, *values: object) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    assert row is not None
    return int(row[0])


def _words(text: str) -> Jsonb:
    return Jsonb({"en": text, "uk": f"{text} (uk)", "ar": f"{text} (ar)"})


def make_petition(
    connection: psycopg.Connection, campaign_id: int, slug: str, state: str = "open"
) -> tuple[int, int]:
    """A petition with one text version: (petition id, text version id)."""
    petition = _one(
        connection,
        "insert into petitions (campaign_id, slug, state, target, goal, carried_over_count, opened_at) "
        "values (%s, %s, %s, %s, 1000, 265826, %s) returning id",
        campaign_id,
        slug,
        state,
        _words("The government"),
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    version = _one(
        connection,
        "insert into petition_text_versions (petition_id, number, title, body, asks) "
        "values (%s, 1, %s, %s, %s) returning id",
        petition,
        _words("Open the door"),
        _words("Because people need shelter."),
        Jsonb([{"en": "Send aid."}, {"en": "Grant refuge."}]),
    )
    return petition, version


def make_world(connection: psycopg.Connection, sealing_key: bytes) -> World:
    """A published campaign with wordings, two petitions and an appeal in six currencies."""
    key_id = _one(connection, "insert into keys (public_key) values (%s) returning id", sealing_key)
    campaign = _one(
        connection,
        "insert into campaigns (slug, title, summary, story, publisher, data_controller, contact_email, "
        "locales, published_at) values ('welcome', %s, %s, %s, 'The Example', 'The Example Ltd', "
        "'post@paper.example', '{en,uk,ar}', now()) returning id",
        _words("Welcome"),
        _words("A campaign for people who fled."),
        _words("A longer story."),
    )
    wordings = {
        purpose: _one(
            connection,
            "insert into wordings (campaign_id, purpose, version, text, required) values (%s, %s, 1, %s, %s) "
            "returning id",
            campaign,
            purpose,
            _words(f"Wording for {purpose}."),
            purpose != "updates",
        )
        for purpose in ("signature", "updates", "donation")
    }
    petition, version = make_petition(connection, campaign, "open-the-door")
    second, _ = make_petition(connection, campaign, "keep-it-open")
    appeal, beneficiary = _make_appeal(connection, campaign)
    return World(
        key_id,
        campaign,
        petition,
        "open-the-door",
        second,
        "keep-it-open",
        version,
        appeal,
        "shelter",
        wordings,
        beneficiary,
    )


def _make_appeal(connection: psycopg.Connection, campaign: int) -> tuple[int, int]:
    appeal = _one(
        connection,
        "insert into appeals (campaign_id, slug, state, title, story, currency, currencies, target_minor, "
        "suggested_minor, opened_at) values (%s, 'shelter', 'open', %s, %s, 'GBP', "
        "'{GBP,EUR,USD,PLN,UAH,JPY}', 10000000, %s, now()) returning id",
        campaign,
        _words("Shelter"),
        _words("Where the money goes."),
        Jsonb({"GBP": [1000, 2500, 5000], "JPY": [1000, 3000]}),
    )
    beneficiary = _one(
        connection,
        "insert into beneficiaries (name, charity_number, url) values ('Example Relief', '123456', "
        "'https://relief.example') returning id",
    )
    connection.execute(
        "insert into allocation_shares (appeal_id, starts_at, beneficiary_id, weight) values (%s, %s, %s, 1)",
        (appeal, datetime(2022, 3, 1, tzinfo=UTC), beneficiary),
    )
    return appeal, beneficiary
