"""``sluicegate up``: a server and a worker, started and stopped as a person would."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis

from tests.integration.command_line import ROOT, CommandLine, wait_until

FLEET = '[[wallet]]\nid = "alpha"\ncurrency = "USDT"\ndeposit = "5"\n'


class Up:
    """A process of ``sluicegate up``."""

    def __init__(self, data: Path, *words: str) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "up", "--data", str(data), "--metrics-port", "0", *words],
            cwd=ROOT,
            env={name: text for name, text in os.environ.items() if not name.startswith("SLUICEGATE_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def serving(self, epoch: int = 1) -> CommandLine:
        """Wait until the worker has taken its partition; return a command line to its server."""
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first.startswith("server   redis://127.0.0.1:"), self.process.communicate()
        here = CommandLine(first.split()[1], "sluicegate")
        wait_until(lambda: here.redis.hget(here.keys().checkpoint, "epoch") == str(epoch))
        return here

    def end(self, number: int) -> tuple[int, str]:
        """End it by a signal; return exit code and what it said."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Wait until it ends; return exit code and what it said."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@contextmanager
def _up(data: Path, *words: str) -> Iterator[Up]:
    up = Up(data, *words)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.kill()
            up.process.communicate()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """Give a folder for data; a server that a test left behind there is ended."""
    folder = tmp_path / "data"
    yield folder
    with suppress(OSError, ValueError, redis.RedisError):
        redis.Redis.from_url((folder / "up.lock").read_text()).shutdown()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_applied_is_there_after_a_restart(data: Path, tmp_path: Path, number: int) -> None:
    """Told to stop it lets go of its partitions, stops the server and exits 0; the next finds all again."""
    (tmp_path / "fleet.toml").write_text(FLEET, encoding="utf-8")
    with _up(data) as up:
        here = up.serving()
        assert here("apply", tmp_path / "fleet.toml").exit_code == 0
        # An update that waits is told by a tick, be it after the restart.
        wait_until(lambda: here.json("status")["wallets"][0]["update_due"] is None)
        before = here.json("status")["wallets"]
        code, said = up.end(number)

    assert (code, "let go of it" in said) == (0, True)
    assert "There is no server" in here.refused("status")
    with _up(data) as up:
        here = up.serving(epoch=2)
        assert here.json("status")["wallets"] == before
        assert here.json("status")["partitions"][0]["owner"] == "up"
        assert up.end(number)[0] == 0


def test_a_folder_has_one_user(data: Path) -> None:
    """A second one on the same folder is refused with the address of the first, which goes on."""
    with _up(data) as up:
        here = up.serving()
        with _up(data) as second:
            code, said = second.wait()

        assert code == 1
        server = here.variables["SLUICEGATE_REDIS"]
        assert said == (
            f"Error: Another sluicegate up keeps its data in {data} (its server: {server}): use that one, "
            "stop it, or name another folder with --data.\n"
        )
        result = here("status")
        assert result.exit_code == 0, result.output
        assert up.end(signal.SIGTERM)[0] == 0


def test_a_server_left_behind_is_used_again(data: Path) -> None:
    """When it is killed its server runs on; the next takes that server over, and stops it in the end."""
    with _up(data) as up:
        first = up.serving().variables
        assert up.end(signal.SIGKILL)[0] == -signal.SIGKILL
    with _up(data) as up:
        here = up.serving(epoch=2)

        assert here.variables == first
        assert up.end(signal.SIGTERM)[0] == 0
    assert "There is no server" in here.refused("status")


def test_a_signal_to_all_does_not_reach_the_server_first(data: Path) -> None:
    """Ctrl-C goes to every process of a terminal; the server takes the worker's last commit all the same."""
    with _up(data) as up:
        here = up.serving()
        server = here.redis.info("server")["process_id"]
        os.kill(server, signal.SIGINT)
        os.kill(server, signal.SIGTERM)
        code, said = up.end(signal.SIGINT)

    assert (code, "let go of it" in said) == (0, True)


def test_told_to_stop_before_it_serves(data: Path) -> None:
    """Whenever the signal comes, what was started is stopped and the exit code is 0."""
    with _up(data) as up:
        assert up.process.stdout is not None
        first = up.process.stdout.readline()

        assert up.end(signal.SIGTERM) == (0, "")
    assert "There is no server" in CommandLine(first.split()[1], "sluicegate").refused("status")


def test_a_server_that_ends_is_told(data: Path) -> None:
    """When the server is gone nobody will start it again, so all ends, with one line to say so."""
    with _up(data) as up:
        here = up.serving()
        here.redis.shutdown()
        code, said = up.wait()

    assert code == 1
    assert said.splitlines()[-1] == (
        f"Error: The embedded server has ended; see {data / 'valkey.log'}, then start again."
    )


def test_a_server_that_is_named_is_used(server_url: str, prefix: str, data: Path) -> None:
    """With --redis no server is started, and none is stopped."""
    with _up(data, "--redis", server_url, "--prefix", prefix) as up:
        here = CommandLine(server_url, prefix)
        wait_until(lambda: here.redis.exists(here.keys().lease))
        assert up.end(signal.SIGTERM)[0] == 0

    assert not data.exists()
    assert here.redis.ping()


def test_a_port_that_is_taken(data: Path) -> None:
    """A port that was asked for and is taken is told; another is not chosen silently."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with _up(data, "--port", str(port)) as up:
            code, said = up.wait()

    assert code == 1
    assert said == f"Error: Port {port} is taken: name another with --port, or leave it out.\n"


@pytest.mark.parametrize("name", ["with space", "with'quote"])
def test_a_folder_the_server_cannot_use(tmp_path: Path, name: str) -> None:
    """The server's own configuration cannot name such a folder, and that is said."""
    with _up(tmp_path / name) as up:
        code, said = up.wait()

    assert code == 1
    assert "its path has a space or quote; name another" in said


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    """A folder that cannot be made is named."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with _up(tmp_path / "file") as up:
        code, said = up.wait()

    assert (code, said) == (1, f"Error: Cannot make the folder {tmp_path / 'file'}: File exists.\n")


def test_another_number_of_partitions(data: Path, tmp_path: Path) -> None:
    """The embedded server runs for as long as the change takes, and everything is there afterwards."""
    fleet = tmp_path / "fleet.toml"
    fleet.write_text(FLEET, encoding="utf-8")
    with _up(data) as up:
        assert up.serving()("apply", fleet).exit_code == 0
        assert up.end(signal.SIGTERM)[0] == 0
    words = ("repartition", "--data", str(data), "--partitions", "3", "--yes")
    done = subprocess.run(
        [sys.executable, "-m", "app", *words],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith("SLUICEGATE_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Done: there are 3 partitions." in done.stdout, done.stderr

    with _up(data, "--partitions", "3") as up:
        # One epoch of the first worker, one of the change, and that of this worker.
        here = up.serving(3)
        assert [wallet["cash"] for wallet in here.json("status")["wallets"]] == ["5"]
        assert up.end(signal.SIGTERM)[0] == 0
