"""
Passwords in files, one a file, that nobody but their owner can read.

They are made once: who finds a file uses what is in it. To change one, delete its file.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from stream.errors import ConfigurationError

_BYTES = 32


def read_password(path: Path) -> str:
    """Read a password. Raises `ConfigurationError` where there is none."""
    try:
        password = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"Cannot read the password in {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"The password in {path} is not UTF-8 text.") from None
    if not password:
        raise ConfigurationError(f"There is no password in {path}.")
    return password


def kept_passwords(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """
    Return a password for each name, from ``<name>.password`` in a folder; make those that are not there.

    Raises:
        ConfigurationError: the folder or a file in it cannot be used.

    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in names:
            _make(folder / f"{name}.password")
    except OSError as error:
        raise ConfigurationError(f"Cannot keep passwords in {folder}: {error.strerror}.") from None
    return {name: read_password(folder / f"{name}.password") for name in names}


def _make(path: Path) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with open(file, "w", encoding="utf-8") as opened:  # noqa: PTH123  # a descriptor, made with its mode
        opened.write(f"{secrets.token_urlsafe(_BYTES)}\n")
