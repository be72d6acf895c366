"""What a process does that fetches a model or looks for one, and tells what it found: see `test_hub`.

The hub's library reads its settings as it is imported, so each has a process of its own. It is a fork of one that has
imported what does not depend on settings.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models import hub
from hybridrag.models.locate import HubModel, locate, resolve
from hybridrag.models.rerank_spec import resolve_reranker


def run(asked: Mapping[str, Any], environment: Mapping[str, str], folder: str, out: str, err: str) -> None:
    """Becomes a process with that environment in that folder, whose output goes to files, and does what is asked."""
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    main(asked)
    sys.stdout.flush()


def main(asked: Mapping[str, Any]) -> None:
    sockets: list[str] = []
    sys.addaudithook(lambda event, _: sockets.append(event) if event.startswith("socket.") else None)
    notes: list[str] = []
    answer: dict[str, Any] = {}
    try:
        if asked["fetch"]:
            model = (resolve_reranker if asked["reranker"] else resolve)(asked["name"])
            assert isinstance(model, HubModel)
            done = hub.fetch(model, code=asked["code"], transfer=_Told(), notify=notes.append)
            answer = {"path": str(done.path), "commit": done.commit, "size": done.size}
        else:
            found = locate(asked["name"], offline=asked["offline"], code=asked["code"], notify=notes.append)
            answer = {"path": str(found.path)}
    except ModelError as exc:
        answer = {"error": exc.message, "hint": exc.hint, "retryable": exc.retryable}
    print(json.dumps({**answer, "notes": notes, "sockets": sockets, "hub": "huggingface_hub" in sys.modules}))


class _Told:
    def begin(self, name: str, *, total: int, done: int) -> None:
        print("begin", total, done, flush=True)

    def advance(self, size: int) -> None:
        print("advance", size, flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
