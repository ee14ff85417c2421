"""One person many times, two people at one mailbox, and who comes back: with two of each process."""

import asyncio
import itertools
import random
import re
from collections import Counter
from secrets import token_hex

import httpx
import psycopg

from tests.journeys.figures import PETITION, PublicFigures
from tests.journeys.mailbox import Mailbox
from tests.journeys.people import Person, person
from tests.journeys.running import Running, Second
from tests.journeys.signing import SIGN, all_quiet, form_of, sign, sign_and_confirm, signatures
from tests.journeys.waiting import until

POSTS = 200


def spellings(mark: str) -> list[str]:
    """One mailbox at Gmail, spelt in many ways."""
    generator = random.Random(mark)  # noqa: S311 - where the dots stand is no secret
    tags = itertools.cycle(("", "+news", "+Petition.2026", "+x"))
    domains = itertools.cycle(("gmail.com", "googlemail.com", "GMAIL.com", "Gmail.Com"))
    spelt = []
    for tag, domain in zip(tags, domains, strict=False):
        letters = [f"{c}." if generator.random() < 0.3 else c for c in mark[:-1]]
        local = "".join(c.upper() if generator.random() < 0.3 else c for c in letters) + mark[-1]
        spelt.append(f"{local}{tag}@{domain}")
        if len(spelt) == POSTS:
            return spelt
    return spelt


async def test_one_person_in_two_hundred_spellings_signs_once(
    running: Running, second: Second, mailbox: Mailbox, superuser: psycopg.Connection, figures: PublicFigures
) -> None:
    mark = f"suzie{token_hex(6)}"
    before, count = signatures(superuser, "pending", "confirmed"), await figures.count()
    limits = httpx.Limits(max_connections=POSTS)
    async with (
        httpx.AsyncClient(base_url=running.public, limits=limits, timeout=60, trust_env=False) as one,
        httpx.AsyncClient(base_url=second.public, limits=limits, timeout=60, trust_env=False) as two,
    ):
        form = await form_of(one, Person("Suzie Fenn", "suzie@example.net", "GB"))
        answers = await asyncio.gather(
            *(
                client.post(SIGN, json=form | {"email": email, "name": name})
                for client, email, name in zip(
                    itertools.cycle((one, two)),
                    spellings(mark),
                    itertools.cycle(("Suzie Fenn", "SUZIE  FENN", "suzie fenn")),
                    strict=False,
                )
            )
        )
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.content for answer in answers}) == 1
        await all_quiet(superuser)
        assert signatures(superuser, "pending", "confirmed") == before + 1
        mails = [mail for mail in await mailbox.everybodys() if _folded(mail.to) == mark]
        assert 1 <= len(mails) <= 3
        links = {mail.token for mail in mails}
        assert len(links) == 1
        confirming = {"token": links.pop()}
        confirmed = await asyncio.gather(
            *(c.post("/api/v1/signatures/confirm", json=confirming) for c in (one, two) for _ in range(10))
        )
        assert {answer.status_code for answer in confirmed} == {200}
    await until(figures.count, lambda now: now == count + 1)


def _folded(address: str) -> str:
    return address.casefold().partition("@")[0].partition("+")[0].replace(".", "")


async def test_a_hundred_requests_for_one_address_bring_three_mails_at_most(
    api: httpx.AsyncClient, second: Second, mailbox: Mailbox, superuser: psycopg.Connection
) -> None:
    """By form and by API, in two processes, in the names of many people, from as many networks."""
    victim = person("Suzie Fenn")
    form = await form_of(api, victim)
    page = (await api.get(f"/petitions/{PETITION}")).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    fields |= {"consent": "1", "updates": "no", "country": "GB", "email": victim.email}
    async with httpx.AsyncClient(base_url=second.public, timeout=60, trust_env=False) as other:
        asked = []
        for number in range(100):
            client, name = (api, other)[number // 2 % 2], f"Suzie {'abcdefghij'[number % 10]} Fenn"
            network = {"X-Forwarded-For": f"198.51.100.{number}"}
            asked.append(
                client.post(SIGN, json=form | {"name": name}, headers=network)
                if number % 2
                else client.post(f"/petitions/{PETITION}", data=fields | {"name": name}, headers=network)
            )
        answers = await asyncio.gather(*asked)
    assert Counter(answer.status_code for answer in answers) == {200: 50, 202: 50}
    await all_quiet(superuser)
    assert 1 <= len(await mailbox.all(victim.email)) <= 3


async def test_two_people_may_share_a_mailbox_and_a_third_may_not(
    api: httpx.AsyncClient, mailbox: Mailbox, superuser: psycopg.Connection, figures: PublicFigures
) -> None:
    first, count = person("Suzie Fenn", postcode="N1 9GU"), await figures.count()
    couple = Person("Ben Fenn", first.email, "GB", "N1 9GU")
    await sign_and_confirm(api, first, mailbox)
    await sign_and_confirm(api, couple, mailbox)
    await until(figures.count, lambda now: now == count + 2)
    held = signatures(superuser, "pending", "confirmed")
    await sign(api, Person("Carl Fenn", first.email, "GB", "N1 9GU"))
    await all_quiet(superuser)
    assert signatures(superuser, "pending", "confirmed") == held
    mails = await mailbox.all(first.email)
    assert len(mails) <= 3
    assert mails[0].token != mails[1].token
    assert {mail.token for mail in mails[2:]} <= {mails[0].token}


async def test_who_withdrew_can_sign_again(
    api: httpx.AsyncClient, mailbox: Mailbox, figures: PublicFigures
) -> None:
    suzie, count = person("Suzie Fenn"), await figures.count()
    first = await sign_and_confirm(api, suzie, mailbox)
    bearer = {"Authorization": f"Bearer {first.token}"}
    assert (await api.delete("/api/v1/my", headers=bearer)).status_code == 204
    await until(figures.count, lambda now: now == count)
    again = await sign_and_confirm(api, suzie, mailbox)
    assert again.token != first.token
    await until(figures.count, lambda now: now == count + 1)


async def test_who_let_a_signature_lapse_can_sign_again(
    api: httpx.AsyncClient, mailbox: Mailbox, superuser: psycopg.Connection, figures: PublicFigures
) -> None:
    suzie, count = person("Suzie Fenn"), await figures.count()
    await sign(api, suzie)
    first = await mailbox.newest(suzie.email)
    superuser.execute(
        "update signatures set signed_at = signed_at - interval '8 days', "
        "expires_at = expires_at - interval '8 days' "
        "where link_hash = substr(sha256(convert_to(%s, 'UTF8')), 1, 16)",
        [first.token],
    )
    confirming = {"token": first.token}
    late = await api.post("/api/v1/signatures/confirm", json=confirming)
    assert (late.status_code, late.json()["code"]) == (410, "link_expired")
    superuser.execute("delete from lapse_walks")  # the worker had passed that time before it was made so
    superuser.execute("select lapse_signatures(1000)")
    row = superuser.execute(
        "select state, details_sealed, own_copy, supporter_id from signatures "
        "where link_hash = substr(sha256(convert_to(%s, 'UTF8')), 1, 16)",
        [first.token],
    ).fetchone()
    assert row == ("lapsed", None, None, None)
    again = await sign_and_confirm(api, suzie, mailbox)
    assert again.token != first.token
    assert (await api.get(f"/confirm/{first.token}")).status_code == 410
    await until(figures.count, lambda now: now == count + 1)
