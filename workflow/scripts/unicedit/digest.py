"""Digests of code: what a job runs, and what decides a row's value (design section 5).

Both hash the abstract syntax of modules without comments, docstrings and layout, so that they change when logic does and only then. Templates that a module names
in a string (``"prompt.jinja"``) and that lie beside it count as its text.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
PACKAGE = "unicedit"
RESOURCES = (".jinja",)


@functools.cache
def _path_of(module: str) -> Path | None:
    base = SCRIPTS.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and isinstance(body, list):
            kept = [
                one
                for one in body
                if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str))
            ]
            node.body = kept or [ast.Pass()]
    return tree


@functools.cache
def _syntax(path: Path) -> tuple[str, tuple[str, ...]]:
    """A module's digest, and the project modules it imports anywhere (also inside functions)."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    resources: list[str] = []
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imported.add(node.module)
            imported.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(RESOURCES):
            beside = path.parent / node.value
            if "/" not in node.value and beside.is_file():
                resources.append(beside.read_text(encoding="utf-8"))
    text = "\n".join([ast.unparse(_without_docstrings(tree)), *resources])
    ours = sorted(name for name in imported if name.split(".")[0] == PACKAGE and _path_of(name) is not None)
    return hashlib.sha256(text.encode()).hexdigest(), tuple(ours)


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
