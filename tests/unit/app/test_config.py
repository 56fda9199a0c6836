"""How a configuration is put together, and what it refuses."""

from pathlib import Path

import pytest

from app.config import DEFAULT_REDIS, load_config
from stream.errors import ConfigurationError


def _file(folder: Path, text: str) -> Path:
    path = folder / "sluicegate.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_given() -> None:
    """Without file, variables and options the defaults hold."""
    config = load_config(None, {}, {})

    assert (config.redis, config.prefix, config.partitions) == (DEFAULT_REDIS, "sluicegate", 1)


def test_variables_override_the_file_and_options_override_both(tmp_path: Path) -> None:
    """The later of file, environment and command line wins, setting by setting."""
    path = _file(tmp_path, 'redis = "redis://file"\nprefix = "file"\nname = "file"\nbatch = 7\n')
    environment = {"SLUICEGATE_PREFIX": "variable", "SLUICEGATE_NAME": "variable"}

    config = load_config(path, environment, {"name": "option", "redis": None})

    assert (config.redis, config.prefix, config.name) == ("redis://file", "variable", "option")
    assert config.batch == 7


def test_numbers_and_flags_from_variables() -> None:
    """What a variable says is read as the setting's type."""
    environment = {
        "SLUICEGATE_PARTITIONS": "4",
        "SLUICEGATE_METRICS_AGENTS": "true",
        "SLUICEGATE_AWAY_S": "1.5",
    }

    config = load_config(None, environment, {})

    assert (config.partitions, config.metrics_agents, config.away_s) == (4, True, 1.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("redis = ", "is not TOML"),
        ("batches = 3", "batches"),
        ('batch = "many"', "batch"),
        ("partitions = 0", "partitions is 0; it must be from 1 to 16384"),
        ("metrics_port = 70000", "metrics_port is 70000"),
        ('prefix = "a{b}"', "without braces"),
        ('prefix = ""', "without braces"),
        ('log_level = "loud"', "it must be one of debug, info"),
        ('keep_inputs = "a week"', "keep_inputs does not hold: .* is no duration.*; or forever"),
        ('name = "two words"', "must not have spaces"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """A setting that is unknown, of another type or out of range is refused in one sentence that names it."""
    with pytest.raises(ConfigurationError, match=says) as refused:
        load_config(_file(tmp_path, text), {}, {})

    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that cannot be read is named."""
    with pytest.raises(ConfigurationError, match=r"Cannot read .*nowhere\.toml: No such file"):
        load_config(tmp_path / "nowhere.toml", {}, {})


@pytest.mark.parametrize(
    ("text", "ms"), [("7d", 604_800_000), ("90m", 5_400_000), ("forever", None), ("0", None)]
)
def test_how_long_entries_are_kept(text: str, ms: int | None) -> None:
    """A duration, or for ever."""
    config = load_config(None, {"SLUICEGATE_KEEP_INPUTS": text, "SLUICEGATE_KEEP_OUTPUTS": text}, {})

    assert (config.keep_inputs_ms, config.keep_outputs_ms) == (ms, ms)
