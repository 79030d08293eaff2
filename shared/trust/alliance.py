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
    "beijing": KnownCenter("hub", "国家技术转移集聚区（中关村）", "Zhongguancun", "CN"),
    "south": KnownCenter("hub", "国家技术转移南方中心（深圳）", "Shenzhen", "CN"),
    "east": KnownCenter("spoke", "国家技术转移东部中心（上海）", "Shanghai", "CN"),
    "central": KnownCenter("spoke", "国家技术转移中部中心（武汉）", "Wuhan", "CN"),
    "southwest": KnownCenter("spoke", "国家技术转移西南中心（成都）", "Chengdu", "CN"),
    "northwest": KnownCenter("spoke", "国家技术转移西北中心（西安）", "Xi'an", "CN"),
    "northeast": KnownCenter("spoke", "国家技术转移东北中心（长春）", "Changchun", "CN"),
    "strait": KnownCenter("spoke", "国家海峡技术转移中心（福建）", "Fujian", "CN"),
    "sunan": KnownCenter("spoke", "国家技术转移苏南中心（苏州）", "Suzhou", "CN"),
    "zhengzhou": KnownCenter("spoke", "国家技术转移郑州中心", "Zhengzhou", "CN"),
    "ocean": KnownCenter("spoke", "国家海洋技术转移中心（青岛）", "Qingdao", "CN"),
}
