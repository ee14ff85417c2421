"""Crowds behind one address, and bots: run through the score as the worker would, minute by minute.

`python -m tests.petitions.crowds` prints the table of `docs/abuse.md`.
"""

import random
from collections import Counter
from dataclasses import dataclass

from app.petitions.scoring import CONFIRMED, THRESHOLD, Counts, Evidence, alone, score

DAY = 24 * 60


@dataclass(frozen=True)
class Group:
    """People, or a bot, and what else happens on the petition meanwhile.

    Attributes:
        minutes: How long they take; arrivals are spread at random.
        others: Other signatures of the petition in an hour.
        own_domain: They share a domain of their own; else they are with large providers.
        delay: Minutes from signing to confirming.
    """

    name: str
    size: int
    minutes: int
    networks: int = 1
    others: int = 200
    own_domain: bool = False
    form_seconds: int | None = 30
    by_form: bool = True
    trapped: bool = False
    disposable: bool = False
    delay: int = 5


@dataclass(frozen=True)
class Outcome:
    """What became of a group, if every one of them confirms."""

    people: int
    quarantined: int
    counted: int

    @property
    def counted_share(self) -> float:
        return self.counted / self.people


CROWDS = (
    Group("hostel: 30 in an evening", 30, 240),
    Group("hostel: 30 in five minutes, nobody else signs", 30, 5, others=0),
    Group("office: 300 in a lunch hour", 300, 60, own_domain=True, others=50),
    Group("office: 300 in ten minutes after a mail to all", 300, 10, own_domain=True, others=50),
    Group("mobile carrier: 6,000 in a day behind one address", 6_000, DAY, others=3_000),
    Group("mobile carrier in a surge: 3,000 in an hour", 3_000, 60, others=120_000),
    Group("university: 3,000 in two hours on four addresses", 3_000, 120, networks=4, own_domain=True),
    Group("concert: 3,000 on one Wi-Fi in ten minutes", 3_000, 10, others=500),
    Group(
        "provider's domain in a surge: 12,000 in an hour",
        12_000,
        60,
        networks=9_000,
        own_domain=True,
        others=110_000,
    ),
)
BOTS = (
    Group("one network, 10,000 in ten minutes", 10_000, 10, by_form=False, delay=2),
    Group("one network, 10,000 in a day", 10_000, DAY, by_form=False, delay=2),
    Group(
        "one network and domain, 10,000 in five hours", 10_000, 300, own_domain=True, by_form=False, delay=2
    ),
    Group(
        "one domain on fifty networks, 10,000 in ten minutes",
        10_000,
        10,
        networks=50,
        own_domain=True,
        by_form=False,
        delay=2,
    ),
    Group(
        "large providers on fifty networks, 10,000 in ten minutes",
        10_000,
        10,
        networks=50,
        by_form=False,
        delay=2,
    ),
    Group(
        "the same through the form, trap filled, at once",
        10_000,
        10,
        networks=50,
        trapped=True,
        form_seconds=0,
        delay=2,
    ),
    Group(
        "disposable addresses on fifty networks, no token",
        10_000,
        10,
        networks=50,
        disposable=True,
        form_seconds=None,
        delay=2,
    ),
)


def simulate(group: Group, seed: int = 7) -> Outcome:  # noqa: C901 - one loop over minutes, read downwards
    """Each minute: arrivals are counted and scored, a network beyond all bounds is reached back to."""
    chance = random.Random(seed)  # noqa: S311 - can be repeated
    arrivals = sorted(
        (chance.randrange(group.minutes), chance.randrange(group.networks)) for _ in range(group.size)
    )
    by_minute: dict[int, list[int]] = {}
    for minute, network in arrivals:
        by_minute.setdefault(minute, []).append(network)
    hours: Counter[object] = Counter()
    before: Counter[object] = Counter()
    days: Counter[object] = Counter()
    minutes: Counter[object] = Counter()
    # Per signature: network, minute, points; None points for those that count already.
    waiting: list[list[int]] = []
    counted = quarantined = 0
    for minute in range(group.minutes + group.delay + 1):
        if minute % 60 == 0:
            before, hours = hours, Counter()
        minutes.clear()
        new = by_minute.get(minute, [])
        for network in new:
            for counter in (minutes, hours, days):
                counter.update([("network", network), "petition"])
        left = 1 - minute % 60 / 60

        def counts(key: object, left: float = left) -> Counts:
            return Counts(minutes[key], hours[key] + round(before[key] * left), days[key])  # noqa: B023

        ours = counts("petition")
        petition = Counts(ours.minute + group.others // 60, ours.hour + group.others, ours.day + group.others)
        tainted = {
            network: alone(counts(("network", network)), petition).points >= THRESHOLD for network in set(new)
        }
        for network in new:
            for counter in (minutes, hours, days):
                counter.update([("domain", tainted[network])])
        for network in new:
            evidence = Evidence(
                network=counts(("network", network)),
                domain=counts(("domain", tainted[network]))
                if group.own_domain or group.disposable
                else Counts(),
                petition=petition,
                by_form=group.by_form,
                form_seconds=group.form_seconds,
                trapped=group.trapped,
                disposable=group.disposable,
            )
            waiting.append([network, minute, score(evidence).points])
        for network in set(new):
            by_itself = alone(counts(("network", network)), petition).points
            if by_itself >= THRESHOLD:
                for each in waiting:
                    if each[0] == network:
                        each[2] = max(each[2], by_itself)
        due = [each for each in waiting if each[1] + group.delay <= minute]
        waiting = [each for each in waiting if each[1] + group.delay > minute]
        quarantined += sum(points >= THRESHOLD for _, _, points in due)
        counted += sum(points - CONFIRMED < THRESHOLD for _, _, points in due)
    return Outcome(group.size, quarantined, counted)


def main() -> None:
    """Print the table."""
    for kind, groups in (("crowd", CROWDS), ("bot", BOTS)):
        print(f"| {kind} | quarantined at first | counts once all confirm |\n|---|---|---|")  # noqa: T201
        for group in groups:
            found = simulate(group)
            print(  # noqa: T201
                f"| {group.name} | {found.quarantined / found.people:.0%} | {found.counted_share:.0%} |"
            )


if __name__ == "__main__":
    main()
