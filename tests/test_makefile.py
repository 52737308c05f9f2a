"""`make install` in a copy of its own, without packages to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
INSTALLS = "Installing the pinned packages"


def test_another_interpreter_is_taken_when_it_is_named_and_stays(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".ci").mkdir(parents=True)
    for name in ("Makefile", ".ci/python"):
        shutil.copy2(PROJECT / name, project / name)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (project / name).touch()
    other = tmp_path / "other-python"
    other.symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "MAKEFLAGS")}

    def install(*chosen: str) -> str:
        done = subprocess.run(
            ["make", *chosen, "install"],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
        return done.stdout

    assert INSTALLS in install()
    assert INSTALLS not in install()
    assert INSTALLS in install(f"PYTHON={other}")
    assert INSTALLS not in install(f"PYTHON={other}")
    assert INSTALLS not in install()
    assert INSTALLS in install(f"PYTHON={sys.executable}")
