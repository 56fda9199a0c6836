"""Types of the members of compiled classes, as their source tells them."""

import ast
import sys
from functools import lru_cache
from pathlib import Path


def restore_annotations(kind: type) -> None:
    """
    Give a compiled dataclass the annotations it was written with.

    Compiled it keeps ``int`` for ``Money`` and ``dict`` for ``dict[str, Position]``, and what is stored is
    written and read by them. Its source lies beside it. A class that is not compiled stays as it is.
    """
    source = _source(kind.__module__)
    if source is None:
        return
    for node in source.body:
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
            members = [member for member in node.body if isinstance(member, ast.AnnAssign)]
            kind.__annotations__.update({ast.unparse(m.target): ast.unparse(m.annotation) for m in members})


@lru_cache
def _source(module: str) -> ast.Module | None:
    path = Path(str(sys.modules[module].__file__))
    if path.suffix == ".py":
        return None
    return ast.parse(path.with_name(module.rpartition(".")[2] + ".py").read_text(encoding="utf-8"))
