import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

import httpx
import pytest

from devtools.mail_catcher.page import with_links
from devtools.mail_catcher.store import MessageStore


@dataclass(frozen=True)
class Catcher:
    smtp_port: int
    web: httpx.Client

    def send(self, message: EmailMessage, to: str | None = None) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port) as smtp:
            smtp.send_message(message, to_addrs=to)

    def caught(self, **query: str) -> list[dict[str, str]]:
        answer: list[dict[str, str]] = self.web.get("/messages.json", params=query).json()
        return answer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def started(smtp_port: int, mail_port: int) -> subprocess.Popen[str]:
    env = os.environ | {"HAVEN_SMTP_PORT": str(smtp_port), "HAVEN_MAIL_PORT": str(mail_port)}
    return subprocess.Popen(
        [sys.executable, "-m", "devtools.mail_catcher"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def process() -> Iterator[Catcher]:
    smtp_port, mail_port = free_port(), free_port()
    child = started(smtp_port, mail_port)
    with httpx.Client(base_url=f"http://127.0.0.1:{mail_port}") as web:
        for _ in range(200):
            try:
                if web.get("/healthz").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield Catcher(smtp_port, web)
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=5)
    assert str(smtp_port) in out
    assert "Traceback" not in err


@pytest.fixture
def catcher(process: Catcher) -> Catcher:
    process.web.delete("/messages")
    process.web.delete("/faults")
    return process


def letter(to: str = "anna@mail.example", subject: str = "Please confirm") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Haven <post@haven.example>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = "<one@haven.example>"
    message["List-Unsubscribe"] = "<http://127.0.0.1:8000/my/abc>"
    message.set_content("Open http://127.0.0.1:8000/confirm/abc.\n<b>not bold</b>")
    message.add_alternative(
        "<p>Open <a href='http://127.0.0.1:8000/confirm/abc'>this</a></p>", subtype="html"
    )
    return message


def test_a_message_is_caught_with_all_its_parts(catcher: Catcher) -> None:
    catcher.send(letter())
    (caught,) = catcher.caught()
    assert caught["from"] == "Haven <post@haven.example>"
    assert caught["to"] == "anna@mail.example"
    assert caught["subject"] == "Please confirm"
    assert caught["message_id"] == "<one@haven.example>"
    assert "confirm/abc" in caught["text"]
    assert "<a href=" in caught["html"]
    assert caught["received_at"].endswith("Z")
    assert caught["headers"]["List-Unsubscribe"].endswith("/my/abc>")  # type: ignore[index]


def test_messages_come_newest_last_and_by_address_or_id(catcher: Catcher) -> None:
    for name in ("anna", "olha", "anna"):
        catcher.send(letter(f"{name}@mail.example"))
    caught = catcher.caught()
    ids = [message["id"] for message in caught]
    assert ids == sorted(ids)
    assert [m["id"] for m in catcher.caught(to="ANNA@mail.example")] == [ids[0], ids[2]]
    assert [m["id"] for m in catcher.caught(after=str(ids[1]))] == [ids[2]]
    assert catcher.caught(to="nna@mail.example") == []
    assert catcher.web.get("/messages.json?after=x").status_code == 400


def test_unicode_addresses_subjects_and_texts(catcher: Catcher) -> None:
    message = EmailMessage()
    message["To"] = "ольга@пошта.example"
    message["Subject"] = "Підтвердьте підпис ✍"
    message.set_content("Дякуємо, Ольго!")
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as smtp:
        smtp.send_message(message, from_addr="post@haven.example", mail_options=["SMTPUTF8"])
    (caught,) = catcher.caught(to="Ольга@пошта.example")
    assert caught["subject"] == "Підтвердьте підпис ✍"
    assert caught["text"].strip() == "Дякуємо, Ольго!"
    assert catcher.web.get(f"/messages/{caught['id']}").text.count("Ольго") == 1


def test_a_message_that_is_no_message_is_still_caught(catcher: Catcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as smtp:
        smtp.sendmail(
            "a@x.example",
            "b@x.example",
            b"Content-Type: text/plain; charset=nonsense\r\nSubject: \xff\r\n\r\n\xd0\x9e",
        )
    (caught,) = catcher.caught()
    assert caught["text"] == "О\n"


def test_ordered_refusals_are_given_as_often_as_asked(catcher: Catcher) -> None:
    order = {"address": "Olha@mail.example", "code": 451, "times": 2}
    assert catcher.web.post("/faults", json=order).status_code == 204
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            catcher.send(letter("olha@mail.example"))
        assert refused.value.recipients["olha@mail.example"][0] == 451
    catcher.send(letter("olha@mail.example"))
    assert len(catcher.caught()) == 1


@pytest.mark.parametrize(
    "order",
    [
        "[]",
        "{",
        "{}",
        '{"address": "a@b.example", "code": 250}',
        '{"address": "a@b.example", "code": 451, "times": 0}',
        '{"address": "a", "code": 451}',
        '{"address": "a@b.example", "code": null}',
    ],
)
def test_orders_that_make_no_sense_are_refused(catcher: Catcher, order: str) -> None:
    assert catcher.web.post("/faults", content=order).status_code == 400


def test_local_parts_that_bounce_or_come_later(catcher: Catcher) -> None:
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            catcher.send(letter("bounce-1@mail.example"))
        assert refused.value.recipients["bounce-1@mail.example"][0] == 550
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        catcher.send(letter("later-1@mail.example"))
    assert refused.value.recipients["later-1@mail.example"][0] == 451
    catcher.send(letter("later-1@mail.example"))
    assert len(catcher.caught()) == 1


def test_the_pages_show_messages_without_trusting_them(catcher: Catcher) -> None:
    catcher.send(letter(subject="<script>alert(1)</script>"))
    (caught,) = catcher.caught()
    inbox = catcher.web.get("/")
    assert "&lt;script&gt;alert(1)" in inbox.text
    assert "<script" not in inbox.text
    assert f"/messages/{caught['id']}" in inbox.text
    page = catcher.web.get(f"/messages/{caught['id']}")
    assert '<a href="http://127.0.0.1:8000/confirm/abc" rel="noreferrer">' in page.text
    assert "&lt;b&gt;not bold" in page.text
    assert 'sandbox="allow-popups' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    frame = catcher.web.get(f"/messages/{caught['id']}/html")
    assert frame.headers["content-security-policy"].startswith("sandbox allow-popups")
    assert "allow-scripts" not in frame.headers["content-security-policy"]
    assert catcher.web.get("/style.css").headers["content-type"].startswith("text/css")


def test_the_inbox_by_address_and_the_button_that_clears(catcher: Catcher) -> None:
    catcher.send(letter("anna@mail.example"))
    assert "1 message to anna@mail.example" in catcher.web.get("/?to=anna@mail.example").text
    assert "Nothing yet" in catcher.web.get("/?to=olha@mail.example").text
    cleared = catcher.web.post("/clear")
    assert (cleared.status_code, cleared.headers["location"]) == (303, "/")
    assert catcher.caught() == []
    assert catcher.web.get("/messages/999999").status_code == 404


def test_a_taken_port_is_said_plainly(catcher: Catcher) -> None:
    child = started(catcher.smtp_port, free_port())
    _, err = child.communicate(timeout=10)
    assert child.returncode == 1
    assert "Set HAVEN_SMTP_PORT to another port" in err
    assert "Traceback" not in err


def test_only_the_last_messages_are_kept() -> None:
    store = MessageStore(kept=3)
    for number in range(5):
        store.add(
            sender="",
            envelope_from="",
            recipients=[],
            subject=str(number),
            text="",
            html="",
            message_id="",
            headers={},
        )
    assert [message.subject for message in store.all()] == ["2", "3", "4"]
    assert [message.id for message in store.all()] == [3, 4, 5]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "see http://a.example/b.",
            'see <a href="http://a.example/b" rel="noreferrer">http://a.example/b</a>.',
        ),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ('"https://a.example/?x=1&y=2"', '&#34;<a href="https://a.example/?x=1&amp;y=2" rel="noreferrer">'),
        ("<a href='x'>", "&lt;a href=&#39;x&#39;&gt;"),
    ],
)
def test_only_web_addresses_become_links(text: str, html: str) -> None:
    assert with_links(text).startswith(html)
