"""Where exported files go: a folder or an object store, in partitions of a day, each file whole or not there at all."""

import hashlib
import io
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

MANIFEST = "_manifest.json"
"""Written last: a partition without it is not finished. Engines that read folders leave names with _ out."""

_PART = "part-"
_UNFINISHED = ".unfinished"


@dataclass(frozen=True)
class ExportedFile:
    """One file of a partition, as its manifest has it; `sha256` in hex, sizes in bytes."""

    name: str
    format: str
    row_count: int
    byte_count: int
    sha256: str


class Sink(io.RawIOBase):
    """Writes through to a file, and knows the size and hash of what it has written. Closing it closes nothing."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file
        self._hash = hashlib.sha256()
        self.byte_count = 0

    def writable(self) -> bool:
        """True, as files say it."""
        return True

    def write(self, data: Any) -> int:
        """Writes all of it; returns how many bytes that was."""
        self._file.write(data)
        self._hash.update(data)
        size = memoryview(data).nbytes
        self.byte_count += size
        return size

    def tell(self) -> int:
        """Bytes written by now."""
        return self.byte_count

    @property
    def sha256(self) -> str:
        """Hash of what was written, hex."""
        return self._hash.hexdigest()


@dataclass(frozen=True)
class ExportFolder:
    """The root of all exports: an fsspec filesystem, and the path in it (a folder, or bucket and prefix)."""

    files: Any
    root: str

    def partition(self, name: str, day: date) -> "Partition":
        """The place of one relation and day."""
        return Partition(self.files, f"{self.root.rstrip('/')}/{name}/day={day:%Y-%m-%d}")


@dataclass(frozen=True)
class Partition:
    """One relation on one day. Between `begin` and `finish` it has no manifest, so that nobody takes it for whole."""

    files: Any
    path: str

    def begin(self) -> None:
        """Takes the manifest of an earlier run away."""
        if not self._is_object_store:
            self.files.makedirs(self.path, exist_ok=True)
        if MANIFEST in self._names():
            self.files.rm_file(self._path_of(MANIFEST))

    @contextmanager
    def publish(self, name: str) -> Iterator[Sink]:
        """A file to write: it is there, in place of one of that name, when all is written; after an error it is not."""
        if self._is_object_store:
            # uploaded in parts, which become an object when they are committed
            file = self.files.open(self._path_of(name), "wb", autocommit=False)
            try:
                yield Sink(file)
                file.close()
            except BaseException:
                file.discard()
                raise
            file.commit()
            return
        # a name that engines leave out: of a run that is killed it stays, until the next
        unfinished = self._path_of(f"_{name}{_UNFINISHED}")
        try:
            with self.files.open(unfinished, "wb") as file:
                yield Sink(file)
            self.files.mv(unfinished, self._path_of(name))
        except BaseException:
            if self.files.exists(unfinished):
                self.files.rm_file(unfinished)
            raise

    def finish(self, manifest: Mapping[str, Any], written: Collection[str]) -> int:
        """Removes parts of earlier runs, whole and half, then writes the manifest; returns how many were removed."""
        stale = [
            name
            for name in self._names()
            if (name.startswith(_PART) and name not in written) or name.endswith(_UNFINISHED)
        ]
        for name in stale:
            self.files.rm_file(self._path_of(name))
        with self.publish(MANIFEST) as file:
            file.write(json.dumps(manifest, indent=2).encode() + b"\n")
        return len(stale)

    @property
    def _is_object_store(self) -> bool:
        protocols = self.files.protocol
        return not {"file", "local"} & set([protocols] if isinstance(protocols, str) else protocols)

    def _names(self) -> list[str]:
        self.files.invalidate_cache(self.path)
        try:
            found = self.files.ls(self.path, detail=False)
        except FileNotFoundError:
            return []
        return [str(path).rstrip("/").rpartition("/")[2] for path in found]

    def _path_of(self, name: str) -> str:
        return f"{self.path}/{name}"
