"""The commits of a partition one by one, as the server's own log has them: what became visible together."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO


@dataclass(frozen=True)
class Commit:
    """One commit."""

    seq: int
    applied: int  # entries of in:trade taken since the partition began, this commit's among them
    outputs: list[dict[str, Any]]  # decoded


def read_commits(folder: Path, tag: str = "{sluicegate:0}") -> Iterator[Commit]:
    """Read the append-only file of a server that has been stopped; it began empty and was not rewritten."""
    (log,) = folder.glob("appendonlydir/*.incr.aof")
    outputs: list[dict[str, Any]] = []
    applied = 0
    with log.open("rb") as file:
        for name, *words in _commands(file):
            if name == b"XADD" and words[0].startswith(f"{tag}:out:".encode()):
                outputs.append(json.loads(words[-1]))
            elif name == b"HSET" and words[0] == f"{tag}:checkpoint".encode():
                members = dict(zip(words[1::2], words[2::2], strict=True))
                applied = int(members.get(b"in:trade:applied", applied))
                if b"seq" in members:
                    yield Commit(int(members[b"seq"]), applied, outputs)
                    outputs = []


def _commands(file: BinaryIO) -> Iterator[list[bytes]]:
    while line := file.readline():
        yield [file.read(int(file.readline()[1:]) + 2)[:-2] for _ in range(int(line[1:]))]
