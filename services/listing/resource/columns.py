"""The columns of a CSV import: their names in English and Chinese, and what Chinese cells mean."""

from typing import Final

HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "type": ("记录类型",),
    "external_id": ("外部编号", "编号"),
    "center": ("中心",),
    "kind": ("资源类别", "类别", "类型", "机构类别"),
    "organisation": ("机构", "单位", "机构编号", "单位编号"),
    "tier": ("密级", "公开范围"),
    "title.zh": ("标题", "名称", "成果名称", "需求名称"),
    "title.en": ("英文标题",),
    "summary.zh": ("摘要", "简介"),
    "summary.en": ("英文摘要",),
    "problem.zh": ("问题", "拟解决的问题"),
    "problem.en": ("英文问题",),
    "solution.zh": ("解决方案", "技术方案"),
    "solution.en": ("英文解决方案",),
    "advantages.zh": ("优势", "创新点"),
    "advantages.en": ("英文优势",),
    "keywords.zh": ("关键词",),
    "keywords.en": ("英文关键词",),
    "livelihood": ("民生领域",),
    "ipc": ("IPC分类号", "分类号"),
    "industry": ("行业代码", "国民经济行业"),
    "trl": ("技术成熟度", "成熟度"),
    "transfer_modes": ("转化方式", "转让方式", "合作方式"),
    "price.mode": ("价格方式",),
    "price.min": ("最低价",),
    "price.max": ("最高价",),
    "price.currency": ("币种",),
    "region": ("地区",),
    "deadline": ("截止日期",),
    "name.zh": ("机构名称", "单位名称"),
    "name.en": ("机构英文名称",),
    "country": ("国家",),
    "uscc": ("统一社会信用代码",),
}
"""Field, and its Chinese headings. The English heading is the field with an underscore for the dot: `title_zh`.
`details.x` is headed `details_x`. Prices are in whole currency units (yuan), not in minor units."""

LISTS: Final = frozenset({"keywords.zh", "keywords.en", "livelihood", "ipc", "industry", "transfer_modes"})
"""Cells that hold several values, separated by ; or ； or 、 or |."""

SEPARATORS: Final = r"[;；、|]"

CELLS: Final[dict[str, dict[str, str]]] = {
    "type": {"机构": "organisation", "资源": "listing"},
    "kind": {
        "技术": "technology", "成果": "technology", "技术成果": "technology", "需求": "demand", "技术需求": "demand",
        "服务": "service", "中介服务": "service", "资金": "capital", "金融": "capital",
        "企业": "company", "高校": "university", "科研院所": "institute", "医院": "hospital", "服务机构": "agency",
        "银行": "lender", "投资机构": "investor", "政府部门": "government", "其他": "other",
    },
    "tier": {"公开": "public", "本中心": "center", "内部": "center"},
    "transfer_modes": {
        "转让": "assignment", "独占许可": "licence_exclusive", "排他许可": "licence_sole", "普通许可": "licence_plain",
        "合作开发": "joint_development", "作价入股": "equity", "技术服务": "service",
    },
    "price.mode": {
        "面议": "negotiable", "一次性支付": "lump_sum", "分期支付": "instalments", "提成": "royalty",
        "入门费加提成": "upfront_royalty", "作价入股": "equity",
    },
    "livelihood": {
        "环境": "environment", "能源": "energy", "健康": "health", "农业": "agriculture", "扶贫": "poverty_relief",
        "公共安全": "public_security", "信息": "information", "制造": "manufacturing", "材料": "materials",
        "海洋": "marine",
    },
    "price.currency": {"人民币": "CNY", "元": "CNY", "美元": "USD", "欧元": "EUR"},
}  # fmt: skip
"""What a Chinese cell means, by field."""


def field_of(heading: str) -> str | None:
    """The field a heading names, or None for a column that nothing is known of."""
    plain = heading.strip().lstrip("\ufeff")
    return _FIELDS.get(plain) or _FIELDS.get(plain.lower()) or _details(plain.lower())


def _details(heading: str) -> str | None:
    prefix, _, name = heading.partition("_")
    return f"details.{name}" if prefix == "details" and name else None


_FIELDS: Final = {name: field for field, zh in HEADINGS.items() for name in (field, field.replace(".", "_"), *zh)}
