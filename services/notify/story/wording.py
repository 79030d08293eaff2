"""How single values are said in Chinese and English, and how little of each is kept for it. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from shared.schemas.base import CATALOGUE, Text
from shared.schemas.money import Money
from shared.trust.alliance import KNOWN_CENTERS


class Known(NamedTuple):
    """What an id stands for here. `links` leads from a deal or an interest to what it is about: `{"offer_id": ...}`."""

    title: Text = Text()
    links: Mapping[str, str] = {}


Names = Mapping[str, Known]

FEN_PER_WAN: Final = 1_000_000
"""万元, 10,000 yuan, in minor units."""

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "technology": ("技术成果", "technology"),
    "demand": ("技术需求", "demand"),
    "service": ("技术服务", "service"),
    "capital": ("金融产品", "capital product"),
    "expert": ("专家", "expert profile"),
    "facility": ("载体设施", "facility"),
    "policy": ("政策", "policy"),
    "programme": ("项目计划", "programme"),
    "experience": ("转移案例", "transfer case"),
    "fulfilled": ("同意接收", "agreed to take"),
    "rejected": ("拒绝了", "rejected"),
    "posted": ("已支付", "made"),
    "voided": ("已作废", "voided"),
    "inbox": ("站内信", "inbox"),
    "webhook": ("网络回调", "webhook"),
}
"""Values of open enums as people say them: (zh, en). What is not here is said as it is."""

CONTRACTS: Final[Mapping[str, tuple[str, str]]] = {
    "development": ("技术开发", "technology development"),
    "transfer": ("技术转让", "technology transfer"),
    "licence": ("技术许可", "technology licence"),
    "consulting": ("技术咨询", "technical consulting"),
    "service": ("技术服务", "technical service"),
}
"""The five technical contract types (Civil Code, part three, chapter 20)."""


def _pick(pair: tuple[str, str], lang: str) -> str:
    return pair[0] if lang == "zh" else pair[1]


def _word(value: Any, lang: str, known: Names) -> str:
    return _pick(WORDS.get(str(value), (str(value), str(value))), lang)


def _contract(value: Any, lang: str, known: Names) -> str:
    return _pick(CONTRACTS.get(str(value), (str(value), str(value))), lang)


def _center(value: Any, lang: str, known: Names) -> str:
    center = KNOWN_CENTERS.get(str(value))
    if center is None:
        return str(value)
    return center.name_zh if lang == "zh" else center.name_en


def _title(value: Any, lang: str, known: Names) -> str:
    title = known.get(value, Known()).title.say(lang)
    return (f"《{title}》" if lang == "zh" else f"“{title}”") if title else _pick(("一项资源", "a listing"), lang)


def _name(value: Any, lang: str, known: Names) -> str:
    return known.get(value, Known()).title.say(lang) or _pick(("一家单位", "an organisation"), lang)


def _linked(link: str, say: Callable[[Any, str, Names], str]) -> Callable[[Any, str, Names], str]:
    """Says what a deal's `link` leads to: its listing, its buyer, its seller."""
    return lambda deal_id, lang, known: say(known.get(deal_id, Known()).links.get(link, ""), lang, known)


def _money(value: Any, lang: str, known: Names) -> str:
    money = Money.model_validate(value)
    if lang != "zh" or money.currency != "CNY":
        return str(money)
    whole = money.minor % FEN_PER_WAN == 0
    return f"{money.minor // FEN_PER_WAN:,}万元" if whole else f"{money.minor // 100:,}.{money.minor % 100:02d}元"


def _percent(value: Any, lang: str, known: Names) -> str:
    return f"{float(value):.0%}"


def _date(value: Any, lang: str, known: Names) -> str:
    day = datetime.fromisoformat(value)
    return f"{day.year}年{day.month}月{day.day}日" if lang == "zh" else f"{day:%Y-%m-%d}"


def _milestones(value: Any, lang: str, known: Names) -> str:
    return f"{value}个里程碑" if lang == "zh" else f"{value} milestone{'' if value == 1 else 's'}"


def _outcome(value: Any, lang: str, known: Names) -> str:
    return _pick(("已成交", "transacted") if value else ("未成交", "not transacted"), lang)


def _event(value: Any, lang: str, known: Names) -> str:
    found = CATALOGUE.get(value)
    return found.event_name if found else str(value)


def _same(value: Any) -> Any:
    return value


def _dumped(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json")


def _isoformat(value: datetime) -> str:
    return value.isoformat()


SAY: Final[Mapping[str, Callable[[Any, str, Names], str]]] = {
    "plain": lambda value, lang, known: str(value),
    "text": lambda value, lang, known: Text.model_validate(value).say(lang),
    "center": _center,
    "title": _title,
    "name": _name,
    "listing": _linked("listing_id", _title),
    "buyer": _linked("buyer_organisation_id", _name),
    "seller": _linked("seller_organisation_id", _name),
    "word": _word,
    "kind": _word,
    "contract": _contract,
    "money": _money,
    "percent": _percent,
    "date": _date,
    "count": _milestones,
    "outcome": _outcome,
    "event": _event,
}
"""What may stand behind the colon in a template: (kept value, "zh" or "en", what ids stand for) -> words."""

KEEP: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(SAY, _same),
    "text": _dumped,
    "money": _dumped,
    "date": _isoformat,
    "count": len,
}
"""What is kept of a field's value for saying it, JSON-ready."""
