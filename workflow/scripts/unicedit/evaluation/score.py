"""Scoring a verifier's reply against the truth of the simulated world.

A reply is fully right when its verdict is right and, where something changed, both its instructions ask for what happened (``meaning.same``): another wording
of the same edit counts as right. A reply that does not parse, and an instruction that is none of the world's, is wrong; both are counted as such.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unicedit.evaluation.meaning import same, slots_right
from unicedit.verifier.chat import Form
from unicedit.verify.reply import ShortReply, VerifyReply, parse_reply
from unicedit.vlm.reply import ReplyError, chinese
from unicedit.world.apply import Impossible, apply
from unicedit.world.grammar import Edit, Unreadable, read
from unicedit.world.outcome import WORLD_PREFIX
from unicedit.world.scene import Scene, scene_of
from unicedit.world.words import CN, EN, LANGUAGES

Slots = dict[str, bool | None]


class NoTruth(ValueError):
    """A sample whose stated truth is none: no instruction of the world, or impossible in its scene."""


@dataclass(frozen=True, slots=True)
class Restated:
    """How right one restated instruction is. ``readable``: it is an instruction of the world. A slot is None where the truth has no value in it."""

    right: bool
    readable: bool
    slots: Slots


@dataclass(frozen=True, slots=True)
class Score:
    """How right a reply is. ``restated`` holds a judgement a language where something valid changed, and nothing where nothing did.

    ``fault`` says why a reply did not parse; its ``is_changed`` is None.
    """

    is_changed: bool | None
    said: Mapping[str, str]
    changed_right: bool
    restated: Mapping[str, Restated]
    fault: str | None = None

    @property
    def right(self) -> bool:
        """Whether the reply is fully right."""
        return self.changed_right and all(one.right for one in self.restated.values())


def knows_truth(sample: Mapping[str, Any]) -> bool:
    """Whether a sample (a row of ``training.schema.SAMPLES``) is of the simulated world."""
    return str(sample["source"]).startswith(WORLD_PREFIX)


def score(reply: str, sample: Mapping[str, Any], form: Form) -> Score:
    """Score one reply (JSON text in ``form``) about a sample of the simulated world. Raises ``NoTruth``."""
    truth = true_edit(sample)
    try:
        answer = parsed(reply, form)
    except ReplyError as error:
        nothing = {language: _judged(None, truth, sample) for language in LANGUAGES} if truth else {}
        return Score(None, {}, False, nothing, str(error))
    said = {EN: answer.instruction_en, CN: answer.instruction_cn} if answer.is_changed else {}
    restated = {language: restating(said.get(language), language, sample) for language in LANGUAGES} if truth else {}
    return Score(answer.is_changed, said, answer.is_changed == sample["is_changed"], restated)


def fault_of(reply: str, form: Form) -> str | None:
    """Why a reply does not parse; None for one that does."""
    try:
        parsed(reply, form)
    except ReplyError as error:
        return str(error)
    return None


def verdict_alone(reply: str, sample: Mapping[str, Any], form: Form) -> Score:
    """What a reply says, and whether its verdict is right, for a sample whose texts are not the world's."""
    try:
        answer = parsed(reply, form)
    except ReplyError as error:
        return Score(None, {}, False, {}, str(error))
    said = {EN: answer.instruction_en, CN: answer.instruction_cn} if answer.is_changed else {}
    return Score(answer.is_changed, said, answer.is_changed == sample["is_changed"], {})


def asks_for(text: str, sample: Mapping[str, Any], language: str, given: str) -> bool:
    """Whether ``text`` asks for the same edit of the sample's source as the instruction ``given``."""
    said, meant = _read(text, language), _read(given, language)
    if said is None or meant is None:
        return False
    try:
        return same(said, meant, scene_behind(sample))
    except Impossible:  # the given instruction was never possible: only its own words ask for the same
        return same(said, meant, None)


def parsed(reply: str, form: Form) -> VerifyReply | ShortReply:
    """The reply in a text. Raises ``ReplyError``."""
    return parse_reply(reply, VerifyReply) if form == "full" else parse_reply(reply, ShortReply)


def restating(text: str | None, language: str, sample: Mapping[str, Any]) -> Restated:
    """How right a text (None: nothing was said) is as an instruction for what happened in a sample where something did."""
    truth = true_edit(sample)
    if truth is None:
        raise ValueError(f"sample {sample['key']}: nothing changed, so there is nothing to restate")
    return _judged(_read(text, language), truth, sample)


def _read(text: str | None, language: str) -> Edit | None:
    if text is None or chinese(text) != (language == CN):
        return None
    try:
        return read(text)
    except Unreadable:
        return None


def _judged(said: Edit | None, truth: Edit, sample: Mapping[str, Any]) -> Restated:
    scene = scene_behind(sample)
    if said is not None and same(said, truth, scene):
        return Restated(True, True, {slot: None if value is None else True for slot, value in slots_right(truth, truth, scene).items()})
    return Restated(False, said is not None, slots_right(said, truth, scene))


def true_edit(sample: Mapping[str, Any]) -> Edit | None:
    """What really happened in a sample of the simulated world; None where nothing valid did, and for other samples. Raises ``NoTruth``."""
    if not sample["is_changed"] or not knows_truth(sample):
        return None
    try:
        english, chinese_one = read(sample["true_en"] or ""), read(sample["true_cn"] or "")
        if english != chinese_one:
            raise NoTruth(f"{sample['key']}: true_en and true_cn ask for different edits")
        apply(english, scene_of(sample["source"]))
    except Unreadable as error:
        raise NoTruth(f"{sample['key']}: {error}") from error
    except Impossible as error:
        raise NoTruth(f"{sample['key']}: {sample['true_en']!r} is impossible in {sample['source']} ({error})") from error
    return english


def scene_behind(sample: Mapping[str, Any]) -> Scene | None:
    """The scene of a sample's source picture; None where it is not of the simulated world."""
    return scene_of(sample["source"]) if knows_truth(sample) else None
