"""Which mail waits while the system is under pressure, and that none of it is lost."""

from collections.abc import Callable

from pydantic import JsonValue

from app.mail.deliver import Deliverer
from app.mail.queue import URGENT
from app.mail.render import VALUES
from tests.mail.conftest import Post, Relay

PATIENT = {"already_signed", "fraud_watch", "mailbox_full"}
MANAGE: dict[str, JsonValue] = {"manage_link": "https://haven.example/my/abc"}


def test_every_kind_is_one_that_somebody_waits_for_or_one_that_can_wait() -> None:
    assert VALUES.keys() == URGENT | PATIENT
    assert not URGENT & PATIENT


async def test_what_can_wait_is_left_out_stays_due_and_goes_later(
    post: Post, relay: Relay, deliverer: Deliverer
) -> None:
    await post.queue("waits@example.com", kind="already_signed", values=MANAGE)
    await post.queue("first@example.com", "second@example.com")
    assert await deliverer.run(urgent_alone=True) == 2
    assert await deliverer.run(urgent_alone=True) == 0
    assert sorted(relay.recipients) == ["first@example.com", "second@example.com"]
    [waiting, *_] = await post.rows()
    assert (waiting["state"], waiting["attempts"]) == ("queued", 0)
    assert await deliverer.run() == 1
    assert relay.recipients[-1] == "waits@example.com"


async def test_what_can_wait_does_not_fill_a_batch(
    post: Post, relay: Relay, deliverer_to: Callable[..., Deliverer]
) -> None:
    await post.queue(*(f"waits{n}@example.com" for n in range(5)), kind="already_signed", values=MANAGE)
    await post.queue("first@example.com")
    assert await deliverer_to(relay, mail_batch=2).run(urgent_alone=True) == 1
    assert relay.recipients == ["first@example.com"]
