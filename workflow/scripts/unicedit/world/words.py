"""The words of the world's instructions, English and Chinese, and how each value is written in them.

A *form* is a way to write values of one kind: ``thing`` (the red ball), ``a`` (a red ball), ``many`` (red balls), ``colour`` …
``FORMS[language][form]`` maps each value to its text; within a form no two values share a text, so texts can be read back.
"""

from unicedit.world.look import GRAINS, STYLES, TONES, VIEWS
from unicedit.world.photos import PHOTOS
from unicedit.world.scene import COLOURS, EXPRESSIONS, KINDS, MATERIALS, PLACES, SIZES, TEXTURES, WORDS

EN, CN = "en", "cn"
LANGUAGES = (EN, CN)

KIND_CN = dict(zip(KINDS, ("球", "方块", "星星", "爱心", "圆锥", "圆环", "人", "牌子"), strict=True))
COLOUR_CN = dict(zip(COLOURS, ("红色", "橙色", "黄色", "绿色", "蓝色", "紫色"), strict=True))
MATERIAL_EN = {"metal": "metal", "wood": "wood", "glass": "glass"}
MATERIAL_CN = {"metal": "金属", "wood": "木头", "glass": "玻璃"}
TEXTURE_CN = {"striped": "条纹", "dotted": "圆点", "checkered": "方格"}
EXPRESSION_CN = dict(zip(EXPRESSIONS, ("平静", "开心", "难过", "惊讶"), strict=True))
PLACE_CN = dict(zip(PLACES, ("左上方", "右上方", "左下方", "右下方"), strict=True))
STYLE_EN = dict(zip(STYLES, ("a pencil sketch", "an oil painting", "pixel art", "a flat poster"), strict=True))
STYLE_CN = dict(zip(STYLES, ("铅笔素描", "油画", "像素画", "平面海报"), strict=True))
TONE_EN = dict(zip(TONES, ("warm", "cool", "black-and-white", "night-time", "sepia"), strict=True))
TONE_CN = dict(zip(TONES, ("暖色", "冷色", "黑白", "夜晚", "棕褐色"), strict=True))
VIEW_EN = dict(zip(VIEWS, ("from the left side", "from the right side", "in a mirror"), strict=True))
VIEW_CN = dict(zip(VIEWS, ("从左侧", "从右侧", "从镜子里"), strict=True))
GRAIN_EN = dict(zip(GRAINS, ("rough canvas", "grainy film"), strict=True))
GRAIN_CN = dict(zip(GRAINS, ("粗糙画布", "胶片颗粒"), strict=True))
RELATION_EN = {
    "above": "directly above",
    "below": "directly below",
    "left": "to the left of",
    "right": "to the right of",
    "opposite": "diagonally opposite to",
}
RELATION_CN = {"above": "正上方", "below": "正下方", "left": "左边", "right": "右边", "opposite": "对角"}
MOTION_EN = {"left": "lean to the left", "right": "lean to the right", "jump": "jump up into the air", "inverted": "turn upside down"}
MOTION_CN = {"left": "向左倾斜", "right": "向右倾斜", "jump": "跳到空中", "inverted": "上下颠倒"}
NUMBER_EN = {"2": "two", "3": "three"}
NUMBER_CN = {"2": "两个", "3": "三个"}

THINGS = tuple(f"{colour} {kind}" for kind in KINDS for colour in COLOURS)
VISIBLE_MATERIALS = MATERIALS[1:]
VISIBLE_TEXTURES = TEXTURES[1:]
CHANGED_SIZES = (SIZES[0], SIZES[2])


def article(noun: str) -> str:
    """The noun with ``a`` or ``an``."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _bare(thing: str, plural: bool) -> str:
    colour, kind = thing.split()
    if kind == "person":
        return f"{'people' if plural else 'person'} in {colour}"
    return f"{colour} {kind}{'s' if plural else ''}"


def _chinese(thing: str) -> str:
    colour, kind = thing.split()
    return f"穿{COLOUR_CN[colour]}衣服的人" if kind == "person" else f"{COLOUR_CN[colour]}的{KIND_CN[kind]}"


def thing_text(thing: str, language: str) -> str:
    """``the red ball`` or its Chinese."""
    return FORMS[language]["thing"][thing]


def indefinite(thing: str) -> str:
    """``a red ball``, ``an orange ring``, ``a person in red``."""
    return FORMS[EN]["a"][thing]


_SAME = {word: word for word in WORDS}

FORMS: dict[str, dict[str, dict[str, str]]] = {
    EN: {
        "thing": {thing: f"the {_bare(thing, False)}" for thing in THINGS},
        "a": {thing: article(_bare(thing, False)) for thing in THINGS},
        "many": {thing: _bare(thing, True) for thing in THINGS},
        "colour": {colour: colour for colour in COLOURS},
        "place": {place: place for place in PLACES},
        "material": MATERIAL_EN,
        "texture": {texture: texture for texture in VISIBLE_TEXTURES},
        "size": {"small": "much smaller", "large": "much larger"},
        "motion": MOTION_EN,
        "expression": {expression: expression for expression in EXPRESSIONS},
        "word": _SAME,
        "number": NUMBER_EN,
        "photo": {name: photo.en for name, photo in PHOTOS.items()},
        "style": STYLE_EN,
        "tone": TONE_EN,
        "view": VIEW_EN,
        "grain": GRAIN_EN,
        "relation": RELATION_EN,
    },
    CN: {
        "thing": {thing: _chinese(thing) for thing in THINGS},
        "a": {thing: ("一个" + _chinese(thing)) for thing in THINGS},
        "many": {thing: _chinese(thing) for thing in THINGS},
        "colour": COLOUR_CN,
        "place": PLACE_CN,
        "material": MATERIAL_CN,
        "texture": TEXTURE_CN,
        "size": {"small": "小很多", "large": "大很多"},
        "motion": MOTION_CN,
        "expression": EXPRESSION_CN,
        "word": _SAME,
        "number": NUMBER_CN,
        "photo": {name: photo.cn for name, photo in PHOTOS.items()},
        "style": STYLE_CN,
        "tone": TONE_CN,
        "view": VIEW_CN,
        "grain": GRAIN_CN,
        "relation": RELATION_CN,
    },
}
