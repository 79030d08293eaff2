"""Words that say little: left out, or trusted less until the index itself has seen enough text."""

from typing import Final

STOPWORDS: Final = frozenset(
    """
    a about above after again against all also although am among an and any are as at be because been before being
    below between both but by can cannot could did do does doing done down during each either else etc eg ever every
    few for from further get gets given gives had has have having he hence her here hers herself him himself his how
    however i if ie in into is it its itself just least less let like made make makes making many may me might more
    moreover most much must my myself near need needed needs neither no nor not now of off often on once one only
    onto or other others our ours ourselves out over own per perhaps rather s same several shall she should since so
    some still such t take taken than that the their theirs them themselves then there therefore these they this
    those though three through throughout thus to together too toward towards two under unless until up upon us use
    used uses using via very was we well were what when where whereas whether which while who whom whose why will
    with within without would yet you your yours yourself yourselves amp gt lt nbsp quot rsquo lsquo ldquo rdquo
    ndash mdash bull
    """.split()  # noqa: SIM905  # a list of words reads better as text
)
"""English function words and left-overs of HTML; never indexed."""

GENERAL: Final = frozenset(
    """
    kg mg km cm mm nm um ml mpa kpa gpa kw mw kwh wh mah ah hz khz mhz ghz db ppm ms min hr usd rmb cny yuan percent
    degree degrees celsius tonne ton hour day week month minute second metre meter cubic square four five six seven
    eight nine ten twelve hundred thousand million billion
    ability able accomplish achieve activity additional address advance advanced agency aim allow anticipate apply
    approach appropriate area aspect assess available based basic benefit best better broad business capability
    capable challenge commercial commercialization common company compare complete component concept conduct
    consider contract cost create critical current currently customer deliver demonstrate demonstration describe
    description design desire determine develop developed development different direct effect effective
    effectiveness efficiency efficient effort enable enhance ensure establish evaluate evaluation example exist
    existing expect feasibility feasible feature field final focus follow following full function fund future
    general goal good government group high higher highly identify impact implement implementation important improve
    improved improvement include including increase industry information initial innovation innovative integrate
    integration investigate issue key large lead level limit limited long low lower main maintain major manufacture
    market measure meet method minimize model modern multiple new next novel number objective offer operate
    operation opportunity option order overall part particular partner perform performance period phase plan
    platform possible potential practical present primary problem procedure process produce product production
    program project promise propose proposal proposed prototype prove provide purpose quality range reduce reduction
    related relevant reliable require requirement research result review risk scale scientific seek select service
    set show significant significantly simple single small solution solve specific stage standard state strategy
    study subject success successful successfully suitable support system task team technical technique
    technological technology test time topic traditional transition type typical understand unique unit user utilize
    value variety various verify viable wide work world year
    """.split()  # noqa: SIM905  # a list of words reads better as text
)
"""Words of every project description; counted as if seen in much background text, so they weigh little."""

FUNCTION_CHARACTERS: Final = frozenset("的了与或及其将被把之而且我们")
"""Chinese function characters; a bigram with one of them is left out."""

GENERAL_BIGRAMS: Final = frozenset(
    """
    技术 系统 方法 研究 开发 应用 产品 项目 公司 企业 设备 装置 工艺 生产 需求 采用 使用 具有
    实现 可以 能够 通过 进行 提高 降低 提供 要求 目前 现有 以上 以下 以及 相关 解决 问题 方案
    达到 满足 合作 寻求 征集 希望 主要 需要 服务 支持 完成 建设 改造 示范 验证 成本 效率 性能
    质量 稳定 运行 年度 每年 万元 国家 标准 已经 不同 一种 可靠 高效 新型 关键 核心 推广 转化
    成果 专利 团队 单位 本项 该技 术需 条件 情况 过程 结果 作用 目标 水平 能力 领域 基于 针对
    其中 同时 由于 因此 当前 平均
    """.split()  # noqa: SIM905  # a list of words reads better as text
)
"""The same for Chinese."""
