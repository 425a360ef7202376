"""Ask a released verifier about one pair of pictures: by transformers in this process, or by a server that speaks OpenAI's protocol (vLLM).

    python ask.py source.png edit.png "Make the ball blue." "把球变成蓝色。"
    python ask.py source.png edit.png "Make the ball blue." --server http://localhost:8000/v1

Needs Python packages only (pillow, numpy, jinja2; transformers and torch without --server). An instruction may be left out: then the change is read from the
pictures alone. Prints the verdict as JSON.
"""

import argparse
import base64
import io
import json
import urllib.request
from pathlib import Path
from typing import Any

from differential import differential_picture  # type: ignore[import-not-found]  # lies beside this file in a release
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from PIL import Image

HERE = Path(__file__).resolve().parent
FIELDS = ["differences", "is_changed", "instruction_en", "instruction_cn"]


def question(said: dict[str, Any], english: str | None, chinese: str | None) -> str:
    """The question in the words that the verifier was trained with."""
    environment = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    fields = FIELDS if said["reply"] == "short" else ["source_caption", "edit_caption", *FIELDS]
    pictures = 3 if said["differential"] == "image" else 2
    template = environment.from_string((HERE / "question.jinja").read_text(encoding="utf-8"))
    return template.render(instruction_en=english, instruction_cn=chinese, fields=fields, pictures=pictures)


def by_transformers(text: str, pictures: list[Image.Image], tokens: int) -> str:
    """The greedy reply of the model in this folder."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(HERE)
    processor = AutoImageProcessor.from_pretrained(HERE, backend="pil")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForImageTextToText.from_pretrained(HERE, dtype="auto" if device == "cuda" else torch.float32).to(device).eval()
    seen = processor(images=pictures, return_tensors="pt")
    content = [{"type": "image"} for _ in pictures] + [{"type": "text", "text": text}]
    first, *rest = tokenizer.apply_chat_template([{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True).split(
        "<|image_pad|>"
    )
    counts = (seen["image_grid_thw"].prod(-1) // processor.merge_size**2).tolist()
    prompt = first + "".join("<|image_pad|>" * count + part for count, part in zip(counts, rest, strict=True))
    inputs = {**tokenizer(prompt, return_tensors="pt"), **seen}
    # the positions of picture tokens in the plane depend on it
    inputs["mm_token_type_ids"] = (inputs["input_ids"] == model.config.image_token_id).int()
    inputs = {name: value.to(device) for name, value in inputs.items()}
    made = model.generate(**inputs, max_new_tokens=tokens, do_sample=False, repetition_penalty=1.0)
    return str(tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def by_server(text: str, pictures: list[Image.Image], tokens: int, server: str) -> str:
    """The greedy reply of the model that a server gives first."""

    def call(path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body else None
        asked = urllib.request.Request(f"{server.rstrip('/')}/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=600) as answer:
            return json.load(answer)

    content: list[dict[str, Any]] = []
    for picture in pictures:
        stream = io.BytesIO()
        picture.save(stream, "PNG")
        url = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
        content.append({"type": "image_url", "image_url": {"url": url}})
    content.append({"type": "text", "text": text})
    body = {
        "model": call("models")["data"][0]["id"],
        "messages": [{"role": "user", "content": content}],
        "max_tokens": tokens,
        "temperature": 0,
        "repetition_penalty": 1.0,
    }
    return str(call("chat/completions", body)["choices"][0]["message"]["content"])


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("source", type=Path)
    made.add_argument("edit", type=Path)
    made.add_argument("instruction", nargs="?", help="what was asked for, in English")
    made.add_argument("instruction_cn", nargs="?", default="", help="the same in Chinese")
    made.add_argument("--server", help="address of an OpenAI-compatible server, such as http://localhost:8000/v1")
    made.add_argument("--max-new-tokens", type=int, default=1024)
    given = made.parse_args()
    said = json.loads((HERE / "config.json").read_text(encoding="utf-8"))["verifier"]
    pictures = [Image.open(path).convert("RGB") for path in (given.source, given.edit)]
    if said["differential"] == "image":
        pictures.append(differential_picture(*pictures))
    text = question(said, given.instruction, given.instruction_cn if given.instruction is not None else None)
    reply = (
        by_server(text, pictures, given.max_new_tokens, given.server)
        if given.server
        else by_transformers(text, pictures, given.max_new_tokens)
    )
    print(json.dumps(json.loads(reply), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
