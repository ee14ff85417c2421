"""Who signs under load: a realistic mix of countries, postcodes, languages, placements and mail providers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from app.cli.demo.people import Population, Signer
from app.cli.demo.reading import demo_people, demo_texts
from app.cli.demo.timing import Timeline

PROFILES = 1_000
_MARK = "%"
_PROVIDERS = {
    "gmail.com": 34,
    "hotmail.co.uk": 14,
    "yahoo.co.uk": 11,
    "outlook.com": 8,
    "btinternet.com": 7,
    "icloud.com": 7,
    "ukr.net": 3,
    "example.ac.uk": 4,
    "парламент.укр": 1,
    "example.org": 11,
}


@dataclass(frozen=True, slots=True)
class Profile:
    """A form's JSON in two parts; what makes a signer distinct goes between them."""

    before: str
    after: str

    def body(self, unique: str) -> str:
        """The form of one signer."""
        return f"{self.before}{unique}{self.after}"


def draw_profiles(count: int = PROFILES) -> list[Profile]:
    """The same forms every time, with the demo campaign's wordings."""
    random = Random("haven bench")  # noqa: S311 - invents people, keeps no secret
    now = datetime(2026, 3, 2, tzinfo=UTC)
    texts = demo_texts()
    weights = {placement.slug: placement.weight for placement in texts.placements}
    population = Population(demo_people(), weights, Timeline(now - timedelta(days=1), now), now)
    versions: dict[str, int] = {}
    for wording in texts.wordings:
        if wording.purpose in ("signature", "updates"):
            versions[wording.purpose] = max(wording.version, versions.get(wording.purpose, 0))
    domains = random.choices(list(_PROVIDERS), list(_PROVIDERS.values()), k=count)
    return [
        _profile(population.draw(random, number), domain, versions) for number, domain in enumerate(domains)
    ]


def _profile(signer: Signer, domain: str, versions: dict[str, int]) -> Profile:
    given = {"signature": True, "updates": signer.wants_news}
    form = {
        "name": signer.name,
        "email": f"{signer.email.partition('.')[0]}.{_MARK}@{domain}",
        "country": signer.country,
        "postcode": signer.postcode or None,
        "placement": signer.placement,
        "locale": signer.locale,
        "consents": [
            {"purpose": purpose, "wording_version": version, "given": given[purpose]}
            for purpose, version in versions.items()
        ],
    }
    before, _, after = json.dumps(form, ensure_ascii=False).partition(_MARK)
    return Profile(before, after)


def profiles_in_lua(profiles: Sequence[Profile]) -> str:
    """Two Lua tables, `before` and `after`."""
    before = ",\n".join(_quoted(profile.before) for profile in profiles)
    after = ",\n".join(_quoted(profile.after) for profile in profiles)
    return f"local before = {{\n{before}\n}}\nlocal after = {{\n{after}\n}}\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
