"""Samples as tasks of Label Studio, and its JSON export as reviews (https://labelstud.io/guide/export, https://labelstud.io/guide/task_format)."""

import base64
import io
from collections.abc import Iterator, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unicedit.files import read_json
from unicedit.pictures import decoded
from unicedit.review.decision import ACCEPT, CORRECT, REJECT, ReviewError, fault_of
from unicedit.training.queue import TITLES
from unicedit.training.review import LINES, TEXTS, Review, shown_digest

DECISION, REASON = "decision", "reason"

_FIELD = """  <Header size="5" value="{title}"/>
  <TextArea name="{name}" toName="source" value="${name}" rows="{rows}" maxSubmissions="1" editable="true" showSubmitButton="false"/>
"""
INTERFACE = f"""<View>
  <Header value="$about"/>
  <View style="display: flex; gap: 1em">
    <View style="flex: 50%"><Header size="5" value="Source"/><Image name="source" value="$source_image" zoom="true"/></View>
    <View style="flex: 50%"><Header size="5" value="Edit"/><Image name="edit" value="$edit_image" zoom="true"/></View>
  </View>
  <Choices name="{DECISION}" toName="source" choice="single-radio" required="true" showInline="true">
    <Choice value="{ACCEPT}" hint="Everything below is right"/>
    <Choice value="{CORRECT}" hint="Right once the texts are as I changed them"/>
    <Choice value="{REJECT}" hint="Not to be trained on"/>
  </Choices>
  <TextArea name="{REASON}" toName="source" placeholder="Reason, where you reject" rows="1" maxSubmissions="1" editable="true"/>
{"".join(_FIELD.format(title=title, name=name, rows=3 if name in LINES else 1) for name, title in TITLES.items())}</View>
"""


def task(sample: Mapping[str, Any], source: str, edit: str) -> dict[str, Any]:
    """A sample as a task; ``source`` and ``edit`` are addresses of its pictures."""
    texts = {name: "\n".join(sample[name] or ()) if name in LINES else sample[name] or "" for name in TEXTS}
    about = f"{sample['kind']}, {sample['subtask']}, {sample['purpose'] or sample['split']}"
    data = {"key": sample["key"], "shown": shown_digest(sample), "about": about, "source_image": source, "edit_image": edit, **texts}
    return {"data": data}


def small(picture: bytes, max_side: int) -> bytes:
    """The picture as PNG, its longer side at most ``max_side`` pixels."""
    image = decoded(picture)
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    stored = io.BytesIO()
    image.save(stored, "PNG")
    return stored.getvalue()


def data_uri(png: bytes) -> str:
    """The picture inside an address."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


class _Loose(BaseModel):
    # other fields than ours come with every release of Label Studio
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Result(_Loose):
    from_name: str
    type: str
    value: dict[str, Any]


class _Annotation(_Loose):
    result: list[_Result]
    completed_by: int | dict[str, Any] | None = None
    was_cancelled: bool = False
    created_at: str | None = None
    updated_at: str | None = None


class _Task(_Loose):
    data: dict[str, Any]
    annotations: list[_Annotation] = Field(default_factory=list)


def reviews_of(export: Path, keys: Set[str], prefix: str) -> Iterator[Review]:
    """The reviews in a JSON export. ``keys`` are those of the run's samples; reviewers are named ``<prefix>-<user number>``.

    Skipped (cancelled) annotations and tasks without any are left out. A text that was changed makes an acceptance a correction. Raises ``ReviewError`` that names the
    file and the task.
    """
    try:
        tasks = read_json(export)
    except (OSError, ValueError) as error:
        raise ReviewError(f"{export}: no JSON export of Label Studio: {error}") from error
    if not isinstance(tasks, list):
        raise ReviewError(f"{export}: no JSON export of Label Studio: it holds a list of tasks; choose the format JSON, not JSON-MIN")
    for number, value in enumerate(tasks, 1):
        place = f"{export}, task {number}" + (f" (id {value['id']})" if isinstance(value, dict) and "id" in value else "")
        try:
            one = _Task.model_validate(value)
        except ValidationError as error:
            raise ReviewError(f"{place}: {fault_of(error)}") from error
        for annotation in one.annotations:
            if not annotation.was_cancelled:
                yield _review(one, annotation, keys, prefix, place)


def _review(one: _Task, annotation: _Annotation, keys: Set[str], prefix: str, place: str) -> Review:
    key = one.data.get("key")
    if key not in keys:
        raise ReviewError(f"{place}: key {key!r} is no sample of this run; import into the run that exported it")
    said = _said(annotation, place)
    decision = said.pop(DECISION, None)
    if decision is None:
        raise ReviewError(f"{place}: no decision; it must be {ACCEPT}, {CORRECT} or {REJECT}")
    reason = said.pop(REASON, "")
    shown = {name: one.data.get(name, "") for name in TEXTS}
    changed = {name: text for name, text in said.items() if name in TEXTS and text.split() != str(shown[name]).split()}
    emptied = next((name for name, text in changed.items() if not text.strip()), None)
    if decision == REJECT:
        changed = {}
    elif emptied is not None:
        raise ReviewError(f"{place}: {emptied} was emptied; reject the sample instead, or give the right text")
    elif changed:
        decision = CORRECT
    elif decision == CORRECT:
        raise ReviewError(f"{place}: the decision is {CORRECT}, and no text was changed")
    texts = {name: [line for line in text.splitlines() if line.strip()] if name in LINES else text for name, text in changed.items()}
    try:
        return Review(
            key=str(key),
            shown=str(one.data.get("shown")),
            decision=decision,
            texts=texts,
            reason=reason,
            reviewer=f"{prefix}-{_number(annotation, place)}",
            time=_time(annotation, place),
        )
    except ValidationError as error:
        raise ReviewError(f"{place}: {fault_of(error)}") from error


def _said(annotation: _Annotation, place: str) -> dict[str, str]:
    """What was chosen and written, by the name of the control."""
    found: dict[str, str] = {}
    for result in annotation.result:
        if result.type == "choices":
            chosen = result.value.get("choices")
            if not isinstance(chosen, list) or len(chosen) != 1:
                raise ReviewError(f"{place}: {result.from_name} must be one choice, and is {chosen!r}")
            found[result.from_name] = str(chosen[0])
        elif result.type == "textarea":
            text = result.value.get("text")
            if not isinstance(text, str | list):
                raise ReviewError(f"{place}: {result.from_name} must hold text, and holds {text!r}")
            entries = [text] if isinstance(text, str) else [str(entry) for entry in text]
            if len(entries) > 1 and result.from_name not in LINES:
                raise ReviewError(f"{place}: {result.from_name} holds {len(entries)} entries; leave the right one alone")
            found[result.from_name] = "\n".join(entries)
    return found


def _number(annotation: _Annotation, place: str) -> int:
    """The user's number: names and addresses that an export may hold go no further."""
    by = annotation.completed_by
    number = by.get("id") if isinstance(by, dict) else by
    if not isinstance(number, int):
        raise ReviewError(f"{place}: completed_by names no user number, and holds {type(by).__name__}")
    return number


def _time(annotation: _Annotation, place: str) -> str:
    """When the annotation was last changed, in UTC."""
    given = annotation.updated_at or annotation.created_at
    try:
        when = datetime.fromisoformat(str(given))
    except ValueError:
        raise ReviewError(f"{place}: no time in updated_at or created_at ({given!r})") from None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return when.isoformat().replace("+00:00", "Z")
