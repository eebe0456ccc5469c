"""The recipes of docs/deploy: what can be read of them offline agrees with the Dockerfile and the settings."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.app import create_app
from edge.settings import Settings
from scripts.edge_layout import Dockerfile

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "docs" / "deploy"
DOCKERFILE = Dockerfile((ROOT / "Dockerfile").read_text())
PORT = DOCKERFILE.environment()["PORT"]
KNOWN = {"REDIS_URL", "PORT"} | {f"ENDCAP_{field.upper()}" for field in Settings.model_fields}


def names(text: str) -> set[str]:
    """Everything in a text that looks like a variable of ours."""
    return set(re.findall(r"\b(?:ENDCAP_[A-Z_]+|REDIS_URL)\b", text.replace("ENDCAP_SHOPIFY_...", "")))


def paths() -> set[str]:
    """The routes of the app."""
    return {getattr(route, "path", "") for route in create_app(Settings()).routes}


def fly() -> dict[str, Any]:
    """fly.toml."""
    return tomllib.loads((DEPLOY / "fly.toml").read_text())


def cloud_run() -> dict[str, Any]:
    """The one container of cloudrun.yaml."""
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "cloudrun.yaml").read_text())["spec"]["template"]["spec"]
    return read


def compose() -> dict[str, Any]:
    """The services of compose.yaml."""
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services


@pytest.mark.parametrize(
    "path", [*sorted(DEPLOY.iterdir()), ROOT / "docs" / "deploying.md"], ids=lambda path: path.name
)
def test_every_variable_of_a_recipe_is_a_setting(path: Path) -> None:
    """A name that nobody reads would be set for nothing, and not be missed."""
    assert names(path.read_text()) <= KNOWN


def test_every_recipe_is_told_of_and_says_that_it_was_not_run() -> None:
    """In docs/deploying.md, and in its own first lines."""
    page = (ROOT / "docs" / "deploying.md").read_text()
    for path in DEPLOY.iterdir():
        assert f"(deploy/{path.name})" in page
        head = " ".join(path.read_text().splitlines()[:5])
        assert re.search(r"[Nn]ot run|[Nn]ever (run|built)", head), path.name


def test_fly_asks_what_is_there() -> None:
    """Port, probe, image; no more requests at once than the edge answers in full."""
    service = fly()["http_service"]
    assert service["internal_port"] == int(PORT)
    assert {check["path"] for check in service["checks"]} <= paths()
    assert service["concurrency"]["hard_limit"] <= Settings.model_fields["max_in_flight"].default
    assert fly()["build"]["args"]["DATA"] in DOCKERFILE.stages


def test_cloud_run_asks_what_is_there() -> None:
    """Port, probes; as many requests at once as the edge answers in full."""
    (container,) = cloud_run()["containers"]
    assert [port["containerPort"] for port in container["ports"]] == [int(PORT)]
    probes = {container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe")}
    assert probes == {"/readyz", "/healthz"}
    assert probes <= paths()
    assert cloud_run()["containerConcurrency"] <= Settings.model_fields["max_in_flight"].default
    assert "PORT" not in {one["name"] for one in container["env"]}, "the platform sets it"


def test_compose_starts_the_modules_there_are() -> None:
    """The edge reads what the sync writes; both without rights; only loopback is opened."""
    services = compose()
    for name in ("edge", "bundles"):
        module = services[name]["command"][-1].replace(".", "/")
        assert (ROOT / f"{module}.py").exists() or (ROOT / module / "__main__.py").exists()
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    assert services["edge"]["volumes"] == ["data:/data:ro"]
    assert services["edge"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert "objects" in services["edge"]["build"]["args"]["EXTRAS"]


def test_lambda_forwards_to_the_edges_port() -> None:
    """And asks it whether it is ready; nothing is put off until after an answer."""
    recipe = Dockerfile((DEPLOY / "lambda.Dockerfile").read_text())
    told = recipe.environment("${EDGE}")
    assert told["AWS_LWA_PORT"] == PORT
    assert told["AWS_LWA_READINESS_CHECK_PATH"] in paths()
    assert told["ENDCAP_SHADOW_PERCENT"] == "0"


def test_the_unit_starts_the_environment_that_the_page_installs() -> None:
    """With demo mode off, and data that it cannot change."""
    unit = (DEPLOY / "endcap-edge.service").read_text()
    settings = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))
    assert settings["ExecStart"].startswith("/opt/endcap/bin/python -m edge")
    told = dict(pair.split("=", 1) for pair in shlex.split(settings["Environment"]))
    assert told["ENDCAP_DEMO"] == "0"
    assert settings["ReadOnlyPaths"] == told["ENDCAP_DATA_DIR"]
    assert "scripts/install-edge /opt/endcap" in (ROOT / "docs" / "deploying.md").read_text()


def test_cloudflares_containers_build_this_image() -> None:
    """The Dockerfile at the top, whose port the class of wrangler.toml asks."""
    containers = tomllib.loads((ROOT / "wrangler.toml").read_text())["env"]["containers"]["containers"]
    assert [one["image"] for one in containers] == ["./Dockerfile"]
    assert [one["image_vars"]["DATA"] for one in containers] == ["baked"], "there are no volumes"
    script = (ROOT / "edge" / "container.js").read_text()
    assert f"const PORT = {PORT};" in script
    assert names(script) <= KNOWN
