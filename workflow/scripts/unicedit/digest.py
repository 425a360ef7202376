"""Digests of code: what a job runs, and what decides a row's value (design section 5).

Both hash the abstract syntax of modules without comments, docstrings and layout, so that they change when logic does and only then. Templates, styles and
scripts that a module names in a string (``"prompt.jinja"``) and that lie beside it count as its text.

Every Slurm job reads the Snakefile again, and the syntax of two hundred modules takes a second: what is known of a module's bytes is kept in Snakemake's own folder.
"""

import ast
import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(__file__).resolve().parents[1]
PACKAGE = "unicedit"
RESOURCES = (".jinja", ".css", ".js")
KEPT = Path(".snakemake/unicedit-syntax.json")


@functools.cache
def _path_of(module: str) -> Path | None:
    base = SCRIPTS.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _strip_docstring(node: ast.AST) -> None:
    """Leave out what a module, class or function says of itself, and any other text that is a statement."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        kept = [
            one
            for one in node.body
            if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str))
        ]
        node.body = kept or [ast.Pass()]


class _Syntax(NamedTuple):
    """What a module's bytes say by themselves: the digest of its syntax, all that it imports, and strings that may name templates."""

    digest: str
    imported: list[str]
    templates: list[str]


def _parsed(text: str, path: Path) -> _Syntax:
    tree = ast.parse(text, filename=str(path))
    templates: list[str] = []
    imported: set[str] = set()
    for node in ast.walk(tree):
        _strip_docstring(node)
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imported.add(node.module)
            imported.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(RESOURCES) and "/" not in node.value:
            templates.append(node.value)
    ours = sorted(name for name in imported if name.split(".")[0] == PACKAGE)
    return _Syntax(hashlib.sha256(ast.unparse(tree).encode()).hexdigest(), ours, templates)


@functools.cache
def _kept() -> dict[str, _Syntax]:
    """What earlier runs kept, by the SHA-256 of a module's text; empty where nothing usable was kept."""
    try:
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
        return {key: _Syntax(*value) for key, value in kept[sys.version].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # a cache: what cannot be read is made again


def keep_syntax() -> None:
    """Keep what is known of all modules for the next process, where Snakemake's folder is there and anything is new."""
    if _seen.keys() <= _kept().keys() or not KEPT.parent.is_dir():
        return
    partial = KEPT.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps({sys.version: _seen}), encoding="utf-8")
    partial.replace(KEPT)


_seen: dict[str, _Syntax] = {}


@functools.cache
def _syntax(path: Path) -> tuple[str, tuple[str, ...]]:
    """A module's digest, and the project modules it imports anywhere (also inside functions)."""
    text = path.read_text(encoding="utf-8")
    key = hashlib.sha256(text.encode()).hexdigest()
    found = _seen[key] = _kept().get(key) or _parsed(text, path)
    beside = [path.parent / name for name in found.templates]
    resources = [template.read_text(encoding="utf-8") for template in beside if template.is_file()]
    digest = hashlib.sha256("\n".join([found.digest, *resources]).encode()).hexdigest()
    return digest, tuple(name for name in found.imported if _path_of(name) is not None)


def inside(module: str, rooms: Iterable[str]) -> bool:
    """Whether a module is one of ``rooms`` or lies in one of them."""
    return any(module == room or module.startswith(room + ".") for room in rooms)


def closure(roots: Sequence[str], without: Sequence[str] = ()) -> dict[str, str]:
    """The modules reached from ``roots`` over imports, with their digests; ``without`` names modules and packages that are not followed.

    Raises ``ValueError`` for a root that is no project module.
    """
    found: dict[str, str] = {}
    todo = list(roots)
    for root in roots:
        if _path_of(root) is None:
            raise ValueError(f"{root}: no such module under {SCRIPTS}")
    while todo:
        module = todo.pop()
        if module in found:
            continue
        path = _path_of(module)
        assert path is not None
        found[module], imported = _syntax(path)
        todo += [name for name in imported if name not in found and not inside(name, without)]
    return dict(sorted(found.items()))


def digest_modules(modules: dict[str, str]) -> str:
    """32 hexadecimal digits over module names and their digests."""
    text = "\n".join(f"{name} {value}" for name, value in sorted(modules.items()))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@functools.cache
def code_digest(script: str) -> str:
    """The digest of a command in ``workflow/scripts`` and of all project modules it imports, transitively."""
    path = SCRIPTS / f"{script}.py"
    own, imported = _syntax(path)
    return digest_modules({**closure(imported), f"{script}.py": own})
