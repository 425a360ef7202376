"""The simulated instruction writer: proposes edits that the scene allows."""

import json
import random
from collections.abc import Sequence
from typing import Any

from unicedit.vlm.port import Arrived, VlmEngine, VlmReply, VlmRequest, unheard
from unicedit.world.apply import apply, resolved
from unicedit.world.chance import chance
from unicedit.world.describe import differences
from unicedit.world.grammar import Edit, say
from unicedit.world.outcome import scene_behind
from unicedit.world.propose import lacks, propose
from unicedit.world.scene import VERSION, Scene
from unicedit.world.words import CN, EN, RELATION_EN, thing_text

MODEL = f"simulated-instructor-{VERSION}"
REASONING = frozenset(
    {"Relation Change", "Compound Operation Edits", "Multi-object Coordination", "Spatial Reasoning Edits", "Implicit Change Edits"}
)
DRAWS = 12  # before a sub-task is given up because all its edits were proposed already


class SimulatedInstructor(VlmEngine):
    """A vision-language engine that answers instruct's questions from the scene; a share ``malformed`` of its replies is no valid JSON."""

    def __init__(self, malformed: float) -> None:
        if not 0 <= malformed <= 1:
            raise ValueError(f"malformed is {malformed:g}: 0 to 1 is allowed")
        self.malformed = malformed

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """One reply a request, in order. ``ValueError`` for a request without provenance or without what instruct asks for."""
        return [VlmReply(self._text(request), MODEL) for request in requests]

    def _text(self, request: VlmRequest) -> str:
        if request.provenance is None or "asked" not in request.details:
            raise ValueError(f"{request.key}: the simulated instructor needs a provenance and the sub-tasks asked for")
        text = json.dumps({"instructions": _instructions(request)}, ensure_ascii=False)
        return _malformed(text, request) if chance("malformed", request.key, request.attempt).random() < self.malformed else text


def _malformed(text: str, request: VlmRequest) -> str:
    lot = chance("malformed how", request.key, request.attempt)
    if lot.random() < 0.5:
        return text[: lot.randrange(len(text) // 3, len(text) - 1)]
    return "The picture could be edited in several ways, for instance by changing its colours or by removing an object."


def _instructions(request: VlmRequest) -> list[dict[str, Any]]:
    if request.provenance is None:
        raise ValueError(f"{request.key}: no provenance")
    scene = scene_behind(request.provenance)
    details = request.details
    lot = chance("instructor", request.provenance.key, details.get("seed", 0), list(details["asked"]))
    known: set[Edit] = set()
    written = [_entry(scene, subtask, lot, known) for subtask in details["asked"]]
    missing = int(details.get("count", len(written))) - sum(entry["possible"] for entry in written)
    for subtask in details.get("alternates", ()):
        if missing <= 0:
            break
        entry = _entry(scene, subtask, lot, known)
        if entry["possible"]:
            written.append(entry)
            missing -= 1
    return written


def _entry(scene: Scene, subtask: str, lot: random.Random, known: set[Edit]) -> dict[str, Any]:
    for _ in range(DRAWS):
        edit = propose(scene, subtask, lot)
        if edit is None:
            break
        if edit in known:
            continue
        known.add(edit)
        wording = lot.randrange(6)
        points = reasoning_points(edit, scene) if subtask in REASONING else []
        entry = {"subtask": subtask, "possible": True, "needs": "", "en": say(edit, EN, wording), "cn": say(edit, CN, wording)}
        return {**entry, "reasoning_points": points}
    return {"subtask": subtask, "possible": False, "needs": lacks(scene, subtask), "en": "", "cn": "", "reasoning_points": []}


def reasoning_points(edit: Edit, scene: Scene) -> list[str]:
    """What a right edit must have understood and done, two to six short sentences."""
    points = []
    slots = edit.slots
    if "relation" in slots and "thing" not in slots:
        found = resolved(scene, slots["relation"], slots["anchor"])
        points.append(f"The object {RELATION_EN[slots['relation']]} {thing_text(slots['anchor'], EN)} is {thing_text(found.name, EN)}.")
    points += differences(scene, apply(edit, scene))[:4]
    return [*points, "Nothing else changes."]
