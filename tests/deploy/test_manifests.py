"""What `deploy/` says is valid, safe, and in step with the settings, the services and the trust folder of the code."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from shared.settings import Settings
from shared.trust.keys import key_path

Manifest = dict[str, Any]

DEPLOY = Path(__file__).parents[2] / "deploy"
OVERLAYS = sorted(path.name for path in (DEPLOY / "k8s/overlays").iterdir())
SERVICES = ["escrow", "listing", "matching", "notify"]
SETTINGS = {f"CTTA_{name.upper()}" for name in Settings.model_fields}


def _renderer() -> list[str]:
    if kustomize := shutil.which("kustomize"):
        return [kustomize, "build"]
    kubectl = shutil.which("kubectl")
    if kubectl and subprocess.run([kubectl, "kustomize", "--help"], capture_output=True).returncode == 0:
        return [kubectl, "kustomize"]
    pytest.skip("neither kustomize nor kubectl is on the path")


def _render(folder: str) -> list[Manifest]:
    done = subprocess.run([*_renderer(), str(DEPLOY / "k8s" / folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> list[Manifest]:
    return _render(f"overlays/{request.param}")


def _kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {m["metadata"]["name"]: m for m in manifests if m["kind"] == kind}


def _pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Pod templates by the name of their Deployment or Job."""
    return {name: m["spec"]["template"] for kind in ("Deployment", "Job") for name, m in _kind(manifests, kind).items()}


def _settings(manifests: list[Manifest]) -> dict[str, str]:
    (config,) = _kind(manifests, "ConfigMap").values()
    return dict(config["data"])


@pytest.mark.parametrize("folder", ["base", *(f"overlays/{name}" for name in OVERLAYS)])
def test_every_manifest_passes_the_strict_schema(folder: str) -> None:
    manifests = _render(folder)
    assert len(manifests) > 15
    for manifest in manifests:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_the_strict_schema_refuses_a_misspelt_field(overlay: list[Manifest]) -> None:
    deployment = _kind(overlay, "Deployment")["ctta-escrow"]
    deployment = {**deployment, "spec": {**deployment["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, kubernetes_validate.latest_version(), strict=True)


def test_a_center_is_four_services_and_two_jobs(overlay: list[Manifest]) -> None:
    args = {name: pod["spec"]["containers"][0]["args"] for name, pod in _pods(overlay).items()}
    assert args == {f"ctta-{service}": ["run", service] for service in SERVICES} | {
        "ctta-migrate": ["migrate"],
        "ctta-topics": ["topics", "apply"],
    }


def test_an_overlay_names_its_center(overlay: list[Manifest]) -> None:
    center = _settings(overlay)["CTTA_CENTER"]
    assert {m["metadata"].get("namespace") for m in overlay if m["kind"] != "Namespace"} == {f"ctta-{center}"}


def test_images_have_a_version(overlay: list[Manifest]) -> None:
    for pod in _pods(overlay).values():
        for container in pod["spec"]["containers"]:
            assert re.fullmatch(r".+:\d+\.\d+\.\d+|.+@sha256:[0-9a-f]{64}", container["image"])


def test_pods_are_restricted(overlay: list[Manifest]) -> None:
    """The rules of the Pod Security Standard `restricted`, and a read-only file system."""
    (namespace,) = _kind(overlay, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in _pods(overlay).values():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_services_are_probed_where_they_listen(overlay: list[Manifest]) -> None:
    for deployment in _kind(overlay, "Deployment").values():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["ports"] == [{"name": "http", "containerPort": int(_settings(overlay)["CTTA_HTTP_PORT"])}]
        paths = {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert paths == {
            "startupProbe": {"path": "/live", "port": "http"},
            "livenessProbe": {"path": "/live", "port": "http"},
            "readinessProbe": {"path": "/ready", "port": "http"},
        }


def test_a_pod_may_finish_its_batch(overlay: list[Manifest]) -> None:
    drain_s = float(_settings(overlay)["CTTA_DRAIN_S"])
    for deployment in _kind(overlay, "Deployment").values():
        assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= drain_s + 10


def test_every_setting_is_known(overlay: list[Manifest]) -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    named = set(_settings(overlay)) | set(compose["x-center"]["environment"])
    for pod in _pods(overlay).values():
        named |= {variable["name"] for c in pod["spec"]["containers"] for variable in c.get("env", [])}
    for path in (DEPLOY / "k8s/README.md", DEPLOY.parent / "Dockerfile"):
        named |= set(re.findall(r"\bCTTA_[A-Z_]+\b", path.read_text()))
    assert named <= SETTINGS


def test_settings_have_valid_values(overlay: list[Manifest]) -> None:
    given = {name.removeprefix("CTTA_").lower(): value for name, value in _settings(overlay).items()}
    assert Settings(**given).center == given["center"]  # type: ignore[arg-type]  # text, as the environment gives it


def test_no_secret_has_a_value_here(overlay: list[Manifest]) -> None:
    assert not _kind(overlay, "Secret")
    assert not {name for name in _settings(overlay) if re.search("PASSWORD|POSTGRES|SECRET|TOKEN", name)}


def test_keys_lie_where_the_trust_folder_has_them(overlay: list[Manifest]) -> None:
    settings = _settings(overlay)
    center = settings["CTTA_CENTER"]
    for name, deployment in _kind(overlay, "Deployment").items():
        service = name.removeprefix("ctta-")
        spec = deployment["spec"]["template"]["spec"]
        mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
        assert mounts["trust"] == settings["CTTA_TRUST_DIR"]
        assert mounts["home"] == settings["CTTA_HOME"]
        assert mounts["kafka-ca"] == str(Path(settings["CTTA_KAFKA_CAFILE"]).parent)
        secret = {volume["name"]: volume for volume in spec["volumes"]}["trust"]["projected"]["sources"][1]["secret"]
        assert secret["name"] == f"{name}-keys"
        expected = [str(key_path(Path(), center, which)) for which in (service, "seal")]
        assert [item["path"] for item in secret["items"]] == expected


def test_each_service_has_secrets_of_its_own(overlay: list[Manifest]) -> None:
    for name, deployment in _kind(overlay, "Deployment").items():
        sources = deployment["spec"]["template"]["spec"]["containers"][0]["envFrom"]
        assert [s["secretRef"]["name"] for s in sources if "secretRef" in s] == [name]
        assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == name


def test_selectors_find_their_pods(overlay: list[Manifest]) -> None:
    labels = {name: pod["metadata"]["labels"].items() for name, pod in _pods(overlay).items()}

    def selected(selector: Manifest) -> set[str]:
        assert selector, "an empty selector takes every pod of the namespace"
        return {name for name, has in labels.items() if selector.items() <= has}

    for kind, path in (("Service", ["selector"]), ("PodDisruptionBudget", ["selector", "matchLabels"])):
        found = _kind(overlay, kind)
        assert sorted(found) == [f"ctta-{service}" for service in SERVICES]
        for name, manifest in found.items():
            selector = manifest["spec"]
            for step in path:
                selector = selector[step]
            assert selected(selector) == {name}
    policies = _kind(overlay, "NetworkPolicy")
    assert selected(policies["ctta"]["spec"]["podSelector"]["matchLabels"]) == set(labels)
    assert selected(policies["ctta-webhooks"]["spec"]["podSelector"]["matchLabels"]) == {"ctta-notify"}


def test_the_gateway_leads_to_every_service(overlay: list[Manifest]) -> None:
    (ingress,) = _kind(overlay, "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    backends = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert backends == {f"/{service}": f"ctta-{service}" for service in SERVICES} | {"/": "ctta-notify"}
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
