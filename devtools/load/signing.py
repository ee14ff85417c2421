"""Signers at a steady rate, who try again or give up when they are turned away."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from devtools.load.connection import Answer, Connection, Unanswered
from devtools.load.people import Person, Wording, invent

ACCEPTED, UNAVAILABLE = 202, 503


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and what came of it.

    Attributes:
        began, ended: By `time.monotonic`.
        status: 0 where no answer came.
        may_have_arrived: False only where there was no connection.
        retry_after: Whether the answer said when to come back.
        reason: Why no answer came.
    """

    subject: int
    began: float
    ended: float
    status: int
    may_have_arrived: bool = True
    retry_after: bool = False
    reason: str = ""

    @property
    def seconds(self) -> float:
        """How long the client waited."""
        return self.ended - self.began


async def attempt(
    connection: Connection,
    subject: int,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
) -> tuple[Attempt, Answer | None]:
    """Send one request and note what comes of it."""
    began = time.monotonic()
    try:
        answer = await connection.request(method, path, body, headers)
    except Unanswered as error:
        ended = time.monotonic()
        return Attempt(subject, began, ended, 0, may_have_arrived=error.sent, reason=str(error)), None
    noted = Attempt(
        subject, began, time.monotonic(), answer.status, retry_after="retry-after" in answer.headers
    )
    return noted, answer


@dataclass
class SigningLoad:
    """People who sign one petition over the API, until told to stop.

    Args:
        origin: Where the public role listens.
        slug: The petition.
        seed: Makes these people and their choices.
        rate: Requests a second that are begun, as long as `clients` suffice; infinite: one after the other.
        clients: Connections at the most.
        repeats: The share of the accepted who sign once more.
        most: Requests at the most.
        domain: Of their addresses; None: some.
        network: The address that a person of that number comes from, by X-Forwarded-For.
        pause: Seconds that a client waits after it was turned away.
    """

    origin: str
    slug: str
    seed: str
    rate: float = 40
    clients: int = 16
    repeats: float = 0.05
    patience: float = 20
    most: float = float("inf")
    domain: str | None = None
    network: Callable[[int], str] | None = None
    pause: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    people: dict[int, Person] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Iterator[int] = field(default_factory=count)
    _again: list[Person] = field(default_factory=list)
    _begun: int = 0

    async def run(self) -> None:
        """Sign until `stopping` is set; what is under way is finished."""
        wordings = await read_wordings(self.origin, self.slug)
        pace = Pace(self.rate)
        async with asyncio.TaskGroup() as clients:
            for number in range(self.clients):
                clients.create_task(self._client(number, wordings, pace))

    @property
    def accepted(self) -> set[int]:
        """The numbers of those who were told that their letter is kept."""
        return {a.subject for a in self.attempts if a.status == ACCEPTED}

    def statuses(self) -> Counter[int]:
        """How often each status came; 0 is no answer."""
        return Counter(a.status for a in self.attempts)

    async def _client(self, number: int, wordings: list[Wording], pace: "Pace") -> None:
        chance = random.Random(f"{self.seed}:client:{number}")  # noqa: S311 - nothing secret
        connection = Connection(self.origin, patience=self.patience)
        while not self.stopping.is_set() and self._begun < self.most:
            self._begun += 1
            await pace.wait()
            person = self._again.pop() if self._again else self._newcomer()
            path = f"/api/v1/petitions/{self.slug}/signatures"
            headers = {"x-forwarded-for": self.network(person.number)} if self.network else None
            noted, _ = await attempt(connection, person.number, "POST", path, person.form(wordings), headers)
            self.attempts.append(noted)
            if noted.status == ACCEPTED:
                if chance.random() < self.repeats:
                    self._again.append(person)
                continue
            if chance.random() < 0.5:  # noqa: PLR2004 - every second one tries again, the others give up
                self._again.append(person)
            await asyncio.sleep(self.pause)
        connection.close()

    def _newcomer(self) -> Person:
        number = next(self._numbers)
        self.people[number] = person = invent(number, self.seed, self.domain)
        return person


class Pace:
    """So many a second, for all clients together; time that was lost is not made up for."""

    def __init__(self, rate: float) -> None:
        self._step = 1 / rate
        self._next = time.monotonic()

    async def wait(self) -> None:
        """Wait for one's turn."""
        now = time.monotonic()
        self._next = max(self._next + self._step, now)
        await asyncio.sleep(self._next - now)


async def read_wordings(origin: str, slug: str) -> list[Wording]:
    """The consents that a petition asks for."""
    connection = Connection(origin)
    petition = (await connection.request("GET", f"/api/v1/petitions/{slug}")).json()
    connection.close()
    assert isinstance(petition, dict)
    return [Wording(c["purpose"], c["wording_version"], c["required"]) for c in petition["consents"]]
