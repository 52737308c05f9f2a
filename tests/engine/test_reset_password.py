"""An operator gives an account another password from the command line."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from engine_app.cli.program import app
from tests.conftest import RunningEngine
from tests.trading import PASSWORD, bot

NEW = "staple battery horse"


def test_a_reset_ends_every_other_way_in(engine: RunningEngine, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": engine.database_url, "DATA_DIR": str(tmp_path), "ENV_FILE": ""}

    def reset(name: str, *typed: str) -> Result:
        return CliRunner().invoke(app, ["reset-password", name], input="\n".join(typed) + "\n", env=environment)

    with bot(engine.base_url, funded=False) as trader:
        assert reset("nobody at all", NEW, NEW).exit_code == 1
        assert reset(trader.username, NEW, "a slip", NEW, NEW).exit_code == 0
        assert trader.client.get("/api/wallet").status_code == 401
        body = {"username": trader.username, "password": PASSWORD, "mode": "login"}
        assert trader.client.post("/api/auth", json=body).status_code == 401
        answer = trader.client.post("/api/auth", json=body | {"password": NEW})
        assert answer.status_code == 200
        bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
        entries = trader.client.get("/api/account/security-log", headers=bearer).json()["entries"]
        assert "password_reset" in [entry["event"] for entry in entries]
