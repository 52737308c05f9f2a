"""What the files for containers and for Render promise."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from engine_app.cli.program import app
from engine_app.embedded.processes import PROJECT
from engine_app.settings import Settings, WorkerSettings, load

SETTINGS = {name.upper() for name in WorkerSettings.model_fields} | {"ENV_FILE"}
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
RENDER: dict[str, Any] = yaml.safe_load((PROJECT / "render.yaml").read_text())
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
ENGINE = ("localnet", "migrate", "worker", "web")


def service(name: str) -> dict[str, Any]:
    return next(dict(found) for found in RENDER["services"] if found["name"] == f"order-engine-{name}")


def given(name: str) -> dict[str, dict[str, Any]]:
    return {variable["key"]: variable for variable in service(name)["envVars"]}


def test_only_the_worker_is_given_the_mnemonic() -> None:
    for secret, owner in (("WALLET_MNEMONIC", "worker"), ("JWT_SECRET", "web")):
        holders = {name for name, part in COMPOSE.items() if _is_given(part, secret)}
        assert holders == {owner}
    assert "WALLET_MNEMONIC" in given("worker")
    assert "WALLET_MNEMONIC" not in given("web") | given("health")


def _is_given(part: dict[str, Any], name: str) -> bool:
    """Whether a service of compose gets a variable that the file of settings holds, too."""
    return bool(part.get("environment", {}).get(name, "env_file" in part))


def test_an_empty_secret_of_another_part_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for part, settings in (("web", Settings), ("worker", WorkerSettings)):
        for name, value in COMPOSE[part]["environment"].items():
            if value == "":
                monkeypatch.setenv(name, value)
        loaded = load(settings)
        assert loaded.jwt_secrets == ()
        assert not getattr(loaded, "wallet_mnemonic", None)


def test_no_secret_is_in_a_file() -> None:
    for name in ("JWT_SECRET", "WALLET_MNEMONIC"):
        values = [part["environment"][name] for part in COMPOSE.values() if part.get("environment", {}).get(name)]
        assert all(re.fullmatch(rf"\$\{{{name}:\?.+\}}", value) for value in values)
    for part in ("web", "worker", "health"):
        for variable in given(part).values():
            assert ("value" in variable) == (variable["key"] in ("ENGINE_ENV", "SOLANA_CLUSTER", "TRUSTED_PROXIES"))


def test_every_variable_is_a_setting() -> None:
    for name in ENGINE:
        assert set(COMPOSE[name].get("environment", {})) <= SETTINGS
    for name in ("web", "worker", "health"):
        assert set(given(name)) <= SETTINGS
    in_image = re.findall(r"^(?:ENV | {4})([A-Z_]+)=", DOCKERFILE, re.MULTILINE)
    assert set(in_image) - SETTINGS == {
        "HOME",
        "PATH",
        "PIP_DISABLE_PIP_VERSION_CHECK",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
    }


def test_every_command_exists() -> None:
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    parts = [COMPOSE[name] for name in ENGINE]
    asked = {part["command"][3] for part in parts}
    asked |= {part["healthcheck"]["test"][4] for part in parts if "healthcheck" in part}
    for part in RENDER["services"]:
        asked |= {part[key].split()[3] for key in ("dockerCommand", "preDeployCommand") if key in part}
    assert asked == {"localnet", "migrate", "worker", "web", "health"}
    assert asked <= commands


def test_render_deploys_each_push_and_looks_at_the_health_every_ten_minutes() -> None:
    for name in ("web", "worker", "health"):
        assert service(name)["autoDeployTrigger"] == "commit"
    assert service("health")["schedule"] == "*/10 * * * *"
    assert service("web")["healthCheckPath"] == "/api/health"
    assert service("worker")["type"] == "worker"


def test_every_part_of_the_engine_runs_without_rights_on_a_read_only_root() -> None:
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)
    for name in ENGINE:
        assert COMPOSE[name]["read_only"]
        assert COMPOSE[name]["cap_drop"] == ["ALL"]
    assert COMPOSE["worker"]["deploy"]["replicas"] == 2
