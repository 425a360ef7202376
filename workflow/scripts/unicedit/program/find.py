"""Where a user's own program lies, what it holds and whether it can be what the settings say: read, and never run.

Nothing heavy is imported here: every Slurm job parses the Snakefile again.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from unicedit.config.python import PythonSettings
from unicedit.config.section import Section
from unicedit.errors import ConfigError, PipelineError

if TYPE_CHECKING:
    from unicedit.config.model import Config

_Runs = TypeVar("_Runs", bound=Section)  # an editor or a judge


class ProgramError(PipelineError):
    """A program that cannot be read, or is not the one that the run began with."""


def content(settings: PythonSettings) -> bytes:
    """The file's bytes. Raises ``ProgramError`` where there are none, or others than ``sha256`` says."""
    try:
        found = Path(settings.file).read_bytes()
    except OSError as error:
        raise ProgramError(f"{settings.file}: cannot be read ({error.strerror})") from error
    if settings.sha256 not in (None, digest := hashlib.sha256(found).hexdigest()):
        raise ProgramError(f"{settings.file}: holds {digest[:12]}…, and the run began with {str(settings.sha256)[:12]}…; run again")
    return found


def digest_of_program(settings: PythonSettings) -> str:
    """The SHA-256 of the program's file. Raises ``ProgramError``."""
    return settings.sha256 or hashlib.sha256(content(settings)).hexdigest()


def program_decides(settings: PythonSettings) -> dict[str, Any]:
    """What of a program decides a row, for a recipe: its content and what it is told, wherever it lies. Raises ``ProgramError``."""
    return {**settings.deciding(), "sha256": digest_of_program(settings)}


def with_digests(config: "Config") -> "Config":
    """The configuration with the ``sha256`` of every program that is to run, where its file can be read: stages then read it with their settings."""
    edit, benchmark = config.edit, config.benchmark
    parts = [_each(edit.editors), _each(benchmark.models), _each(benchmark.judges)]
    if parts == [edit.editors, benchmark.models, benchmark.judges]:
        return config
    editors, models, judges = parts
    return config.model_copy(
        update={
            "edit": edit.model_copy(update={"editors": editors}),
            "benchmark": benchmark.model_copy(update={"models": models, "judges": judges}),
        }
    )


def _each(all_of_them: Iterable[_Runs]) -> tuple[_Runs, ...]:
    return tuple(map(_with_digest, all_of_them))


def _with_digest(one: _Runs) -> _Runs:
    program: PythonSettings | None = getattr(one, "python", None) if getattr(one, "engine", None) == "python" else None
    if program is None or program.sha256 or not Path(program.file).is_file():
        return one
    try:
        digest = digest_of_program(program)
    except ProgramError:
        return one  # `check_program` says so, with the setting's key
    return one.model_copy(update={"python": program.model_copy(update={"sha256": digest})})


def check_program(settings: PythonSettings, key: str) -> None:
    """Raises ``ConfigError`` for a file that is not there, is none of Python's, or does not have the name. ``key`` is the settings' own."""
    shown = f"config: {key}.file = {settings.file!r}"
    if not (path := Path(settings.file)).is_file():
        raise ConfigError(f"{shown}: no such file (looked for at {path.resolve()})")
    try:
        found = content(settings)
    except ProgramError as error:
        if settings.sha256 is None:
            raise ConfigError(f"{shown}: {error}") from error
        raise ConfigError(
            f"config: {key}.sha256 = {settings.sha256!r}: {settings.file} holds another content; look at it, then put its sha256 or null here"
        ) from error
    try:
        tree = ast.parse(found, filename=settings.file)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) and error.lineno else str(error)
        raise ConfigError(f"{shown}: is no Python that this Python can read ({where}); mend it") from error
    bound = list(_bound(tree.body))
    if settings.name not in bound and "*" not in bound:
        listed = ", ".join(node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)) or "none"
        raise ConfigError(f"config: {key}.name = {settings.name!r}: {settings.file} has no class or function of that name; it has {listed}")


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Names that statements bind at a module's top level; ``*`` where they import whatever there is."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.If | ast.Try | ast.With):
            inner = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            yield from _bound([*inner, *(one for handler in getattr(node, "handlers", []) for one in handler.body)])
