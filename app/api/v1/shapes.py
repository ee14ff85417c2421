"""Shapes that several calls share."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.core.text import Line

LongLine = Annotated[str, Line(320)]
Email = Annotated[str, Line(254), Field(examples=["suzie@example.com"])]
Name = Annotated[str, Line(100), Field(examples=["Suzie Fenn"])]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]


LanguageTag = Annotated[
    str,
    Field(
        max_length=35,
        pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$",
        description="The language of mails: `en`, `uk` or `ar`; any other falls to English.",
        examples=["uk"],
    ),
]


def _spaceless(value: str) -> str:
    return "".join(value.split())


Token = Annotated[
    str,
    AfterValidator(_spaceless),
    Field(
        min_length=1, max_length=64, description="The last part of the link in the mail.", examples=["k3…"]
    ),
]


class Input(BaseModel):
    """A request body: unknown fields are refused, so that a typo is never ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Output(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class ConsentOffer(Output):
    """A wording to be shown to the person, and answered in `consents`."""

    purpose: str = Field(examples=["signature"])
    wording_version: int = Field(examples=[1])
    text: dict[str, str] = Field(description="The wording by language.")
    required: bool = Field(description="Whether there is no signature or donation without a yes.")


class ConsentAnswer(Input):
    """The person's answer to one wording, in the version that was shown."""

    purpose: Annotated[str, Field(max_length=32, examples=["signature"])]
    wording_version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    given: bool


class FieldFault(Output):
    """One field to mend."""

    field: str
    pointer: str
    code: str
    detail: str


class ProblemDetails(Output):
    """An error (RFC 9457), sent as `application/problem+json`."""

    type: str = Field(examples=["/api/v1/errors#petition_not_found"])
    title: str
    status: int
    detail: str = Field(description="What happened and what to do.")
    code: str = Field(description="Stable; for programs.", examples=["petition_not_found"])
    request_id: str
    field: str | None = None
    errors: list[FieldFault] = Field(default_factory=list)
