"""Containers of a test, confined as a pod is, on the container engine that answers."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFINED = ["--read-only", "--tmpfs=/tmp", "--tmpfs=/var/lib/ctta:uid=10001", "--cap-drop=ALL"]
CONFINED += ["--security-opt=no-new-privileges"]


def docker(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """One command of the engine's client; at most 570 seconds."""
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}  # the old builder needs no frontend image and no plugin
    return subprocess.run(["docker", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=570)


def run(image: str, *arguments: str, entrypoint: str = "ctta") -> subprocess.CompletedProcess[str]:
    """One command in a container without a network."""
    return docker("run", "--rm", *CONFINED, "--network=none", f"--entrypoint={entrypoint}", image, *arguments)
