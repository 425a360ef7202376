"""A user's own program in the job: loaded by its path, built once, and told in one line where it fails."""

import importlib.util
import inspect
import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unicedit.config.python import PythonSettings
from unicedit.map.compute import EngineError, UnexpectedError
from unicedit.program.find import ProgramError, content, digest_of_program

log = logging.getLogger(__name__)


class Program:
    """What the settings name, ready to be called with ``takes``. Raises ``EngineError`` where it cannot be loaded or built, or takes something else.

    ``who`` is its editor or judge, for messages.
    """

    def __init__(self, settings: PythonSettings, takes: Sequence[str], who: str) -> None:
        self.settings = settings
        self.who = who
        self._shown: set[tuple[str, str]] = set()
        try:
            self._called, self._with = self._made()
        except ProgramError as error:
            raise EngineError(f"{self.who}: {error}") from error
        except (Exception, SystemExit) as error:
            log.warning("%s cannot be built", self._named, exc_info=True)
            raise EngineError(f"{self._named} cannot be built: {self._told(error)}") from error
        if not callable(self._called):
            raise EngineError(f"{self._named}: its objects cannot be called; give the class a method __call__(self, {', '.join(takes)})")
        try:
            inspect.signature(self._called).bind(*takes, **self._with)
        except TypeError as error:
            raise EngineError(f"{self._named}: is called as ({', '.join(takes)}): {error}") from error
        except ValueError:
            pass  # compiled code that does not say what it takes

    @property
    def _named(self) -> str:
        return f"{self.who}: {self.settings.name} in {self.settings.file}"

    def _made(self) -> tuple[Any, dict[str, Any]]:
        """What is called for each row, and the arguments that it is given every time."""
        module = _module(self.settings)
        found = getattr(module, self.settings.name, None)
        if found is None:
            raise ProgramError(f"{self.settings.file} has no {self.settings.name}")
        if inspect.isclass(found):
            return found(**self.settings.arguments), {}
        return found, self.settings.arguments

    def __call__(self, *values: Any) -> Any:
        """What the program gives for one row. Raises ``UnexpectedError`` with what it raised, and ``EngineError`` where the device is lost."""
        try:
            return self._called(*values, **self._with)
        except (Exception, SystemExit) as error:
            if type(error).__name__ == "AcceleratorError":  # torch's: nothing works in this process any more
                raise EngineError(f"{self._named}: the device is lost ({self._told(error)}); run again") from error
            if (kind := (type(error).__name__, self._where(error))) not in self._shown:
                self._shown.add(kind)
                log.warning("%s raised for a row, and where it does so again no more is said here", self._named, exc_info=True)
            raise UnexpectedError(f"error: {self._told(error)}") from error

    def _told(self, error: BaseException) -> str:
        """An exception in one line, with the line of the program's file that it came from."""
        text = " ".join(str(error).split())[:500].encode("utf-8", "replace").decode("utf-8")
        return f"{type(error).__name__}: {text}{self._where(error)}"

    def _where(self, error: BaseException) -> str:
        path = Path(self.settings.file).resolve()
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        return f" ({path.name}, line {lines[-1]})" if lines else ""


def _module(settings: PythonSettings) -> Any:
    """The file as a module: run once in a process, from the very bytes whose digest was taken. What lies beside it can be imported."""
    path = Path(settings.file).resolve()
    name = f"unicedit_program_{digest_of_program(settings)[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "the name ends in .py"
    module = importlib.util.module_from_spec(spec)
    code = compile(content(settings), str(path), "exec")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module
