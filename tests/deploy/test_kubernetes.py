"""The manifests are what Kubernetes takes, and hang together with the worker and with each other."""

from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import msgspec
import pytest
import yaml

from app.config import load_config
from tests.deploy.exposed import DEPLOY

FOLDER: Final = DEPLOY / "kubernetes"
VERSIONS: Final = ("1.29.0", "1.37.0")  # the oldest that is meant, and the newest whose schemas there are
OTHERS: Final = {"Kustomization", "ServiceMonitor"}  # kinds that Kubernetes itself does not know


def manifests(file: Path) -> list[dict[str, Any]]:
    """All documents of a file."""
    return [one for one in yaml.safe_load_all(file.read_text()) if one is not None]


ALL: Final = [one for file in sorted(FOLDER.glob("*.yaml")) for one in manifests(file)]


def the(kind: str) -> dict[str, Any]:
    """Give the one manifest of a kind."""
    (found,) = [one for one in ALL if one["kind"] == kind]
    return found


def worker() -> dict[str, Any]:
    """Give the worker's pod."""
    found: dict[str, Any] = the("Deployment")["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "manifest", [one for one in ALL if one["kind"] not in OTHERS], ids=lambda one: one["kind"]
)
def test_kubernetes_takes_a_manifest(manifest: dict[str, Any], version: str) -> None:
    """By its own schemas, which refuse members they do not know."""
    kubernetes_validate.validate(manifest, version, strict=True)


def test_a_planted_mistake_is_found() -> None:
    """So that the test above says something."""
    planted = {**the("PodDisruptionBudget"), "spec": {"maxUnavailabel": 1}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(planted, VERSIONS[-1], strict=True)


class _Metadata(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    labels: dict[str, str]


class _Endpoint(msgspec.Struct, forbid_unknown_fields=True):
    port: str
    path: str
    interval: str
    scrapeTimeout: str  # noqa: N815  # Kubernetes' name


class _Selector(msgspec.Struct, forbid_unknown_fields=True):
    matchLabels: dict[str, str]  # noqa: N815  # as above


class _Spec(msgspec.Struct, forbid_unknown_fields=True):
    selector: _Selector
    endpoints: list[_Endpoint]


class _ServiceMonitor(msgspec.Struct, forbid_unknown_fields=True):
    apiVersion: str  # noqa: N815  # as above
    kind: str
    metadata: _Metadata
    spec: _Spec


def test_the_service_monitor_is_one_and_finds_the_service() -> None:
    """No package brings the operator's schema: these members of its API are held against types of our own."""
    monitor = msgspec.convert(the("ServiceMonitor"), _ServiceMonitor)
    service = the("Service")

    assert monitor.apiVersion == "monitoring.coreos.com/v1"
    assert monitor.spec.selector.matchLabels.items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor.spec.endpoints
    assert endpoint.path == "/metrics"
    assert endpoint.port in [port["name"] for port in service["spec"]["ports"]]


def test_a_kustomization_names_files_that_are_there() -> None:
    """All of them but the secret, which is made from outside."""
    files = {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}

    assert set(the("Kustomization")["resources"]) == files


def test_selectors_find_the_worker() -> None:
    """Deployment, service, disruption budget and network policy mean the same pods, by the same port."""
    labels = the("Deployment")["spec"]["template"]["metadata"]["labels"]
    (container,) = worker()["containers"]
    (port,) = container["ports"]

    assert the("Deployment")["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert the("Service")["spec"]["selector"].items() <= labels.items()
    assert the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert the("NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert the("Service")["spec"]["ports"][0]["targetPort"] == port["name"]
    assert the("NetworkPolicy")["spec"]["ingress"][0]["ports"] == [{"port": port["name"]}]
    assert str(port["containerPort"]) == the("ConfigMap")["data"]["SLUICEGATE_METRICS_PORT"]


def test_the_worker_understands_its_environment() -> None:
    """Every variable is a setting, and what they say together is a configuration."""
    (container,) = worker()["containers"]
    assert container["envFrom"] == [{"configMapRef": {"name": the("ConfigMap")["metadata"]["name"]}}]
    (name,) = container["env"]
    assert name["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    environment = {**the("ConfigMap")["data"], name["name"]: "sluicegate-worker-5d4f-x2x"}

    config = load_config(None, environment, {})

    assert config.worker_name == "sluicegate-worker-5d4f-x2x"
    assert config.redis_user == "sluicegate-worker"
    assert config.metrics_host == "0.0.0.0"  # noqa: S104  # the pod's own address
    settings = {f"SLUICEGATE_{name.upper()}" for name in config.__struct_fields__}
    assert set(environment) <= settings


def test_the_password_is_where_the_worker_reads_it() -> None:
    """A file from the secret, and in no variable."""
    pod, secret = worker(), the("Secret")
    (volume,) = pod["volumes"]
    (mount,) = pod["containers"][0]["volumeMounts"]

    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert volume["secret"]["defaultMode"] == 0o440
    assert mount["name"] == volume["name"]
    (file,) = secret["stringData"]
    assert the("ConfigMap")["data"]["SLUICEGATE_REDIS_PASSWORD_FILE"] == f"{mount['mountPath']}/{file}"


def test_probes_ask_for_health() -> None:
    """Liveness does not go by the server: whoever is ended because it is away comes back to none."""
    (container,) = worker()["containers"]
    paths = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}

    assert paths == {
        "startupProbe": {"path": "/healthz", "port": "metrics"},
        "livenessProbe": {"path": "/healthz", "port": "metrics"},
        "readinessProbe": {"path": "/readyz", "port": "metrics"},
    }


def test_a_worker_has_time_to_let_go() -> None:
    """More than four times the longest that it waits for an answer of a server that hangs."""
    assert worker()["terminationGracePeriodSeconds"] > 4 * 10


def test_a_pod_keeps_to_the_restricted_standard() -> None:
    """Pod Security Standards, "restricted": each of its rules that concerns such a pod."""
    pod = worker()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all("secret" in volume for volume in pod["volumes"])
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert "privileged" not in context
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
