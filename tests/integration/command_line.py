"""Runs sluicegate as a person does: words in, text and an exit code out."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click.testing
import redis

from app.cli.commands import cli
from stream.keys import Keys, meta_key

ROOT: Final = Path(__file__).parents[2]
_PATIENCE_S: Final = 30.0


class CommandLine:
    """The command line against one server and prefix, and a client to look behind it."""

    def __init__(self, url: str, prefix: str) -> None:
        self.prefix = prefix
        self.variables = {"SLUICEGATE_REDIS": url, "SLUICEGATE_PREFIX": prefix}
        self.redis: Any = redis.Redis.from_url(url, decode_responses=True, encoding_errors="replace")

    def keys(self, partition: int = 0) -> Keys:
        """Give the keys of a partition."""
        return Keys(self.prefix, partition)

    def created(self, partitions: int = 1) -> None:
        """Record the deployment as its first worker would."""
        self.redis.hset(meta_key(self.prefix), mapping={"schema": 1, "partitions": partitions})

    def __call__(
        self, *words: object, text: str | bytes | None = None, variables: Mapping[str, str] | None = None
    ) -> click.testing.Result:
        """Run a command in this process."""
        runner = click.testing.CliRunner()
        environment = {**self.variables, **(variables or {})}
        return runner.invoke(cli, [str(word) for word in words], input=text, env=environment)

    def json(self, *words: object) -> Any:
        """Run a command that succeeds with --json, and read what it prints."""
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refused(self, *words: object, text: str | None = None) -> str:
        """Run a command that fails, and return the one line it says."""
        result = self(*words, text=text)
        assert result.exit_code == 1, result.output
        (line,) = result.stderr.splitlines()
        return line.removeprefix("Error: ")

    @contextmanager
    def process(
        self, *words: str, module: str = "app", variables: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a command as a process of its own; it is gone afterwards."""
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=ROOT,
            env=os.environ | self.variables | dict(variables or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    @contextmanager
    def worker(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Run a worker that has taken its first partition, and end it as a person would."""
        with self.process("worker", "--name", "test", "--metrics-port", "0", *words) as process:
            wait_until(lambda: process.poll() is not None or self.redis.exists(self.keys().lease))
            yield process
            process.terminate()
            _, log = process.communicate(timeout=_PATIENCE_S)
            assert process.returncode == 0, log


def wait_until(true: Any) -> None:
    """Wait until something holds."""
    end = time.monotonic() + _PATIENCE_S
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
