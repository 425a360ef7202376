"""What ImgEdit-Bench, basic suite, has edits of each kind judged by: three criteria a kind, in the order of its publishers' scores. What is asked is theirs
(Benchmark/Basic/prompts.json, see config/benchmarks/imgedit.yaml), the wording ours.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Criterion:
    """What one score is of: its name in replies, the question, and what scores of 1, 3 and 5 mean."""

    name: str
    what: str
    worst: str
    middle: str
    best: str


_BLENDED = Criterion(
    "naturalness",
    "does the changed part belong to the picture in style, sharpness, colour and light?",
    "the picture is spoilt by it",
    "it fits roughly; edges, light or colours clash at a second look",
    "nobody could tell where the picture was changed",
)
_PHYSICAL = Criterion(
    "integrity",
    "do light, shadows, perspective and contact agree with the scene, and did the rest of the picture stay as it was?",
    "things float or run into each other, or the rest is bent and lost",
    "mostly right, with faults that one can live with, and small changes nearby",
    "as if it had been photographed so; the rest is untouched",
)

CRITERIA: dict[str, tuple[Criterion, Criterion, Criterion]] = {
    "add": (
        Criterion(
            "compliance",
            "is there what was to be added: the right kind of thing, in number, place, colour and size as asked?",
            "nothing was added, or a shapeless thing",
            "the right kind of thing, with a wrong number, place or trait",
            "exactly what was asked for, where it makes sense",
        ),
        _BLENDED,
        _PHYSICAL,
    ),
    "adjust": (
        Criterion(
            "compliance",
            "has the right thing the new trait (colour, material, texture, size and so on), and keeps its shape?",
            "the trait is as before, another thing was touched, or the thing lost its shape",
            "the right thing and trait, but far from the degree that was asked for, or other things were touched too",
            "precisely the asked trait of precisely the asked things",
        ),
        _BLENDED,
        _PHYSICAL,
    ),
    "background": (
        Criterion(
            "compliance",
            "is the background the one that was asked for, behind a foreground that is as it was?",
            "the background is the old one or has nothing to do with the request, or the foreground was replaced as well",
            "largely the new background; parts are missing or reach over the subject's edge",
            "the new background is all there, and the foreground is as it was",
        ),
        _BLENDED,
        Criterion(
            "consistency",
            "do subject and background share light, horizon, scale and depth?",
            "they contradict each other at first sight",
            "believable, with small faults in shadows or perspective",
            "one place, one light, one camera",
        ),
    ),
    "replace": (
        Criterion(
            "compliance",
            "is the old thing gone and the new one in its place, of the kind, number and look that was asked for?",
            "the old thing is still there, or another one was replaced",
            "replaced for the most part; remains are left, others were touched, or number or place is wrong",
            "all of the old is gone, and the new is as described",
        ),
        _BLENDED,
        _PHYSICAL,
    ),
    "remove": (
        Criterion(
            "compliance",
            "is what was to go gone, all of it and nothing else?",
            "it is still there, or another thing is gone",
            "mostly gone; parts of it are left, or other things went with it",
            "it is gone and everything else is there",
        ),
        Criterion(
            "naturalness",
            "does the place where it was look like the rest of the picture?",
            "a hole or a smear is left",
            "acceptable; blur, noise or a wrong colour can be seen",
            "nobody could tell that something was there",
        ),
        _PHYSICAL,
    ),
    "style": (
        Criterion(
            "style",
            "is the picture in the style that was asked for, in colour, line, texture and light?",
            "another style, or none",
            "its main traits are there, in patches",
            "the whole picture is in that style",
        ),
        Criterion(
            "content",
            "are the things of the source and their arrangement still there?",
            "the scene can hardly be recognised",
            "the arrangement is right; some things are bent or missing",
            "everything is where it was, but for what the style itself does to it",
        ),
        Criterion(
            "rendering",
            "how clean is the picture as a work in that style?",
            "noise, stripes or blur make it useless",
            "fair; some places are blurred or torn",
            "sharp and of one piece, without flaws",
        ),
    ),
    "action": (
        Criterion(
            "action",
            "does the person or animal do, or show in its face, what was asked for?",
            "it does what it did before, or something else",
            "the idea is there; angle, side or strength is off",
            "body, limbs and face are as described",
        ),
        Criterion(
            "identity",
            "is it the same one, in face, hair, skin or fur, and clothes?",
            "somebody else",
            "the same one for the most part; some traits changed",
            "the same one in every trait",
        ),
        Criterion(
            "coherence",
            "are anatomy, light and edges right?",
            "limbs are broken or there twice, or the picture is full of flaws",
            "plausible; a joint or a shadow is a little off",
            "nothing to find fault with",
        ),
    ),
    "extract": (
        Criterion(
            "object",
            "is what was cut out the thing that was asked for, the same one, and all of it?",
            "another thing, or several",
            "the right thing; small pieces are missing or too many",
            "exactly that thing, complete",
        ),
        Criterion(
            "cut",
            "how clean are its outline and the white ground?",
            "much of the old background is left, or the ground is not white",
            "acceptable; soft edges or a faint halo",
            "a crisp outline on pure white",
        ),
        Criterion(
            "quality",
            "is the thing itself sharp and true in colour and shape?",
            "blurred, bent or with holes",
            "whole; a little soft",
            "as sharp and true as in the source, or better",
        ),
    ),
    "compose": (
        Criterion(
            "compliance",
            "was each of the several changes made to its own thing, as asked?",
            "none was, or to other things",
            "all things were touched, each change roughly right; details are wrong",
            "each change is exactly as asked, and nothing else changed",
        ),
        _BLENDED,
        _PHYSICAL,
    ),
}
