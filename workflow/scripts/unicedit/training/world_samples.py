"""Samples drawn in the simulated world: pictures rendered as the pipeline shows them, answers from the truth."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from unicedit.config.ingest import EncodingSettings
from unicedit.files import digest_of
from unicedit.ingest.crop import crop_of
from unicedit.map.stage import Batch, Compute, Item, Row, RowError
from unicedit.pictures import encoded
from unicedit.provenance import Provenance
from unicedit.training.disturb import disturbed
from unicedit.training.kinds import Told, texts
from unicedit.training.schema import FAILED_EDIT, HALLUCINATION, NORMAL
from unicedit.world.apply import apply
from unicedit.world.describe import caption, differences, faults, ordered
from unicedit.world.develop import shown
from unicedit.world.editor import develop
from unicedit.world.faults import NO_EDIT, NONE, FaultRates
from unicedit.world.grammar import WORDINGS, Edit, say
from unicedit.world.outcome import Outcome, outcome
from unicedit.world.scene import VERSION, Scene, scene_of
from unicedit.world.words import CN, EN

WRITER = f"simulated-world-{VERSION}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample as it was drawn: everything that decides its row, beside the code.

    ``done`` is the edit that took place (None: nothing did), ``told`` the one that the instruction names, ``mistaken`` the one that a
    rejected reply names in its place. ``fault`` spoils a failed edit: quality or damage.
    """

    source: str  # the world's name of the picture
    group: str  # its photograph
    split: str
    purpose: str | None
    kind: str
    held_out: bool
    subtask: str
    done: Edit | None
    told: Edit
    mistaken: Edit | None
    wording: int
    disturbance: str
    measures: tuple[float, ...]
    fault: str = ""

    @property
    def inputs(self) -> str:
        """Digest of all that was drawn."""
        return digest_of(asdict(self))

    @property
    def key(self) -> str:
        """``world-<number>-<digest>``: a sample drawn otherwise has another key."""
        return f"world-{self.source[-5:]}-{self.inputs[:12]}"


class WorldSamples:
    """The samples of one part. ``size_divisor`` is ingest's: pictures are cropped and resized as it would."""

    def __init__(self, drawn: Sequence[Drawn], size_divisor: int, encoding: EncodingSettings, recipe: str) -> None:
        self.drawn = {one.key: one for one in drawn}
        if len(self.drawn) != len(drawn):
            raise ValueError("two samples of a part are the same")
        self.size_divisor = size_divisor
        self.encoding = encoding
        self.recipe = recipe

    def items(self) -> Iterator[Item]:
        """One item a sample, those that share a picture one after the other."""
        for key, one in self.drawn.items():
            light = {name: getattr(one, name) for name in ("source", "group", "split", "purpose", "kind", "held_out", "subtask")}
            light |= {"key": key, "operation": (one.done or one.told).operation, "disturbance": one.disturbance}
            yield Item(key, digest_of(one.inputs, self.size_divisor), self.recipe, light)

    def load(self, items: Sequence[Item]) -> Sequence[Drawn]:
        """What was drawn; nothing is read."""
        return [self.drawn[item.key] for item in items]

    def open(self) -> Compute:
        """The function that renders a batch."""
        return self.compute

    def compute(self, batch: Batch) -> list[list[Row] | RowError]:
        """The row of each sample."""
        return [[self._row(item.key, one)] for item, one in batch]

    def _row(self, key: str, one: Drawn) -> Row:
        provenance = provenance_of(one.source, self.size_divisor)
        happened = happening(one, provenance)
        source = shown(happened.before, provenance, None)
        edit = disturbed(develop(happened, source, provenance, one.wording), one.disturbance, one.measures, key)
        return {
            "source_image": _encoded_source(one.source, self.size_divisor, self.encoding),
            "edit_image": encoded(edit, self.encoding),
            "source_caption": caption(ordered(happened.before)),
            "edit_caption": caption(ordered(happened.final)),
            "writer": WRITER,
            **texts(
                one.kind,
                given=told(one.told, happened.before, one.wording),
                true=told(one.done, happened.before, one.wording) if one.done and happened.valid else None,
                mistaken=told(one.mistaken, happened.before, one.wording) if one.mistaken else None,
                seen=seen(happened),
            ),
        }


def told(edit: Edit, before: Scene, wording: int) -> Told:
    """The edit in both languages, what it would change in the scene, and the grammar's other wordings of it."""
    (first, *others) = dict.fromkeys((say(edit, EN, number), say(edit, CN, number)) for number in range(wording, wording + WORDINGS))
    return Told(*first, tuple(differences(ordered(before), ordered(apply(edit, before)))), tuple(others))


def happening(one: Drawn, provenance: Provenance) -> Outcome:
    """What happens in a sample."""
    before = scene_of(one.source)
    if one.kind == FAILED_EDIT:
        rates = FaultRates(**{"no_edit": 0, "misaligned": 0, "quality": 0, "damage": 0, one.fault: 1})
        return outcome(provenance, say(one.told, EN, one.wording), one.wording, rates)
    if one.kind in (NORMAL, HALLUCINATION) and one.done is not None:
        after = apply(one.done, before)
        return Outcome(NONE, one.done, before, after, after)
    return Outcome(NO_EDIT, None, before, before, before)


def seen(happened: Outcome) -> list[str]:
    """Every visible difference of what happened, damage included."""
    found = differences(ordered(happened.before), ordered(happened.final))
    return found + faults(happened.smear is not None, happened.spoil)


@lru_cache(maxsize=64)
def provenance_of(source: str, size_divisor: int) -> Provenance:
    """Where the picture comes from, and how ingest would crop it."""
    scene = scene_of(source)
    crop = crop_of(scene.width, scene.height, size_divisor)
    return Provenance(source, source, scene.width, scene.height, crop.box, *crop.size)


@lru_cache(maxsize=8)
def _stored(source: str, size_divisor: int, encoding: str) -> bytes:
    picture = shown(scene_of(source), provenance_of(source, size_divisor), None)
    return encoded(picture, EncodingSettings.model_validate_json(encoding))


def _encoded_source(source: str, size_divisor: int, encoding: EncodingSettings) -> bytes:
    """The source picture's bytes; samples that share it follow one another."""
    return _stored(source, size_divisor, encoding.model_dump_json())
