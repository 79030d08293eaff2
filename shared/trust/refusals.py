"""Why trust says no: each reason is a class with a rule's name and a sentence in zh and en.

`Untrusted` is refused at the door and counted by `rule`; it can never park a key. Everything else is for an operator
(files, directory) or for the runner (a sealed body that is authentic and cannot be opened).
"""

from __future__ import annotations

from typing import ClassVar


class TrustError(Exception):
    """A refusal. `facts` fill the sentence; they hold ids and paths only, never bodies or keys."""

    rule: ClassVar[str] = "trust"
    zh: ClassVar[str] = "信任检查未通过。"
    en: ClassVar[str] = "A check of trust failed."

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.say("en"))

    def say(self, lang: str) -> str:
        """The sentence in `lang`: any tag that begins with zh gives Chinese, everything else English."""
        template = self.zh if lang.lower().startswith("zh") else self.en
        return template.format_map(self.facts)


# --- records: refused at the door ---------------------------------------------------------------------------------


class Untrusted(TrustError):
    """A record whose speaker is not proven. If you hit this, the record is dropped and counted."""

    rule = "untrusted"


class Unsigned(Untrusted):
    """No `ce_signature`, or not of the form `<center>/<service>/<n>:<base64url>`."""

    rule = "record.unsigned"
    zh = "主题 {topic} 上的记录没有签名或签名格式不正确。"
    en = "The record on {topic} carries no signature, or one that is not well formed."


class ForeignCenter(Untrusted):
    """Key, `ce_source` and topic do not name the same center and service."""

    rule = "record.foreign_center"
    zh = "密钥 {kid} 不能以 {source} 的名义在主题 {topic} 上发言。"
    en = "Key {kid} may not speak as {source} on {topic}."


class UnknownKey(Untrusted):
    """The directory at hand does not list the key for signing, or names an algorithm unknown here.

    The one refusal here that time can heal: a new key's directory entry may still be on its way.
    """

    rule = "record.unknown_key"
    zh = "联盟目录中没有可用于验签的密钥 {kid}。"
    en = "The directory lists no key {kid} that can verify signatures here."


class BadSignature(Untrusted):
    """The signature is not the key's over this topic, key, headers and body."""

    rule = "record.bad_signature"
    zh = "密钥 {kid} 的签名与主题 {topic} 上的记录不符。"
    en = "The signature of {kid} does not fit the record on {topic}."


class KeyExpired(Untrusted):
    """`ce_time` is missing, unreadable, in the future, or outside the key's validity."""

    rule = "record.key_expired"
    zh = "密钥 {kid} 在 {time} 时不在有效期内。"
    en = "Key {kid} was not valid at {time}."


class KeyRevoked(Untrusted):
    """The key is revoked and the record lies beyond the last valid sequence of its topic."""

    rule = "record.key_revoked"
    zh = "密钥 {kid} 已被吊销，主题 {topic} 上序号 {sequence} 的记录不再有效。"
    en = "Key {kid} is revoked: sequence {sequence} on {topic} is beyond the last valid one."


class SealMismatch(Untrusted):
    """A sealed body inside an envelope it was not sealed for: somebody passes another's ciphertext as his own."""

    rule = "seal.mismatch"
    zh = "密封内容的 {field} 与外层信封不一致。"
    en = "The sealed body was made for another envelope: its {field} differs."


# --- sealed bodies: authentic, but not to be opened here ------------------------------------------------------------


class NotForUs(TrustError):
    """No recipient of the sealed body is a key held here."""

    rule = "seal.not_for_us"
    zh = "密封内容不是发给本中心所持密钥的（收件密钥：{kids}）。"
    en = "The body is sealed to none of the keys held here (sealed to: {kids})."


class SealBroken(TrustError):
    """The token is not a JWE of ours, or its ciphertext does not decrypt."""

    rule = "seal.broken"
    zh = "密封内容已损坏，无法打开：{why}。"
    en = "The sealed body is damaged and cannot be opened: {why}."


class NoSealKey(TrustError):
    """The directory lists no seal key of the center that is valid now."""

    rule = "seal.no_key"
    zh = "联盟目录中没有中心 {center} 当前有效的密封密钥，请该中心先发布。"
    en = "The directory lists no seal key of {center} that is valid now; that center has to publish one first."


# --- directory ------------------------------------------------------------------------------------------------------


class DirectoryRefused(TrustError):
    """A version of a center's entry that readers must not take."""

    rule = "directory.refused"


class EntryBroken(DirectoryRefused):
    """The entry is not of the shape that `entries.py` asks for."""

    rule = "directory.entry_broken"
    zh = "目录条目格式不正确：{why}。"
    en = "The directory entry is not well formed: {why}."


class HubSignatureMissing(DirectoryRefused):
    """A version needs the signature of each pinned hub's root key."""

    rule = "directory.hub_signature_missing"
    zh = "中心 {center} 第 {version} 版条目缺少枢纽中心 {hub} 的根密钥签名。"
    en = "Version {version} of {center} lacks the signature of hub {hub}'s root key."


class CenterSignatureMissing(DirectoryRefused):
    """From version 2 on the center's previous root key signs too."""

    rule = "directory.center_signature_missing"
    zh = "中心 {center} 第 {version} 版条目缺少该中心原有根密钥的签名。"
    en = "Version {version} of {center} lacks the signature of the center's previous root key."


class ChainBroken(DirectoryRefused):
    """`previous` is not the SHA-256 of the version before."""

    rule = "directory.chain_broken"
    zh = "中心 {center} 第 {version} 版条目没有接续上一版。"
    en = "Version {version} of {center} does not follow from the version before."


class KeyForgotten(DirectoryRefused):
    """A listed key was dropped or altered, or a revocation was withdrawn or widened."""

    rule = "directory.key_forgotten"
    zh = "中心 {center} 第 {version} 版条目删除或改动了密钥或吊销记录 {kid}；旧密钥须保留在册。"
    en = "Version {version} of {center} drops or alters key or revocation {kid}; old keys stay listed."


class HubNotPinned(DirectoryRefused):
    """Only a center whose root key is pinned may call itself a hub, and a pinned one has to."""

    rule = "directory.hub_not_pinned"
    zh = "中心 {center} 的角色 {role} 与固定的枢纽根密钥文件不符。"
    en = "{center} calls itself {role}, which the pinned hub root keys contradict."


class DirectoryConflict(DirectoryRefused):
    """Both hubs signed two different contents under one version. Shown to operators, never resolved by a machine."""

    rule = "directory.conflict"
    zh = "中心 {center} 第 {version} 版出现两份内容不同但签名齐全的条目，请联系两个枢纽中心。"
    en = "Two differing, fully signed entries exist for version {version} of {center}: ask both hubs."


# --- files ----------------------------------------------------------------------------------------------------------


class TrustFileMissing(TrustError):
    """A file of the trust folder is absent."""

    rule = "trust_file.missing"
    zh = "缺少信任文件 {path}：请从本中心的密钥保管处取回；开发环境请先运行 ctta up 生成开发联盟。"
    en = "Trust file {path} is missing: restore it from the center's key custody; for development, run ctta up first."


class TrustFileUnreadable(TrustError):
    """A file of the trust folder exists and cannot be read or written by this user."""

    rule = "trust_file.unreadable"
    zh = "无法读写信任文件 {path}（{why}）：请检查所有者、权限和磁盘空间。"
    en = "Trust file {path} cannot be read or written ({why}): check its owner, its mode and the disk."


class TrustFileBroken(TrustError):
    """A file of the trust folder is not what it should be."""

    rule = "trust_file.broken"
    zh = "信任文件 {path} 内容不正确（{why}）：请从备份恢复，切勿手工修改。"
    en = "Trust file {path} is not well formed ({why}): restore it from a backup, do not edit it by hand."


class KeyNotListed(TrustError):
    """The private key in the file is not the public key that the directory lists under its kid."""

    rule = "trust_file.key_not_listed"
    zh = "{path} 中的密钥 {kid} 与联盟目录登记的不一致：请更新目录或换回原密钥文件。"
    en = "Key {kid} in {path} is not the one the directory lists: update the directory or restore the key file."


class TwoHubsNeeded(TrustError):
    """An alliance is created with exactly two hubs (the 2 of 2 + n)."""

    rule = "alliance.two_hubs"
    zh = "创建联盟需要恰好两个枢纽中心，现有：{hubs}。"
    en = "An alliance is created with exactly two hubs; given: {hubs}."
