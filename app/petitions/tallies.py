"""The tables of figures kept beside signatures: by the hour, and of all time."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Tally(Base):
    """Events of one hour by one dimension's value: marginals, never a cross product."""

    __tablename__ = "tallies"
    # Counted up again and again: room beside each row keeps that from touching the index (HOT).
    __table_args__ = ({"postgresql_with": {"fillfactor": "70"}},)

    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"), primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    utc_hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    signed: Mapped[int] = mapped_column(server_default="0")
    confirmed: Mapped[int] = mapped_column(server_default="0")
    withdrawn: Mapped[int] = mapped_column(server_default="0")
    invalidated: Mapped[int] = mapped_column(server_default="0")
    lapsed: Mapped[int] = mapped_column(server_default="0")


class TallyTotal(Base):
    """What a dimension's value comes to over all hours; moved by triggers on `tallies`, by nothing else."""

    __tablename__ = "tally_totals"
    __table_args__ = ({"postgresql_with": {"fillfactor": "50"}},)

    petition_id: Mapped[int] = mapped_column(ForeignKey("petitions.id"), primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    signed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    confirmed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    withdrawn: Mapped[int] = mapped_column(BigInteger, server_default="0")
    invalidated: Mapped[int] = mapped_column(BigInteger, server_default="0")
    lapsed: Mapped[int] = mapped_column(BigInteger, server_default="0")
