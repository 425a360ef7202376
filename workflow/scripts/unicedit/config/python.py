"""Settings of a user's own program, run by the engine `python`."""

from typing import Any, Literal

from pydantic import Field

from unicedit.config.section import Section


class PythonSettings(Section):
    """A class or function in a Python file of one's own. The job runs it with all rights of its user: name a stranger's file only if you would run any program of theirs."""

    file: str = Field(
        pattern=r"\.py$", description="The file, `….py`, anywhere on this machine; relative to the folder that the run is started in."
    )
    name: str = Field(
        pattern=r"^[^\W\d]\w{0,99}$",
        description="The class or function in it. A class is built once in each process, with `arguments`, and then called; a function is called with them.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Arguments by name, for instance `{strength: 0.5}`; they count as deciding its rows."
    )
    sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        description="What the file must hold. null: whatever it holds as the run begins; rows that another content made are made again.",
    )

    def deciding(self) -> dict[str, Any]:
        """What decides a row, beside the file's content."""
        return self.model_dump(mode="json", exclude={"file", "sha256"})


class PythonEditorSettings(PythonSettings):
    """An editor of one's own: called as `(image, instruction, seed)`, it gives the edited picture. docs/own-editor.md has one in 20 lines."""

    language: Literal["en", "cn"] = Field("en", description="Which form of the instruction it is given.")
