"""What goes wrong on the command line is one line and an exit code, and changes nothing."""

import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.cli.commands import COMMANDS
from stream.keys import meta_key
from tests.integration.command_line import CommandLine

FLEET = '[[wallet]]\nid = "alpha"\ncurrency = "USDT"\n'


def _words(folder: Path) -> dict[str, tuple[str, ...]]:
    """Give each command that needs a server, with what else it needs."""
    (folder / "fleet.toml").write_text(FLEET, encoding="utf-8")
    (folder / "lines").write_text("", encoding="utf-8")
    return {
        "worker": ("worker", "--metrics-port", "0"),
        "apply": ("apply", str(folder / "fleet.toml")),
        "publish": ("publish", "trade", str(folder / "lines")),
        "tail": ("tail",),
        "status": ("status",),
        "report": ("report",),
        "plan": ("plan", "alpha"),
        "dead": ("dead", "list"),
        "ledger": ("ledger", "verify"),
        "replay": ("replay",),
        "partitions": ("partitions", "list"),
        "recover": ("recover",),
        "repartition": ("repartition", "--partitions", "2"),
        "subscribers": ("subscribers", "list"),
    }


NEED_A_SERVER = (
    *("worker", "apply", "publish", "tail", "status", "report", "plan", "ledger", "dead", "replay"),
    *("partitions", "recover", "repartition", "subscribers"),
)


def test_every_command_is_looked_at() -> None:
    """The commands below are all there are, but for those that need no server."""
    assert set(NEED_A_SERVER) | {"up", "version", "acl"} == set(COMMANDS)


@pytest.mark.parametrize("name", NEED_A_SERVER)
def test_a_server_that_is_not_there(sluicegate: CommandLine, tmp_path: Path, name: str) -> None:
    """Whatever needs a server says where it looked and what to do."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        sluicegate.variables["SLUICEGATE_REDIS"] = f"redis://127.0.0.1:{port}"

        said = sluicegate.refused(*_words(tmp_path)[name])

    assert said.startswith(f"There is no server at redis://127.0.0.1:{port}")
    assert "--redis" in said


@pytest.mark.parametrize("name", NEED_A_SERVER)
def test_an_address_that_is_none(sluicegate: CommandLine, tmp_path: Path, name: str) -> None:
    """An address that cannot be understood is shown, without its password."""
    said = sluicegate.refused(*_words(tmp_path)[name], "--redis", "http://me:secret@there")

    assert said.startswith("http://me:***@there is no address of a server")


@pytest.fixture
def account(sluicegate: CommandLine) -> Iterator[str]:
    """Give the name of an account at the server, whose password is right."""
    name = f"user-{sluicegate.prefix}"
    sluicegate.redis.acl_setuser(name, enabled=True, passwords=["+right"], keys="*", commands=["+@all"])
    yield name
    sluicegate.redis.acl_deluser(name)


@pytest.mark.parametrize("name", NEED_A_SERVER)
def test_a_wrong_password(sluicegate: CommandLine, account: str, tmp_path: Path, name: str) -> None:
    """A server that does not let us in is told from one that is not there, and the password is not shown."""
    url = sluicegate.variables["SLUICEGATE_REDIS"].replace("://", f"://{account}:wrongest@")

    said = sluicegate.refused(*_words(tmp_path)[name], "--redis", url)

    assert f"{account}:***@127.0.0.1" in said
    assert "does not accept the name or password" in said
    assert "wrongest" not in said


@pytest.mark.parametrize("name", [name for name in NEED_A_SERVER if name not in ("worker", "apply")])
def test_where_no_worker_has_run(sluicegate: CommandLine, tmp_path: Path, name: str) -> None:
    """Without a deployment the number of partitions is not known: nothing is done, and a worker asked for."""
    said = sluicegate.refused(*_words(tmp_path)[name])

    assert said.startswith("No worker has run at ")
    assert "sluicegate up" in said
    assert not sluicegate.redis.keys(f"*{sluicegate.prefix}*")


@pytest.mark.parametrize("name", NEED_A_SERVER)
def test_a_key_of_another_type(sluicegate: CommandLine, tmp_path: Path, name: str) -> None:
    """A key that is in the way is told, with what to do."""
    sluicegate.redis.set(meta_key(sluicegate.prefix), "text")

    assert "A key is in the way" in sluicegate.refused(*_words(tmp_path)[name])


def test_another_number_of_partitions(sluicegate: CommandLine) -> None:
    """A worker configured with another number of partitions refuses to start and says both."""
    sluicegate.created(partitions=3)

    said = sluicegate.refused("worker", "--partitions", "2", "--metrics-port", "0")

    assert "has 3 partitions, not 2" in said


@pytest.mark.parametrize("name", NEED_A_SERVER)
def test_a_configuration_that_is_not_toml(sluicegate: CommandLine, tmp_path: Path, name: str) -> None:
    """A file with settings that is not TOML is named."""
    (tmp_path / "settings.toml").write_text("redis = ", encoding="utf-8")

    said = sluicegate.refused(*_words(tmp_path)[name], "--config", tmp_path / "settings.toml")

    assert said.startswith(f"{tmp_path / 'settings.toml'} is not TOML")


def test_options_win_over_variables_over_the_file(sluicegate: CommandLine, tmp_path: Path) -> None:
    """The prefix that counts is the option's, else the variable's, else the file's."""
    (tmp_path / "settings.toml").write_text('prefix = "file"\n', encoding="utf-8")
    sluicegate.created()
    file = ("--config", tmp_path / "settings.toml")

    assert sluicegate.json("status", *file)["prefix"] == sluicegate.prefix
    assert "the prefix option yet" in sluicegate.refused("status", *file, "--prefix", "option")
    del sluicegate.variables["SLUICEGATE_PREFIX"]
    assert "the prefix file yet" in sluicegate.refused("status", *file)


def _all_commands() -> Iterator[tuple[str, ...]]:
    for name, command in COMMANDS.items():
        yield (name,)
        if isinstance(command, click.Group):
            yield from ((name, sub) for sub in command.commands)


@pytest.mark.parametrize("words", list(_all_commands()), ids=" ".join)
def test_help_has_an_example(sluicegate: CommandLine, words: tuple[str, ...]) -> None:
    """Every command explains itself, with a line to be copied."""
    text = sluicegate(*words, "--help").stdout

    groups = (("dead",), ("partitions",), ("subscribers",))
    assert f"sluicegate {' '.join(words)}" in text.partition("Example")[2] or words in groups


def test_bad_usage(sluicegate: CommandLine) -> None:
    """What is no command, and what is no option, has exit code 2."""
    assert sluicegate("fly").exit_code == 2
    assert sluicegate("status", "--sideways").exit_code == 2
