"""Two embedded servers that start at one moment keep out of each other's way."""

from pathlib import Path

import pytest

import app.embedded
from app.embedded import embedded_server
from stream.errors import ConfigurationError


def port_of(url: str) -> int:
    """Port of a server's address."""
    return int(url.rpartition(":")[2].partition("/")[0])


def test_a_port_that_another_took_meanwhile_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second takes another port, and the first outlives it, though it looked free to both."""
    with embedded_server(tmp_path / "first", None) as first:
        monkeypatch.setattr(app.embedded, "USUAL_PORT", port_of(first.url))
        monkeypatch.setattr(app.embedded, "_is_free", lambda _port: True)
        with embedded_server(tmp_path / "second", None) as second:
            assert second.url != first.url
            assert second.keeps((tmp_path / "second").resolve())
        assert first.keeps((tmp_path / "first").resolve())


def test_a_named_port_that_another_took_meanwhile_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other is taken in its place, and the first goes on."""
    with embedded_server(tmp_path / "first", None) as first:
        monkeypatch.setattr(app.embedded, "_is_free", lambda _port: True)
        refused = pytest.raises(ConfigurationError)
        with refused, embedded_server(tmp_path / "second", port_of(first.url)):
            pass
        assert first.is_running()
