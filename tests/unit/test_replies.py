"""Malformed replies of vision-language models: what each of them is read as, or why it is refused (issue 5)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from unicedit.vlm.reply import Line, ReplyError, parse


class Verdict(BaseModel):
    """What is asked for here: a score with a reason, and a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    score: float = Field(ge=0, le=10, allow_inf_nan=False)
    reason: Line
    faults: list[Line]


GOOD = '{"score": 8, "reason": "Well done.", "faults": ["a seam"]}'
WANTED = Verdict(score=8, reason="Well done.", faults=["a seam"])

READ = {
    "alone": GOOD,
    "spaces around": f"\n\n  {GOOD}\t\n",
    "over several lines": json.dumps(json.loads(GOOD), indent=2),
    "fenced": f"```json\n{GOOD}\n```",
    "fenced without a language": f"```\n{GOOD}\n```",
    "fenced in capitals": f"```JSON\n{GOOD}\n```",
    "fenced with carriage returns": f"```json\r\n{GOOD}\r\n```",
    "prose before": f"Here is my verdict: {GOOD}",
    "prose after": f"{GOOD}\nI hope this helps!",
    "prose around a fence": f"Sure.\n```json\n{GOOD}\n```\nLet me know.",
    "Chinese prose": f"好的，这是我的评价：{GOOD}。希望有帮助。",
    "a thought first": f"<think>The seam is visible.</think>{GOOD}",
    "trailing comma in the object": '{"score": 8, "reason": "Well done.", "faults": ["a seam"],}',
    "trailing comma in the list": '{"score": 8, "reason": "Well done.", "faults": ["a seam",]}',
    "single quotes": "{'score': 8, 'reason': 'Well done.', 'faults': ['a seam']}",
    "keys without quotes": '{score: 8, reason: "Well done.", faults: ["a seam"]}',
    "a comment": '{"score": 8, // good\n"reason": "Well done.", "faults": ["a seam"]}',
    "a comma is missing": '{"score": 8 "reason": "Well done.", "faults": ["a seam"]}',
    "typographic quotes around the object": f"“{GOOD}”",
    "a byte order mark": f"\ufeff{GOOD}",
    "other order": '{"faults": ["a seam"], "reason": "Well done.", "score": 8}',
    "score with a point": '{"score": 8.0, "reason": "Well done.", "faults": ["a seam"]}',
    "direction marks": '{"score": 8, "reason": "\u202eWell done.\u202c", "faults": ["a seam"]}',
    "control characters": '{"score": 8, "reason": "Well\\u0007 done.", "faults": ["a seam"]}',
    "escaped slash": GOOD.replace("a seam", "a\\u0020seam"),
}

REFUSED = {
    "empty": ("", "no JSON"),
    "only spaces": ("  \n ", "no JSON"),
    "prose alone": ("The edit looks fine to me.", "no JSON"),
    "a refusal": ("I'm sorry, but I can't assist with that.", "no JSON"),
    "a refusal in Chinese": ("抱歉，我无法评价这张图片。", "no JSON"),
    "a number alone": ("8", "a number"),
    "a score as people write it": ("8/10", "no JSON"),
    "a text alone": ('"8"', "a text"),
    "null": ("null", "null"),
    "true": ("true", "true or false"),
    "an empty object": ("{}", "score"),
    "an empty list": ("[]", "a list"),
    "a list of the object": (f"[{GOOD}]", "a list"),
    "two objects": (f"{GOOD}\n{GOOD}", ""),
    "two objects in a list": (f"[{GOOD}, {GOOD}]", "a list"),
    "a draft, then the reply": (f"First {GOOD.replace('8', '3')} but no: {GOOD}", ""),
    "in another object": (f'{{"result": {GOOD}}}', ""),
    "as text in another object": (json.dumps({"result": GOOD}), ""),
    "in XML": ("<score>8</score>", "no JSON"),
    "in YAML": ("score: 8\nreason: Well done.\nfaults: [a seam]", "no JSON"),
    "in Markdown": ("| score | reason |\n| --- | --- |\n| 8 | Well done. |", "no JSON"),
    "cut off in a text": ('{"score": 8, "reason": "Well do', "breaks off"),
    "cut off in the list": ('{"score": 8, "reason": "Well done.", "faults": ["a seam", "a sm', "breaks off"),
    "cut off before the end": (GOOD[:-1], "breaks off"),
    "cut off in a fence": (f"```json\n{GOOD[:-12]}", "breaks off"),
    "cut off after an inner object": ('{"score": 8, "inner": {"a": 1}', "breaks off"),
    "a bracket too many": (GOOD + "}", "brackets"),
    "score NaN": (GOOD.replace("8", "NaN"), "NaN"),
    "score Infinity": (GOOD.replace("8", "Infinity"), "Infinity"),
    "NaN in a mended reply": ("{'score': NaN, 'reason': 'Well done.', 'faults': []}", "NaN"),
    "score 11": (GOOD.replace("8", "11"), "score"),
    "score -3": (GOOD.replace("8", "-3"), "score"),
    "score 1e999": (GOOD.replace("8", "1e999"), ""),
    "score null": (GOOD.replace("8", "null"), "score"),
    "score as a text": (GOOD.replace("8", '"8"'), "score"),
    "score of ten as a text": (GOOD.replace("8", '"8/10"'), "score"),
    "score of ten bare": (GOOD.replace("8", "8/10"), ""),
    "score in words": (GOOD.replace("8", '"eight"'), "score"),
    "score true": (GOOD.replace("8", "true"), "score"),
    "score a list": (GOOD.replace("8", "[8]"), "score"),
    "score an object": (GOOD.replace("8", '{"value": 8}'), "score"),
    "score missing": ('{"reason": "Well done.", "faults": []}', "score"),
    "reason missing": ('{"score": 8, "faults": []}', "reason"),
    "reason null": ('{"score": 8, "reason": null, "faults": []}', "reason"),
    "reason a number": ('{"score": 8, "reason": 5, "faults": []}', "reason"),
    "reason endless": (json.dumps({"score": 8, "reason": "long " * 400, "faults": []}), "1000 are allowed"),
    "faults a text": ('{"score": 8, "reason": "Well done.", "faults": "a seam"}', "faults"),
    "faults with a number": ('{"score": 8, "reason": "Well done.", "faults": [1]}', "faults"),
    "faults null": ('{"score": 8, "reason": "Well done.", "faults": null}', "faults"),
    "key in another language": ('{"分数": 8, "reason": "Well done.", "faults": []}', ""),
    "key in capitals": ('{"Score": 8, "reason": "Well done.", "faults": []}', ""),
    "a key too many": (GOOD[:-1] + ', "confidence": 1}', "confidence"),
    "a key twice": ('{"score": 8, "score": 3, "reason": "Well done.", "faults": []}', "'score' is there twice"),
    "a key twice, in single quotes": ("{'score': 8, 'score': 3, 'reason': 'Well done.', 'faults': []}", ""),
    "a key twice, further in": ('{"score": 8, "reason": "Well done.", "faults": [{"a": 1, "a": 2}]}', "'a' is there twice"),
    "huge": ("x" * 200_000, "200000 characters"),
    "deep": ("[" * 50_000 + "]" * 50_000, ""),
    "deep object": ('{"a":' * 15_000 + "1" + "}" * 15_000, ""),
    "null characters": ("\0" * 20, "no JSON"),
    "a program": ('print({"score" + "": 8})', ""),
    "an ellipsis": ('{"score": 8, "reason": ..., "faults": []}', ""),
    "the schema itself": (json.dumps(Verdict.model_json_schema()), ""),
}


def test_the_corpus_is_large_enough() -> None:
    assert len(READ) + len(REFUSED) >= 60


@pytest.mark.parametrize("name", READ)
def test_reply_that_is_read(name: str) -> None:
    assert parse(READ[name], Verdict) == WANTED


@pytest.mark.parametrize("name", REFUSED)
def test_reply_that_is_refused(name: str) -> None:
    text, why = REFUSED[name]
    with pytest.raises(ReplyError) as caught:
        parse(text, Verdict)
    assert why in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) <= 330


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse(text, Verdict)
    except ReplyError as refused:
        assert str(refused)
    else:
        assert isinstance(read, Verdict)


@given(st.integers(0, len(GOOD) - 1))
def test_a_reply_that_breaks_off_is_never_completed(length: int) -> None:
    with pytest.raises(ReplyError):
        parse(GOOD[:length], Verdict)
    with pytest.raises(ReplyError):
        parse(f"Sure: {GOOD[:length]}", Verdict)
