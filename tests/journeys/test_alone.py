"""Whoever signs while nobody else does need not wait for a batch to fill, nor for a poll."""

from statistics import median

import httpx
import psycopg

from tests.journeys.mailbox import Mailbox
from tests.journeys.people import person
from tests.journeys.running import Running
from tests.journeys.signing import SIGN, all_quiet, form_of

TIMES = 5
_WAITED = """
    select extract(epoch from m.created_at - s.signed_at), extract(epoch from m.ended_at - s.signed_at)
      from mails m join signatures s on s.id = m.subject_id
     where m.kind = 'confirm_signature' and m.ended_at is not null order by m.id desc limit %s
"""


async def test_the_mail_of_one_alone_is_there_within_a_second(
    running: Running, api: httpx.AsyncClient, mailbox: Mailbox, superuser: psycopg.Connection
) -> None:
    for _ in range(TIMES):
        await all_quiet(superuser)
        somebody = person()
        answer = await api.post(SIGN, json=await form_of(api, somebody))
        assert answer.status_code == httpx.codes.ACCEPTED
        await mailbox.newest(somebody.email)
    await all_quiet(superuser)
    waited = superuser.execute(_WAITED, [TIMES]).fetchall()
    assert len(waited) == TIMES
    assert median(float(row) for row, _ in waited) < 1.0, "the mail's row"
    assert median(float(sent) for _, sent in waited) < 1.0, waited
