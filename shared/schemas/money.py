"""Money in minor units of an ISO 4217 currency."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

EXPONENTS: Final[dict[str, int]] = {
    "CNY": 2, "USD": 2, "EUR": 2, "GBP": 2, "HKD": 2, "SGD": 2, "CHF": 2, "AUD": 2, "CAD": 2, "RUB": 2,
    "JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "BHD": 3, "MOP": 2, "TWD": 2, "INR": 2, "BRL": 2, "ZAR": 2,
}  # fmt: skip
"""Decimal places of the currencies the alliance accounts in (ISO 4217, minor unit column)."""

MINOR_MAX: Final = 10**15
"""Largest amount in one posting; sums of thousands of them stay inside a signed 64-bit integer."""


class Money(BaseModel):
    """An amount: `minor` is an integer in the currency's minor unit (fen for CNY)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    minor: Annotated[int, Field(ge=0, le=MINOR_MAX, strict=True)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"

    def __str__(self) -> str:
        places = EXPONENTS.get(self.currency, 2)
        whole, rest = divmod(self.minor, 10**places)
        return f"{self.currency} {whole:,}" + (f".{rest:0{places}d}" if places else "")
