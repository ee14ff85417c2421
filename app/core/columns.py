"""Column types that every domain uses."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column

SmallId = Annotated[int, mapped_column(Integer, Identity(always=False), primary_key=True)]
BigId = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]
UuidId = Annotated[UUID, mapped_column(Uuid, primary_key=True)]
At = Annotated[datetime, mapped_column(DateTime(timezone=True))]
MaybeAt = Annotated[datetime | None, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
Words = Annotated[str, mapped_column(Text)]
MaybeWords = Annotated[str | None, mapped_column(Text)]
Translated = Annotated[dict[str, str], mapped_column(JSONB)]
"""Text by locale: `{"en": …, "uk": …}`."""
TranslatedList = Annotated[list[dict[str, str]], mapped_column(JSONB)]
Bytes = Annotated[bytes, mapped_column(LargeBinary)]
MaybeBytes = Annotated[bytes | None, mapped_column(LargeBinary)]
Minor = Annotated[int, mapped_column(BigInteger)]
"""Money in minor units of the currency beside it."""
Currency = Annotated[str, mapped_column(CHAR(3))]
Country = Annotated[str, mapped_column(CHAR(2))]
Small = Annotated[int, mapped_column(SmallInteger)]
