"""What a deal refuses, and why."""

from shared.errors import Refused


class StepNotPossible(Refused):
    """The step does not fit the state; also what the losers of a race are told."""

    rule = "step-not-possible"
    en = "The step {step} is not possible in state {state}; it needs: {needs}."
    zh = "当前状态为 {state}，不能执行 {step}；需要的状态：{needs}。"


class DealNotFunded(Refused):
    """Milestones move only while the buyer's money is held."""

    rule = "deal-not-funded"
    en = "The deal is {state}; milestones need it to be funded."
    zh = "交易状态为 {state}；须先完成资金托管才能推进里程碑。"


class MakerIsChecker(Refused):
    """Two different people release or refund money."""

    rule = "maker-is-checker"
    status = 403
    en = "The second approval must come from another person than the first."
    zh = "复核人不能与经办人为同一人。"


class ApprovalVoid(Refused):
    """Amount, payee or milestone changed since the first approval."""

    rule = "approval-void"
    en = "The first approval covers another amount, payee or milestone; it must be given again."
    zh = "首次审批所对应的金额、收款方或里程碑已变化，须重新审批。"


class ContractDiffers(Refused):
    """Both sides must name the same document."""

    rule = "contract-differs"
    en = "The contract's hash is not the one proposed."
    zh = "合同哈希与拟定合同不一致。"


class WrongNumbers(Refused):
    """Milestones are numbered 1, 2, 3, ..."""

    rule = "milestone-numbers"
    status = 422
    en = "Number the milestones from 1 without gaps, at most {limit}."
    zh = "里程碑须从 1 起连续编号，最多 {limit} 个。"


class MixedCurrencies(Refused):
    """A contract has one currency."""

    rule = "mixed-currencies"
    status = 422
    en = "A contract has one currency; given: {currencies}."
    zh = "同一合同只能使用一种货币；收到：{currencies}。"


class UnknownCurrency(Refused):
    """The alliance accounts in a list of currencies."""

    rule = "unknown-currency"
    status = 422
    en = "The currency {currency} is not accounted for here."
    zh = "不支持货币 {currency}。"


class WrongCurrency(Refused):
    """Money of another currency than the contract's."""

    rule = "wrong-currency"
    status = 422
    en = "The money is in {given}; the contract is in {expected}."
    zh = "款项货币为 {given}，合同货币为 {expected}。"


class WrongAmount(Refused):
    """Another amount than what is due."""

    rule = "wrong-amount"
    status = 422
    en = "The amount {given} is not what is due: {expected}."
    zh = "金额 {given} 与应付金额 {expected} 不符。"


class BankReferenceUsed(Refused):
    """One bank receipt funds one deal."""

    rule = "bank-reference-used"
    en = "The bank reference {reference} was recorded before."
    zh = "银行流水号 {reference} 已登记过。"


class NotParty(Refused):
    """A center speaks only of its own deals and payments."""

    rule = "not-a-party"
    status = 403
    en = "The center {center} is not the one that decides this of {id}."
    zh = "中心 {center} 无权对 {id} 作出该决定。"
