// Every word of the page in English and Chinese; docs/glossary.md says which word is which concept.
let current = "en";

export const lang = () => current;

/** The language to begin with: `?lang=`, else what was chosen before, else the browser's, else the center's. */
export function chooseLanguage(centerLang) {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem("ctta.lang");
  const browser = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => ["zh", "en"].includes(tag));
  setLanguage(["zh", "en"].includes(asked) ? asked : browser ?? centerLang);
}

export function setLanguage(next) {
  current = next;
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
}

export function keepLanguage(next) {
  localStorage.setItem("ctta.lang", next);
  setLanguage(next);
  const search = new URLSearchParams(location.search);
  if (search.has("lang")) search.set("lang", next);
  history.replaceState(null, "", `${location.pathname}${search.size ? `?${search}` : ""}${location.hash}`);
}

/** A sentence or label; `{name}` is filled in. A third form is English for one. */
export function t(key, facts = {}) {
  const [en, zh, one] = WORDS[key] ?? [key, key];
  const text = current === "zh" ? zh : facts.n === 1 && one ? one : en;
  return text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");
}

/** A value of an open enum as people say it; one that is not known here is said as it is. */
export function word(table, value) {
  const pair = TABLES[table]?.[value];
  return pair ? pair[current === "zh" ? 1 : 0] : String(value ?? "").replaceAll("_", " ").replaceAll("-", " ");
}

const WORDS = {
  story: ["Story", "动态"], listings: ["Listings", "资源"], matches: ["Matches", "匹配"], deals: ["Deals", "交易"],
  trace: ["Trace", "链路"], inbox: ["Inbox", "站内信"],
  skip: ["Skip to the content", "跳到正文"], other: ["中文", "English"], views: ["Views", "栏目"], signOut: ["Sign out", "退出"],
  hub: ["hub", "枢纽中心"], spoke: ["regional center", "区域中心"], role_hub: ["Hub of the alliance", "联盟枢纽中心"],
  role_spoke: ["Center of the alliance", "联盟区域中心"], alliance: ["The alliance", "联盟成员"],
  live: ["live", "实时"], polling: ["every few seconds", "定时刷新"], away: ["reconnecting", "正在重连"],
  loading: ["Loading", "正在加载"], failed: ["That did not work", "操作未成功"], notFound: ["Not here", "未找到"],
  notAllowed: ["Not for this role", "当前角色无权查看"], again: ["Try again", "重试"], more: ["Show more", "加载更多"],
  copy: ["Copy", "复制"], nobody: ["nobody yet", "尚无"], all: ["All", "全部"], none: ["none", "无"],
  unreachable: ["The center can't be reached. The page goes on by itself when it is back.", "暂时无法连接本中心，恢复后页面会自动继续。"],
  unreadable: ["The answer could not be read.", "无法读取返回内容。"],

  signIn: ["Sign in", "登录"],
  signInText: ["Paste the access token your center gave you. It stays in this tab and is forgotten when the tab closes.", "请粘贴本中心发给您的访问令牌。令牌只保存在此标签页，关闭后即清除。"],
  token: ["Access token", "访问令牌"], signInDo: ["Open the page", "进入页面"],
  tokenOld: ["The token is not valid here any more. Paste a new one.", "令牌已失效，请粘贴新的令牌。"],

  storyNote: ["What happens at this center and in the alliance, as it becomes known here.", "本中心与联盟正在发生的事，随知随显。"],
  storyOf: ["The story of one conversation", "一项会话的全程轨迹"], storyAll: ["The whole story", "全部动态"],
  storyEmpty: ["Quiet so far", "暂无动态"],
  storyEmptyText: ["As soon as a listing is published or a match is found, it appears here by itself.", "一旦有资源发布或匹配产生，会自动显示在这里。"],
  about: ["Shown", "内容"], aboutAll: ["Everything", "全部"], aboutListing: ["Listings", "资源"], aboutMatching: ["Matches and interests", "匹配与意向"],
  aboutEscrow: ["Deals and money", "交易与资金"], aboutNotify: ["Notices", "通知"],
  conversation: ["Deal or listing", "交易或资源编号"], newSteps: ["{n} new", "新增 {n} 条"], earlier: ["Earlier steps are kept by the center.", "更早的动态由中心保存。"],
  followed: ["following", "正在跟踪"], today: ["Today", "今天"],

  listingsNote: ["What all centers of the alliance have published, newest first.", "联盟各中心已发布的资源，最新在前。"],
  kind: ["Kind", "类别"], center: ["Center", "中心"], text: ["Word or phrase", "关键词"], textHint: ["e.g. electrodialysis", "例如：电渗析"],
  noListings: ["Nothing fits", "没有符合条件的资源"], noListingsText: ["Take away a filter, or try another word.", "请减少筛选条件或更换关键词。"],
  summary: ["Summary", "摘要"], problem: ["Problem", "拟解决的问题"], solution: ["Solution", "技术方案"], advantages: ["Advantages", "优势"],
  keywords: ["Keywords", "关键词"], ipc: ["Classification", "分类号"], industry: ["Industry", "行业"], livelihood: ["Fields", "领域"],
  trl: ["Readiness", "技术成熟度"], trlMin: ["Readiness from", "最低成熟度"], modes: ["Transfer", "转化方式"], price: ["Price", "价格"], budget: ["Budget", "预算"],
  region: ["Region", "地区"], deadline: ["Until", "截止日期"], organisation: ["Organisation", "机构"], published: ["Published", "发布时间"],
  version: ["Version", "版本"], matchesOf: ["Matches of this listing", "此资源的匹配"], id: ["Id", "编号"],

  matchesNote: ["Demands and offers that fit, each with its reasons. The parts sum to the score.", "相互契合的需求与供给，逐项说明理由；各部分之和即为匹配度。"],
  sort: ["Order", "排序"], byScore: ["Best first", "匹配度优先"], byNewest: ["Newest first", "最新优先"], status: ["State", "状态"],
  noMatches: ["No matches yet", "暂无匹配"], noMatchesText: ["When a listing is published, its counterparts in the whole alliance are looked for at once.", "资源一经发布，系统即在全联盟范围内查找对应方。"],
  score: ["Score", "匹配度"], why: ["Why they fit", "匹配理由"], terms: ["Terms both sides use", "双方共有的词条"], shared: ["Classification they share", "共有分类"],
  filters: ["Filters passed", "已通过的过滤条件"], demand: ["Demand", "需求方"], offer: ["Offer", "供给方"], found: ["Found", "匹配时间"],
  decidedHere: ["decided here", "由本中心判定"], decidedThere: ["told by {center}", "由{center}告知"], closed: ["closed: {why}", "已关闭：{why}"],
  interests: ["Interest", "意向"], noInterest: ["Nobody has expressed an interest yet.", "尚无意向表达。"], answerBy: ["answer due {when}", "答复期限 {when}"],
  unknownTitle: ["A listing on its way", "资源信息尚未到达"], notHere: ["The listing has not reached this center yet.", "该资源信息尚未到达本中心。"],
  rules: ["Rules", "规则版本"],

  dealsNote: ["Contracts with a party at this center, and where their money stands.", "本中心当事人参与的合同及其资金状况。"],
  noDeals: ["No deals yet", "暂无交易"], noDealsText: ["A deal opens when the other side accepts an interest.", "对方接受意向后即开立交易。"],
  buyer: ["Buyer", "买方"], seller: ["Seller", "卖方"], contract: ["Contract", "合同"], total: ["Total", "总额"], opened: ["Opened", "开立时间"],
  milestones: ["Milestones", "里程碑"], milestone: ["Milestone {n}", "第{n}个里程碑"], money: ["Money", "资金"], account: ["Account", "账户"],
  balance: ["Balance", "余额"], reserved: ["of which reserved", "其中冻结"], people: ["Who did what", "经办与复核"], steps: ["What happened", "全程轨迹"],
  notices: ["{n} notices were delivered.", "已送达 {n} 条通知。", "{n} notice was delivered."], noTerms: ["Terms have not been proposed yet.", "尚未提出合同条款。"], noMoney: ["No money has moved at this center yet.", "本中心尚无资金变动。"],
  moneyNote: ["As this center's ledger has it. A deal's money at the other center is its own affair.", "以本中心账本为准；对方中心的账户由其自行记录。"],
  ours: ["this center", "本中心"], traceOf: ["Trace", "链路"], evidence: ["Evidence", "交付凭证"], sha: ["Contract hash", "合同哈希"],
  maker: ["maker", "经办人"], checker: ["checker", "复核人"], next: ["Next", "下一步"], interest: ["Interest", "意向"],

  traceNote: ["One story across services and centers, from what each center shares.", "跨服务、跨中心的一条全程轨迹，以各中心共享的跨度为准。"],
  traceAsk: ["Which story?", "查看哪一条链路？"], traceAskText: ["Open a deal and follow its trace, or paste the id of a deal, a listing or a trace.", "可从交易进入其链路，或粘贴交易、资源或链路编号。"],
  traceId: ["Id of a deal, listing or trace", "交易、资源或链路编号"], show: ["Show", "查看"],
  spans: ["{n} spans", "{n} 个跨度", "{n} span"], services: ["{n} services", "{n} 个服务", "{n} service"], errors: ["{n} errors", "{n} 个错误", "{n} error"],
  silent: ["{center} shares no spans.", "{center}未共享跨度。"], bystanders: ["{n} spans of {center} only follow what everybody may know; they are left out.", "{center}的 {n} 个跨度仅为公开信息同步，未予显示。"],
  fold: ["Own scale for each chapter", "各段独立刻度"], reads: ["Reads ({n})", "查询（{n}）"], operations: ["{n} operations", "{n} 项操作"], idle: ["{time} idle", "空闲 {time}"],
  topic: ["Topic", "主题"], group: ["Group", "消费组"], partition: ["Partition", "分区"], offset: ["Offset", "位点"], event_type: ["Event", "事件"],
  event_id: ["Event id", "事件编号"], conversation_id: ["Conversation", "会话"], subject: ["Subject", "主体"], error: ["Error", "错误"], span_id: ["Span", "跨度"], trace_id: ["Trace", "链路"],
  partial: ["The first {n} of {total} spans.", "显示前 {n} 个跨度，共 {total} 个。"], service: ["Service", "服务"], began: ["Began", "开始时间"],

  inboxNote: ["What you subscribed to: unread first.", "您订阅的通知，未读在前。"], unread: ["unread", "未读"], markRead: ["Mark as read", "标为已读"],
  noNotices: ["Nothing here", "没有通知"], noNoticesText: ["Subscribe to a kind, a center or a deal, and its notices arrive here.", "订阅类别、中心或交易后，相关通知会显示在这里。"],
};

const TABLES = {
  kind: {
    technology: ["technology", "技术成果"], demand: ["demand", "技术需求"], service: ["service", "科技服务"], capital: ["capital", "科技金融产品"],
    expert: ["expert", "专家"], facility: ["facility", "载体平台"], policy: ["policy", "政策"], programme: ["programme", "项目计划"], experience: ["transfer case", "转化案例"],
  },
  status: {
    draft: ["draft", "草稿"], submitted: ["submitted", "已提交"], published: ["published", "已发布"], reserved: ["reserved", "已预留"],
    transacted: ["transacted", "已成交"], withdrawn: ["withdrawn", "已撤回"], open: ["open", "有效"], closed: ["closed", "已关闭"], changed: ["listing changed", "资源已更新"],
  },
  interest: { open: ["waiting for an answer", "待答复"], accepted: ["accepted", "已接受"], declined: ["declined", "已婉拒"] },
  price: {
    negotiable: ["negotiable", "面议"], lump_sum: ["lump sum", "一次性支付"], instalments: ["instalments", "分期支付"], royalty: ["royalty", "提成支付"],
    upfront_royalty: ["up-front and royalty", "入门费加提成"], equity: ["equity", "作价入股"],
  },
  mode: {
    assignment: ["assignment", "转让"], licence_exclusive: ["exclusive licence", "独占许可"], licence_sole: ["sole licence", "排他许可"], licence_plain: ["plain licence", "普通许可"],
    joint_development: ["joint development", "合作开发"], equity: ["equity", "作价入股"], service: ["service", "技术服务"],
  },
  livelihood: {
    environment: ["environment", "环境"], health: ["health", "健康"], poverty_relief: ["poverty relief", "乡村帮扶"], public_security: ["public security", "公共安全"],
    agriculture: ["agriculture", "农业"], energy: ["energy", "能源"], manufacturing: ["manufacturing", "制造"], information: ["information", "信息"], materials: ["materials", "材料"], marine: ["marine", "海洋"],
  },
  component: {
    lexical: ["words", "词义"], taxonomy: ["classification", "分类"], fit: ["fit", "条件契合"], freshness: ["freshness", "新鲜度"],
    translated: ["translation", "跨语言"], responsiveness: ["responsiveness", "响应度"],
  },
  filter: {
    published: ["both published", "双方均已发布"], kind: ["right kind for the need", "类别符合需求"], tier: ["public on both sides", "双方均为公开"],
    parties: ["different organisations", "不同机构"], deadline: ["deadlines not passed", "均未截止"], trl: ["ready enough", "成熟度达标"], price: ["within the budget", "价格在预算内"],
    ticket: ["amount fits the product", "额度相符"],
  },
  shared: { ipc: ["IPC", "IPC 分类"], livelihood: ["Field", "领域"], industry: ["Industry", "行业"] },
  deal: {
    opened: ["opened", "已开立"], reserved: ["listing reserved", "资源已预留"], proposed: ["terms proposed", "条款已提出"], agreed: ["terms agreed", "条款已确认"],
    funded: ["money in escrow", "资金已托管"], completed: ["completed", "已完成"], cancelled: ["cancelled", "已取消"],
  },
  milestone: {
    pending: ["not delivered", "待交付"], delivered: ["delivered", "已交付"], accepted: ["accepted", "已验收"], releasing: ["being paid", "放款中"], paid: ["paid", "已支付"],
    refund_requested: ["refund requested", "已申请退款"], refunded: ["refunded", "已退款"],
  },
  contract: {
    development: ["technology development", "技术开发合同"], transfer: ["technology transfer", "技术转让合同"], licence: ["technology licence", "技术许可合同"],
    consulting: ["technical consulting", "技术咨询合同"], service: ["technical service", "技术服务合同"],
  },
  account: {
    bank: ["Bank account", "银行账户"], held: ["Held for the deal", "交易托管资金"], ms: ["Held for milestone {n}", "第{n}个里程碑托管资金"], disputed: ["In dispute", "争议资金"],
    payable: ["Owed to the party", "应付当事人"], clr: ["Clearing with {center}", "与{center}的清算往来"], inflight: ["On its way through the bank", "出款在途"],
    stl: ["Settlement with {center}", "与{center}的结算"], cover: ["Cover of {center}", "{center}的备付"], pool: ["Fund pool", "资金池"], fee: ["Fees", "服务费"], tax: ["Tax", "税金"], suspense: ["Suspense", "暂记"],
  },
  transfer: {
    prepared: ["prepared", "已准备"], cancelling: ["asked to cancel", "已请求取消"], fulfilled: ["taken", "已同意接收"], rejected: ["rejected", "已拒绝"],
    cancelled: ["cancelled", "已取消"], posted: ["posted", "已入账"], voided: ["voided", "已作废"],
  },
  step: {
    row: ["import of a listing", "导入资源"], submission: ["submit a listing", "提交资源"], publication: ["publish a listing", "发布资源"],
    interests: ["express interest", "表达意向"], "interest-acceptance": ["accept the interest", "接受意向"], decline: ["decline the interest", "婉拒意向"],
    terms: ["propose terms", "提出条款"], agreement: ["agree to the terms", "确认条款"], funding: ["record the buyer's payment", "登记资金到账"], delivery: ["deliver", "交付"],
    acceptance: ["accept the delivery", "验收"], release: ["approve the release", "复核放款"], "refund-request": ["request a refund", "申请退款"], refund: ["approve the refund", "复核退款"],
  },
};
