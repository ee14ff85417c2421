"""Proof of work in ALTCHA's format: a little arithmetic that costs a person nothing and a flood of bots much.

Asked only high up on the surge ladder, or where staff have a petition ask for it. A challenge is signed,
names its petition, ends after ten minutes and is good for one signature: spent ones are remembered until
they end.
"""

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import digest

import structlog
from altcha.v1 import create_challenge, extract_params, verify_solution
from sqlalchemy import text

from app.core.db import Database
from app.core.errors import AppError
from app.core.group_commit import GroupCommit
from app.petitions.errors import ProofOfWorkInvalid, ProofOfWorkMissing

log = structlog.get_logger(__name__)
LIFETIME = timedelta(minutes=10)
HARDEST = 100_000
"""The largest number that solves a challenge: half a second in a browser, on average."""
_RULES_SECONDS = 5.0
_ID_BYTES = 16
_SPEND = text("select spend_challenges(cast(:ids as bytea[]), cast(:ends as timestamptz[]))")
_RULES = text("select petition_id from proof_rules where until > now()")
FORGET = text("delete from spent_challenges where expires_at < now() - interval '1 minute'")


@dataclass(frozen=True, slots=True)
class Spent:
    """A solved challenge, by what its signature hashes to."""

    id: bytes
    expires_at: datetime


class ProofOfWork:
    """Asks for work, and takes each solution once.

    Args:
        form_key: The public role's own key.
        is_surge: Whether the surge ladder has work asked of everybody (`app/petitions/surging.py`).
    """

    def __init__(self, database: Database, form_key: bytes, is_surge: Callable[[], bool]) -> None:
        self._database = database
        self._key = digest(form_key, b"haven:proof_of_work:1", "sha256").hex()
        self._is_surge = is_surge
        self._rules: frozenset[int] = frozenset()
        self._reading: asyncio.Task[None] | None = None
        self._writer: GroupCommit[Spent, bool] = GroupCommit(self._write)

    def start(self) -> None:
        """Start the writer, and looking at the rules, on the running loop."""
        self._writer.start()
        self._reading = asyncio.create_task(self._keep_reading(), name="proof-rules")

    async def stop(self, patience: float = 5.0) -> None:
        """Finish what waits, for at most `patience` seconds."""
        if self._reading is not None:
            self._reading.cancel()
        await self._writer.stop(patience)

    def is_asked(self, petition_id: int) -> bool:
        """Whether a signature of this petition should come with work; from memory."""
        return self._is_surge() or petition_id in self._rules

    async def read_rules(self) -> None:
        """Look which petitions ask; what was known last stands while the database is away."""
        with suppress(AppError):
            async with self._database.begin() as session:
                self._rules = frozenset(await session.scalars(_RULES))

    async def _keep_reading(self) -> None:
        while True:
            try:
                await self.read_rules()
            except Exception:
                log.exception("proof_rules:read:failed")  # whatever it is, the next reading may do better
            await asyncio.sleep(_RULES_SECONDS)

    def issue(self, petition_id: int, now: datetime) -> dict[str, str | int]:
        """A fresh challenge, as ALTCHA's clients read it; nothing is stored."""
        challenge = create_challenge(
            algorithm="SHA-256",
            max_number=HARDEST,
            salt_length=12,
            hmac_key=self._key,
            salt="",
            number=None,
            expires=now + LIFETIME,
            params={"petition": str(petition_id)},
        )
        return {str(name).replace("maxNumber", "maxnumber"): v for name, v in challenge.to_dict().items()}

    async def require(self, solution: str | None, petition_id: int) -> bool:
        """For programs: whether work was done.

        Raises:
            ProofOfWorkMissing: It is asked for, and none came.
            ProofOfWorkInvalid: It is wrong, too old, for another petition, or was used before.
            Overloaded: It could not be looked up; nothing is spent.
        """
        if not solution:
            if self.is_asked(petition_id):
                raise ProofOfWorkMissing(field="altcha")
            return False
        spent = await asyncio.to_thread(self._read, solution, petition_id)
        if spent is None or not await self._writer.put(spent):
            raise ProofOfWorkInvalid(field="altcha")
        return True

    async def offered(self, solution: str, petition_id: int) -> bool | None:
        """For a page's form, which works without script: True for work done, False for asked and not done."""
        try:
            return await self.require(solution, petition_id) or None
        except (ProofOfWorkMissing, ProofOfWorkInvalid):
            return False

    def _read(self, solution: str, petition_id: int) -> Spent | None:
        try:
            payload = json.loads(b64decode(solution))
            is_good, _ = verify_solution(payload, self._key)
            params = extract_params(payload)
            signature, ends = str(payload["signature"]), float(params["expires"][0])
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return None
        if not is_good or params.get("petition") != [str(petition_id)]:
            return None
        # By the signature: salts can be spelt in two ways that the library takes for the same challenge.
        ends_at = datetime.fromtimestamp(ends).astimezone()
        return Spent(sha256(signature.encode()).digest()[:_ID_BYTES], ends_at)

    async def _write(self, solved: Sequence[Spent]) -> list[bool]:
        first = {each.id: index for index, each in reversed(list(enumerate(solved)))}
        ids = sorted(first)
        ends = [solved[first[each]].expires_at for each in ids]
        async with self._database.begin() as session:
            fresh = {bytes(each) for each in await session.scalars(_SPEND, {"ids": ids, "ends": ends})}
        return [each.id in fresh and first[each.id] == index for index, each in enumerate(solved)]
