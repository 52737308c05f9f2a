"""The web process is apart from the key."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import plain_environment


def test_the_web_process_can_neither_derive_nor_sign() -> None:
    code = (
        "import sys\n"
        "import engine_app.api.app, engine_app.services\n"
        "engine_app.api.app.create_api()\n"
        "from engine_app.settings import settings\n"
        "assert not hasattr(settings(), 'wallet_mnemonic')\n"
        "assert 'canary' not in repr(settings())\n"
        "loaded = [name for name in sys.modules if name.startswith('engine_app.execution') or name in (\n"
        "    'mnemonic', 'engine_app.wallets.signer', 'engine_app.wallets.derivation', 'engine_app.wallets.stock')]\n"
        "assert not loaded, loaded\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=plain_environment() | {"WALLET_MNEMONIC": "canary"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
