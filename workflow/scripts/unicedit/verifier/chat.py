"""What the trained verifier is asked and what it is taught to answer: one wording for training, verification and serving.

The reply is the paper's chain of thought, in its order, so that the verdict is conditioned on the stated differences. The ``short`` form leaves out the
captions. An instruction may be withheld: then the verifier reads the change from the pictures alone (the blind reading).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from unicedit.verify.reply import ShortReply, VerifyReply
from unicedit.vlm.template import render

Form = Literal["full", "short"]
_TEMPLATE = Path(__file__).with_name("question.jinja")


def reply_model(form: Form) -> type[VerifyReply] | type[ShortReply]:
    """The model of a reply's form; its JSON schema serves constrained decoding."""
    return VerifyReply if form == "full" else ShortReply


def question(instruction: tuple[str, str] | None, form: Form, pictures: Literal[2, 3]) -> str:
    """The question about source and edit (and their differential picture, where there are three). ``instruction`` is the English and the
    Chinese text, or None where it is withheld.
    """
    english, chinese = instruction or (None, None)
    return render(_TEMPLATE, instruction_en=english, instruction_cn=chinese, fields=list(reply_model(form).model_fields), pictures=pictures)


def reply_text(
    differences: Sequence[str],
    is_changed: bool,
    instruction: tuple[str, str] = ("", ""),
    captions: tuple[str, str] | None = None,
) -> str:
    """The reply as text: one line of JSON, in the short form where ``captions`` (source, edit) is None. What is given must fit the form's model."""
    values: dict[str, Any] = dict(zip(("source_caption", "edit_caption"), captions or (), strict=False))
    values |= {
        "differences": list(differences),
        "is_changed": is_changed,
        "instruction_en": instruction[0],
        "instruction_cn": instruction[1],
    }
    reply_model("full" if captions else "short").model_validate(values)
    return json.dumps(values, ensure_ascii=False)


def messages(text: str, pictures: int, reply: str | None = None) -> list[dict[str, Any]]:
    """A chat of ``pictures`` images and ``text`` in the format of transformers and trl, with the assistant's ``reply`` where given."""
    content: list[dict[str, Any]] = [{"type": "image"}] * pictures + [{"type": "text", "text": text}]
    chat: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if reply is not None:
        chat.append({"role": "assistant", "content": [{"type": "text", "text": reply}]})
    return chat
