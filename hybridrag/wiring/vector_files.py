"""Settings to what `reindex export` and `reindex import` need."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import ModelError, UsageError
from hybridrag.types import GenerationStatus
from hybridrag.wiring.reindexing import Reindexing

if TYPE_CHECKING:
    from hybridrag.flows.export_vectors import Exported
    from hybridrag.flows.import_vectors import Destination, Imported
    from hybridrag.flows.progress import Progress
    from hybridrag.ports import Embedder
    from hybridrag.vectorfile import VectorFile
    from hybridrag.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Report:
    """What became of files, and the generations that they went into as these are now."""

    files: Sequence[Imported]
    generations: Sequence[GenerationStatus]


class VectorFiles:
    """Vectors of the chosen collection, to a file and from files."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._reindexing = Reindexing(wiring)

    def export(
        self, file: Path, *, generation: int | None, model: str | None, force: bool, progress: Progress
    ) -> Exported:
        """Writes the vectors of a generation: by its number, the one of a model, or the active one."""
        from hybridrag.flows.export_vectors import export_vectors

        number = self._of_model(model) if model is not None and generation is None else generation
        return export_vectors(
            self._wiring.store,
            self._wiring.settings.collection,
            file,
            generation=number,
            force=force,
            progress=progress,
        )

    def _of_model(self, model: str) -> int:
        """The generation of a model: the active one if it is, else the newest."""
        names = {model, str(Path(model).resolve())}
        found = [status.generation for status in self._reindexing.status()]
        alike = [generation for generation in found if generation.model in names]
        if not alike:
            raise UsageError(
                f"no generation of the collection {self._reindexing.collection.name!r} is made of {model}",
                hint=f"there are: {', '.join(f'{one.id} ({one.model})' for one in found)}",
            )
        return max(alike, key=lambda one: (one.state == "active", one.id)).id

    def take(self, files: Sequence[Path], *, verify: bool, progress: Progress) -> Report:
        """Takes the vectors of files into the generations they are of. What is complete then is ready to be promoted.

        With `verify`, some texts of every file are embedded here and compared.
        """
        from hybridrag.flows.import_vectors import import_vectors

        with ExitStack() as stack:
            find = partial(self._destination, stack=stack, verify=verify, opened={})
            done = import_vectors(files, find=find, progress=progress)
        numbers = tuple(dict.fromkeys(one.generation for one in done))
        for status in self._statuses(numbers):
            if verify and status.complete and status.generation.state == "building":
                try:
                    self._reindexing.work(status, progress=progress)  # only its index and its state are to be made
                except ModelError as exc:
                    self._wiring.notify(f"generation {status.generation.id} is not ready yet: {exc.message}")
        return Report(done, self._statuses(numbers))

    def _statuses(self, numbers: Sequence[int]) -> list[GenerationStatus]:
        """What there is of these generations, in their order. All are looked at once."""
        from hybridrag.flows.promotion import candidate

        found = self._reindexing.status()
        return [candidate(found, number) for number in numbers]

    def _destination(
        self, file: VectorFile, *, stack: ExitStack, verify: bool, opened: dict[int, Destination]
    ) -> Destination:
        """Where a file's vectors belong; `opened` are those of the files before, by the generation's number."""
        from hybridrag.flows.chunked import chunk_waiting
        from hybridrag.flows.import_vectors import Destination, destination_of
        from hybridrag.models import PROBE_TEXTS
        from hybridrag.store.vectors import VectorImport
        from hybridrag.store.work import Worker

        models, url = self._wiring.models, self._wiring.store.open()
        status = destination_of(file, self._reindexing.collection, self._reindexing.status())
        if status.generation.id in opened:
            return opened[status.generation.id]
        collection = self._reindexing.of(status.generation)
        if status.waiting_documents:
            self._wiring.notify(f"chunking {status.waiting_documents:,} documents first")
            chunker = models.chunker(models.of(collection), collection.generation.chunk_tokens)
            with Worker.open(url, collection) as worker:
                while chunk_waiting(worker, chunker):  # before, nobody knows which vectors are needed
                    pass

        def model() -> tuple[Embedder, bool]:
            return models.embedder_of(collection), models.texts_leave(models.of(collection))

        destination = opened[status.generation.id] = Destination(
            taking=stack.enter_context(VectorImport.open(url, collection)),
            probes=self._wiring.store.probes(collection.generation, PROBE_TEXTS),
            model=model if verify else None,
        )
        return destination
