"""
Compiles the hot path into the wheel where SLUICEGATE_COMPILE=1 asks for it: docs/decisions/0009-compiled.md.

Without it the wheel is pure Python. The modules are the same files either way.
"""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What every fill passes through. Events and records stay as they are: msgspec reads their annotations, which
# compiled classes do not keep. A class that is compiled has only compiled ones below it.
MODULES = [
    "domain/breakers.py",
    "domain/money.py",
    "domain/positions.py",
    "domain/standing.py",
    "handlers/fills.py",
    "handlers/fleet.py",
    "handlers/reading.py",
    "handlers/turn.py",
    "handlers/steps/goals.py",
    "handlers/steps/journal.py",
    "handlers/steps/rebalancing.py",
    "handlers/steps/reports.py",
    "handlers/steps/stopping.py",
    "handlers/steps/timers.py",
    "handlers/steps/updates.py",
    "handlers/steps/valuation.py",
    "handlers/steps/watching.py",
    "state/agents.py",
    "state/book.py",
    "state/codec.py",
    "state/entities.py",
    "state/moving.py",
    "state/pursuits.py",
    "state/view.py",
    "stream/decode.py",
    "stream/entries.py",
    "stream/order.py",
    "stream/processor.py",
    "stream/repeats.py",
]


class CompiledHook(BuildHookInterface[Any]):
    """Adds an extension module beside each module of the hot path."""

    @property
    def is_wanted(self) -> bool:
        """Whether this build compiles."""
        return os.environ.get("SLUICEGATE_COMPILE") == "1"

    def dependencies(self) -> list[str]:
        """Return what compiling needs, beside a C compiler."""
        return (
            ["mypy[mypyc]>=1.13,<3", "setuptools>=77", *self.metadata.core.dependencies]
            if self.is_wanted
            else []
        )

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's shape
        """Compile, and add what came of it to the wheel."""
        if not self.is_wanted:
            return
        from mypyc.build import mypycify  # noqa: PLC0415  # only where it is wanted
        from setuptools import Distribution  # noqa: PLC0415  # as above
        from setuptools.command.build_ext import build_ext  # noqa: PLC0415  # as above

        built = Path(self.directory) / "compiled"
        command = build_ext(
            Distribution({"ext_modules": mypycify(MODULES, opt_level="3", target_dir=str(built))})
        )
        command.build_lib, command.build_temp = str(built / "lib"), str(built / "temp")
        command.ensure_finalized()
        command.run()
        for library in (built / "lib").rglob("*.so"):
            build_data["force_include"][str(library)] = str(library.relative_to(built / "lib"))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
