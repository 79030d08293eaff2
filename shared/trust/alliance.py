"""The eleven centers of the alliance, as data. A twelfth needs no line here: the directory is what counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple


class KnownCenter(NamedTuple):
    """What a development directory says of a center before keys."""

    role: Literal["hub", "spoke"]
    name_zh: str
    name_en: str
    jurisdiction: str
    """ISO 3166-1 alpha-2"""


KNOWN_CENTERS: Mapping[str, KnownCenter] = {
    "beijing": KnownCenter("hub", "中关村", "Zhongguancun", "CN"),
    "south": KnownCenter("hub", "深圳", "Shenzhen", "CN"),
    "east": KnownCenter("spoke", "上海", "Shanghai", "CN"),
    "central": KnownCenter("spoke", "武汉", "Wuhan", "CN"),
    "southwest": KnownCenter("spoke", "成都", "Chengdu", "CN"),
    "northwest": KnownCenter("spoke", "西安", "Xi'an", "CN"),
    "northeast": KnownCenter("spoke", "长春", "Changchun", "CN"),
    "strait": KnownCenter("spoke", "福建", "Fujian", "CN"),
    "sunan": KnownCenter("spoke", "苏州", "Suzhou", "CN"),
    "zhengzhou": KnownCenter("spoke", "郑州", "Zhengzhou", "CN"),
    "ocean": KnownCenter("spoke", "青岛", "Qingdao", "CN"),
}
