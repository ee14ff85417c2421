"""Conditions as a form holds them: words on the way in, one sentence on the way out."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from app.core.networks import UNKNOWN, network_of
from app.petitions.conditions import LONGEST, Conditions, is_label
from app.petitions.errors import ConditionsInvalid
from app.petitions.sweeping import INVALIDATE, RELEASE
from app.reports.abuse_report import Trend, short
from app.supporters.domains import domain_of

FIELDS: Final = (
    "action",
    "since",
    "until",
    "network",
    "domain",
    "placement",
    "pattern",
    "shape",
    "score_from",
    "score_below",
    "quarantined",
)
_MOMENT = "%Y-%m-%dT%H:%M"
_LONGEST_WORD = 100
_QUARANTINED = {"": None, "yes": True, "no": False}


def typed_from(given: Mapping[str, object], now: datetime) -> dict[str, str]:
    """Every field, as a query string or a form gave it, with the usual ones filled in."""
    found = {name: _line(given.get(name)) for name in FIELDS}
    found["action"] = found["action"] if found["action"] in (INVALIDATE, RELEASE) else INVALIDATE
    found["until"] = found["until"] or _written(now + timedelta(minutes=1))
    days = 30 if found["quarantined"] == "yes" else 1
    found["since"] = found["since"] or _written(now - timedelta(days=days))
    return found


def typed_of(trend: Trend, now: datetime) -> dict[str, str]:
    """The form filled in with what a report of the fraud watch tells."""
    since, until = trend.span
    name = {"first_word": "pattern", "last_word": "pattern"}.get(trend.kind, trend.kind)
    last = min(until, now + timedelta(minutes=1)) if now > since else until
    return typed_from({name: trend.value, "since": _written(since), "until": _written(last)}, now)


def parse(petition_id: int, typed: Mapping[str, str]) -> Conditions:
    """What was typed, as conditions. Raises ConditionsInvalid with the field that is wrong."""
    since, until = _moment(typed, "since"), _moment(typed, "until")
    if not timedelta(0) < until - since <= LONGEST:
        raise ConditionsInvalid("Please give at most 31 days, the first before the last.", field="since")
    network, domain = typed["network"].lower(), typed["domain"].lower()
    if network and not is_label(network):
        network = network_of(network)
        if network == UNKNOWN:
            raise ConditionsInvalid("This is no network: an address, or a hash as shown.", field="network")
    if domain and not is_label(domain):
        domain = domain_of(f"@{domain.removeprefix('@')}")
    action_is_release = typed["action"] == RELEASE
    return Conditions(
        petition_id=petition_id,
        since=since,
        until=until,
        network=network or None,
        domain=domain or None,
        placement=typed["placement"] or None,
        pattern=typed["pattern"] or None,
        shape=typed["shape"] or None,
        score_from=_number(typed, "score_from"),
        score_below=_number(typed, "score_below"),
        quarantined=True if action_is_release else _QUARANTINED.get(typed["quarantined"]),
    )


def described(wanted: Conditions) -> list[tuple[str, str]]:
    """Conditions as staff read them: a name and a value for each; hashes are shortened."""

    def origin(value: str) -> str:
        return short(value) if is_label(value) else value

    found = [("Signed", f"{wanted.since:%Y-%m-%d %H:%M} to {wanted.until:%Y-%m-%d %H:%M} UTC")]
    if wanted.network:
        found.append(("Network", origin(wanted.network)))
    if wanted.domain:
        found.append(("Domain", origin(wanted.domain)))
    if wanted.placement:
        found.append(("Placement", wanted.placement))
    if wanted.pattern:
        found.append(("Name", wanted.pattern))
    if wanted.shape:
        found.append(("Form of the name", wanted.shape))
    if wanted.score_from is not None:
        found.append(("Score from", str(wanted.score_from)))
    if wanted.score_below is not None:
        found.append(("Score below", str(wanted.score_below)))
    if wanted.quarantined is not None:
        found.append(("Quarantine", "only those in it" if wanted.quarantined else "only those not in it"))
    return found


def _line(value: object) -> str:
    words = value if isinstance(value, str) else ""
    return "".join(letter for letter in words if letter.isprintable()).strip()[:_LONGEST_WORD]


def _moment(typed: Mapping[str, str], name: str) -> datetime:
    try:
        return datetime.strptime(typed[name][:16], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise ConditionsInvalid("Please give a day and a time.", field=name) from None


def _number(typed: Mapping[str, str], name: str) -> int | None:
    value = typed[name]
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= len("32767")):
        raise ConditionsInvalid("Please give a whole number.", field=name)
    return min(int(value), 32_767)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_MOMENT)
