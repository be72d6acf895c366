"""The folders of children: one whose parent was killed is removed by the next parent, those in use stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

_A_PARENT = "from hybridrag.isolated.folder import Folder; print(Folder().path, flush=True); input()"


def parent(temporary: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that has made a folder with a text in it, an hour ago."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    process = subprocess.Popen([sys.executable, "-c", _A_PARENT], stdin=PIPE, stdout=PIPE, env=environment, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    (folder / "page.txt").write_text("some text")
    made = folder.stat().st_mtime - 3600
    os.utime(folder, (made, made))
    return process, folder


def test_only_what_nobody_holds_is_removed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "hybridrag-parse-link").symlink_to(elsewhere)
    killed, left = parent(tmp_path)
    killed.kill()
    killed.communicate()
    assert left.exists()
    living, held = parent(tmp_path)
    assert not left.exists()
    last, own = parent(tmp_path)
    assert held.exists()
    assert own.exists()
    assert elsewhere.exists()
    for process in (living, last):
        process.communicate("\n")
