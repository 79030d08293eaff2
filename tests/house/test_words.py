"""The tree is fit to be published: no machine's paths, no package registry's address, links that lead somewhere."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")

# Written in pieces, so that this file does not hold what it looks for.
REGISTRIES = re.compile(
    "|".join(
        re.escape(first + "." + last)
        for first, last in [
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("proxy.golang", "org"),
            ("repo1.maven", "org"),
            ("repo.maven.apache", "org"),
            ("registry-1.docker", "io"),
            ("crates", "io"),
            ("aliyun", "com"),
            ("tsinghua.edu", "cn"),
            ("ustc.edu", "cn"),
            ("npmmirror", "com"),
        ]
    )
    + r"|--(extra-)?index-url[ =]\S*:/"
)
MACHINE_PATHS = re.compile(r"(?:^|[\s\"'`=(:,])/(" + "|".join(["work", "root", "ho" + "me", "Users"]) + r")/[\w.]")


def _files() -> list[Path]:
    """Everything that git keeps."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def _lines(files: list[Path]) -> Iterator[tuple[str, str]]:
    """Each line of each text file with its place, `path:number`."""
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def _markdown() -> list[Path]:
    return [path for path in _files() if path.suffix == ".md"]


@pytest.mark.parametrize("words", [REGISTRIES, MACHINE_PATHS], ids=["registries", "machine-paths"])
def test_nothing_names_a_registry_or_a_machine(words: re.Pattern[str]) -> None:
    assert [f"{place}: {found.group()}" for place, line in _lines(_files()) if (found := words.search(line))] == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert REGISTRIES.search("https://files.python" + "hosted.org/packages")
    assert REGISTRIES.search("--index-" + "url https://mirror.example/simple")
    assert MACHINE_PATHS.search("cd /wo" + "rk/checkout")
    assert not MACHINE_PATHS.search("pages/home/index.html and services/" + "work" + "/x and ~/root/x")


def test_pins_carry_hashes_and_no_address() -> None:
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text()
        assert "://" not in text
        pinned = re.findall(r"^[\w.-]+==.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)+", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^\S", text, re.MULTILINE)) - len(re.findall(r"^#", text, re.MULTILINE))


def test_links_in_documents_lead_somewhere() -> None:
    broken = []
    for path in _markdown():
        for match in LINK.finditer(path.read_text(encoding="utf-8")):
            target = (match.group(1) or match.group(2)).split("#")[0]
            here = target and "://" not in target and not target.startswith("mailto:")
            if here and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_the_list_of_decisions_is_complete() -> None:
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"^\| \[(\d{4})\]\((\1-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text(), re.MULTILINE)
    assert sorted(name for _, name in listed) == sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert len({number for number, _ in listed}) == len(listed)


def test_both_readmes_have_the_same_shape() -> None:
    """Same number of sections, tables, code blocks and links, in the same order: neither language lags behind."""

    def shape(name: str) -> list[str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        marks = re.findall(r"^(#{1,3}) |^(```)|^(\|)|\]\(([^)#]+)", text, re.MULTILINE)
        found = [next(filter(None, mark)) for mark in marks if not mark[3].startswith("README")]
        return [mark.replace("-zh.", "-en.") for mark in found]  # the same picture, each in its language

    assert shape("README.md") == shape("README.zh-CN.md")
