"""What the rules of listings say no with."""

from shared.errors import Refused


class IllegalMove(Refused):
    """The lifecycle has no such step."""

    rule = "illegal-move"
    en = "A listing that is {status} can't become {target}."
    zh = "状态为 {status} 的挂牌信息不能变为 {target}。"


class NotEditable(Refused):
    """Reserved, transacted and withdrawn listings stay as they are."""

    rule = "not-editable"
    en = "A listing that is {status} can't be changed; make a new one."
    zh = "状态为 {status} 的挂牌信息不能修改，请新建。"


class PublishedNeedsOfficer(Refused):
    """What the alliance reads was approved by an officer, so an officer changes it."""

    rule = "published-needs-officer"
    status = 403
    en = "A published listing is changed by an officer of the center."
    zh = "已发布的挂牌信息须由本中心业务员修改。"


class OfficerNeeded(Refused):
    """Publishing is an officer's decision."""

    rule = "officer-needed"
    status = 403
    en = "Only an officer of the center publishes."
    zh = "只有本中心业务员可以发布。"


class Fixed(Refused):
    """Kind, organisation and, once published, the public tier belong to a listing's identity."""

    rule = "fixed-field"
    en = "{field} of this listing can't be changed any more; withdraw it and make a new one."
    zh = "该挂牌信息的 {field} 不能再修改，请撤回后新建。"


class TitleMissing(Refused):
    """A listing without a title can't be shown."""

    rule = "title-missing"
    status = 422
    en = "A listing needs a title in Chinese, English or both."
    zh = "挂牌信息必须有中文或英文标题。"


class Incomplete(Refused):
    """Reviewers and matching need something to read."""

    rule = "incomplete"
    status = 422
    en = "A {kind} needs at least one of these texts before it is submitted: {fields}."
    zh = "提交 {kind} 之前，以下文本至少填写一项：{fields}。"


class TooLong(Refused):
    """All texts together must fit into one announcement."""

    rule = "too-long"
    status = 422
    en = "The listing has {size} bytes; at most {limit} can be announced."
    zh = "该挂牌信息共 {size} 字节，最多可发布 {limit} 字节。"


class BadPrice(Refused):
    """Ranges run upwards, currencies are those the alliance accounts in."""

    rule = "bad-price"
    status = 422
    en = "The price is not valid: {problem}."
    zh = "价格无效：{problem}。"


class BadDetails(Refused):
    """A field of `details` that this kind defines holds something else."""

    rule = "bad-details"
    status = 422
    en = "details.{field} of a {kind} is not valid: {problem}."
    zh = "{kind} 的 details.{field} 无效：{problem}。"


class NotForThisKind(Refused):
    """A field of another kind was filled in."""

    rule = "not-for-this-kind"
    status = 422
    en = "A {kind} has no {field}."
    zh = "{kind} 没有 {field} 字段。"


class ReasonMissing(Refused):
    """Who withdraws says why."""

    rule = "reason-missing"
    status = 422
    en = "A withdrawal needs a reason."
    zh = "撤回必须说明理由。"


class UnknownListing(Refused):
    """Not here, or not for other centers' eyes."""

    rule = "unknown-listing"
    status = 404
    en = "There is no such listing here."
    zh = "本中心没有该挂牌信息。"


class NotOffered(Refused):
    """Only a published listing can be reserved."""

    rule = "not-offered"
    en = "The listing is {status}, not published."
    zh = "该挂牌信息状态为 {status}，并非已发布。"


class HeldForAnother(Refused):
    """One deal at a time."""

    rule = "held-for-another-deal"
    en = "The listing is held for another deal."
    zh = "该挂牌信息已为另一笔交易保留。"


class WrongSeller(Refused):
    """The deal names a seller who does not own the listing."""

    rule = "wrong-seller"
    en = "The listing does not belong to the seller the deal names."
    zh = "该挂牌信息不属于交易中所列的出让方。"


class SpeaksForAnother(Refused):
    """A center announces only what is its own."""

    rule = "speaks-for-another"
    status = 403
    en = "{speaker} announced what only {center} may announce."
    zh = "{speaker} 发布了只有 {center} 才能发布的内容。"


class NotHeld(Refused):
    """Only the deal that holds a listing ends its reservation, by the word of its home."""

    rule = "not-held"
    en = "The deal {deal} holds no listing here."
    zh = "交易 {deal} 在本中心没有保留任何挂牌信息。"


class NotReadable(Refused):
    """A file that is no text, or a CSV without headings."""

    rule = "not-readable"
    status = 422
    en = "The file can't be read: {problem}."
    zh = "无法读取文件：{problem}。"


class NotARow(Refused):
    """A line that is no JSON object, or broken CSV."""

    rule = "not-a-row"
    status = 422
    en = "This line is not a row: {problem}."
    zh = "此行不是有效的记录：{problem}。"


class ExternalIdMissing(Refused):
    """Without the sender's own id a second import could not tell what it already sent."""

    rule = "external-id-missing"
    status = 422
    en = "A row needs an external_id of at most {limit} characters."
    zh = "每行必须有 external_id（外部编号），最多 {limit} 个字符。"


class WrongCenter(Refused):
    """The row is meant for another center."""

    rule = "wrong-center"
    status = 422
    en = "The row is for the center {named}; this is {center}."
    zh = "该行属于中心 {named}，而本中心是 {center}。"


class UnknownKind(Refused):
    """Writers use the kinds this center lists; readers keep any."""

    rule = "unknown-kind"
    status = 422
    en = "{kind} is not a kind this center registers: {known}."
    zh = "本中心不登记类别 {kind}，可用类别：{known}。"


class InvalidField(Refused):
    """A field does not have the form it must have."""

    rule = "invalid-field"
    status = 422
    en = "{field} is not valid: {problem}."
    zh = "字段 {field} 无效：{problem}。"


class UnknownOrganisation(Refused):
    """Organisations come before their listings."""

    rule = "unknown-organisation"
    status = 422
    en = "There is no organisation {organisation} at this center; register it first, or send its row before this one."
    zh = "本中心没有机构 {organisation}，请先登记，或在此行之前发送该机构的记录。"


class TooManyRows(Refused):
    """One request is one transaction; larger files are sent in parts."""

    rule = "too-many-rows"
    status = 413
    en = "At most {limit} rows fit into one request; send the file in parts (`ctta import` does)."
    zh = "每次请求最多 {limit} 行，请分批发送（`ctta import` 会自动分批）。"
