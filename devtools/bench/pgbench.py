"""pgbench, from PostgreSQL itself: the SQL of a signature, one a transaction, with no Python and no HTTP."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from app.crypto import details
from app.crypto.sealing import KEY_BYTES, WRAPPED_KEY_BYTES
from devtools.bench.processes import CannotMeasure
from devtools.bench.world import World

CLIENTS = 32
THREADS = 2
# Signers are told apart by a random number; sealed bytes are of the length that real ones have.
_ROWS = r"""
\set n random(1, 9000000000000000)
\set place random(1, {places})
\set country random(1, 10)
begin;
set local synchronous_commit = off;
select count(*) as listed from abuse_lists
 where kind = 'address' and address_hash = sha256(int8send(:n::bigint))
    or kind = 'domain' and domain = 'example.org'
    or kind = 'network' and network >>= '127.0.0.1'::inet::cidr \gset
insert into signals as s (kind, key_hash, day, day_count, hour_at, hour_count, minute_at, minute_count)
select kind, key_hash, current_date, 1, date_trunc('hour', now(), 'UTC'), 1, date_trunc('minute', now()), 1
  from (values ('address', substr(sha256(int8send(:n::bigint)), 1, 8)){shared}) k (kind, key_hash)
on conflict (kind, key_hash, day) do update set day_count = s.day_count + 1,
  hour_count = case when s.hour_at = excluded.hour_at then s.hour_count + 1 else 1 end,
  hour_at = excluded.hour_at,
  minute_count = case when s.minute_at = excluded.minute_at then s.minute_count + 1 else 1 end,
  minute_at = excluded.minute_at;
commit;
begin;
select md5(:n::text)::uuid as supporter \gset
select count(*) as known from signatures
 where petition_id = {petition} and supporter_id = :supporter::uuid \gset
select id as placement, slug as slug from placements
 where campaign_id = {campaign} order by id offset :place - 1 limit 1 \gset
insert into signatures (id, petition_id, supporter_id, text_version_id, state, country, region,
  placement_id, answers_id, locale, name_hash, place_hash, details_sealed, own_copy, link_hash, expires_at)
values (uuidv7(), {petition}, :supporter::uuid, {version}, 'pending',
  case when :country < 9 then 'GB' else 'UA' end, case when :country < 9 then 'E12000007' end,
  :placement, {answers}, 'en', substr(sha256(int8send(:n::bigint + 1)), 1, 16),
  substr(sha256(int8send(:n::bigint + 2)), 1, 8),
  decode(repeat('5e', {details}), 'hex'), decode(repeat('5e', {copy}), 'hex'),
  substr(sha256(int8send(:n::bigint + 3)), 1, 16), now() + interval '7 days')
returning id as signature \gset
insert into mails (kind, campaign_id, subject_id, message_id, payload_sealed, state)
values ('confirm_signature', {campaign}, :signature::uuid, :signature::text,
  decode(repeat('5e', {mail}), 'hex'), 'sent');
"""
# Counters of the score that all signers share, as all share the petition's own.
_SHARED = ", ('network', '\\x6e6574'::bytea), ('petition', '\\x706574'::bytea)"
_COUNTERS = r"""
insert into petition_counts as k (petition_id, counted) values ({petition}, 1)
on conflict (petition_id) do update set counted = k.counted + 1;
insert into tallies as t (petition_id, dimension, value, utc_hour, signed)
values ({petition}, 'all', '', date_trunc('hour', now(), 'UTC'), 1),
       ({petition}, 'country', case when :country < 9 then 'GB' else 'UA' end,
        date_trunc('hour', now(), 'UTC'), 1),
       ({petition}, 'locale', 'en', date_trunc('hour', now(), 'UTC'), 1),
       ({petition}, 'placement', :slug::text, date_trunc('hour', now(), 'UTC'), 1),
       ({petition}, 'region', case when :country < 9 then 'E12000007' else '' end,
        date_trunc('hour', now(), 'UTC'), 1)
on conflict (petition_id, dimension, value, utc_hour) do update set signed = t.signed + 1;
"""
_TPS = re.compile(r"tps = ([0-9.]+)")
_EXAMPLE = {"name": "Suzie Fenn", "email": "suzie.fenn@example.org", "postcode": "N1 9GU"}


def script(world: World, *, counters: bool) -> str:
    """The transaction that pgbench repeats."""
    loaded = world.loaded
    sealed_mail = len(world.sealer.seal(dict(_EXAMPLE), UUID(int=0))) + 250
    template = _ROWS + (_COUNTERS if counters else "") + "commit;\n"
    values = {
        "shared": _SHARED if counters else "",
        "campaign": loaded.campaign_id,
        "petition": loaded.petition_id,
        "version": loaded.text_version_id,
        "places": len(loaded.placement_ids),
        "answers": _answers(world),
        "details": WRAPPED_KEY_BYTES,
        "copy": len(details.encrypt(bytes(KEY_BYTES), _EXAMPLE)),
        "mail": sealed_mail,
    }
    return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), template)


def _answers(world: World) -> int:
    wordings = sorted(world.loaded.wording_ids[purpose] for purpose in ("signature", "updates"))
    values = ["api", wordings, [True] * len(wordings)]
    world.owner.execute(
        "insert into answer_sets (via, wordings, given) values (%s, %s::int[], %s::bool[]) "
        "on conflict do nothing",
        values,
    )
    return world.number(
        "select id from answer_sets where via = %s and wordings = %s::int[] and given = %s::bool[]", *values
    )


def run(world: World, seconds: float, *, counters: bool) -> float:
    """Signatures a second."""
    file = world.folder / f"signature-{counters}.sql"
    file.write_text(script(world, counters=counters), "ascii")
    file.chmod(0o644)
    url = urlsplit(world.addresses.owner)
    command = [
        str(world.binaries / "pgbench"),
        *("-h", url.hostname or "", "-p", str(url.port), "-U", url.username or ""),
        *("-c", str(CLIENTS), "-j", str(THREADS), "-T", str(max(1, round(seconds)))),
        *("-n", "-M", "prepared", "-f", str(file), url.path.strip("/")),
    ]
    done = subprocess.run(
        command,
        env={"PGPASSWORD": url.password or "", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
    )
    found = _TPS.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise CannotMeasure(f"pgbench ended with {done.returncode}: {done.stderr[-800:]}")
    return float(found[1])


def version(binaries: Path) -> str:
    """PostgreSQL's version."""
    done = subprocess.run(
        [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
