"""A user's own program in the job: loaded by its path, built once, and told in one line where it fails."""

import functools
import importlib.util
import inspect
import logging
import sys
import traceback
from collections.abc import Callable, Sequence
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
        self.made = self._guarded(self._made, "cannot be built")
        if not callable(self.made):
            raise EngineError(f"{self._named}: its objects cannot be called; give the class a method __call__(self, {', '.join(takes)})")
        try:
            inspect.signature(self.made).bind(*takes)
        except TypeError as error:
            raise EngineError(f"{self._named}: is called as ({', '.join(takes)}): {error}") from error
        except ValueError:
            pass  # compiled code that does not say what it takes

    @property
    def _named(self) -> str:
        return f"{self.who}: {self.settings.name} in {self.settings.file}"

    def _guarded(self, make: Callable[[], Any], what: str) -> Any:
        try:
            return make()
        except ProgramError as error:
            raise EngineError(f"{self.who}: {error}") from error
        except (Exception, SystemExit) as error:
            log.warning("%s %s", self._named, what, exc_info=True)
            raise EngineError(f"{self._named} {what}: {self._told(error)}") from error

    def _made(self) -> Any:
        module = _module(self.settings)
        found = getattr(module, self.settings.name, None)
        if found is None:
            raise ProgramError(f"{self.settings.file} has no {self.settings.name}")
        if inspect.isclass(found):
            return found(**self.settings.arguments)
        return functools.partial(found, **self.settings.arguments) if self.settings.arguments else found

    def __call__(self, *values: Any) -> Any:
        """What the program gives for one row. Raises ``UnexpectedError`` with what it raised, and ``EngineError`` where the device is lost."""
        try:
            return self.made(*values)
        except (Exception, SystemExit) as error:
            if type(error).__name__ == "AcceleratorError":  # torch's: nothing works in this process any more
                raise EngineError(f"{self._named}: the device is lost ({self._told(error)}); run again") from error
            log.warning("%s failed for a row", self._named, exc_info=True)
            raise UnexpectedError(f"error: {self._told(error)}") from error

    def _told(self, error: BaseException) -> str:
        """An exception in one line, with the line of the program's file that it came from."""
        path = str(Path(self.settings.file).resolve())
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        where = f" ({Path(path).name}, line {lines[-1]})" if lines else ""
        text = " ".join(str(error).split())[:500].encode("utf-8", "replace").decode("utf-8")
        return f"{type(error).__name__}: {text}{where}"


def _module(settings: PythonSettings) -> Any:
    """The file as a module: run once in a process, from the very bytes whose digest was taken. What lies beside it can be imported."""
    path = Path(settings.file).resolve()
    name = f"unicedit_program_{digest_of_program(settings)[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise ProgramError(f"{settings.file}: a Python file's name ends in .py")
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
