"""What ids stand for."""

from typing import Any

from sqlalchemy import ARRAY, Column, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.notify import Row


class Subject(Row, table=True):  # type: ignore[call-arg, misc, valid-type]  # a base class made per service
    """A listing or an organisation with its title; a deal or an interest with whom it concerns and where it leads."""

    __tablename__ = "subject"

    id: str = Field(primary_key=True)
    center: str
    kind: str = ""
    title_zh: str = ""
    title_en: str = ""
    organisations: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    links: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
