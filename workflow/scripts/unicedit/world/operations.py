"""Every edit the world knows: its sub-task, its slots, its wordings in English and Chinese.

A wording holds ``{slot}`` or ``{slot:form}``; without a form the slot's own is used.
Wordings of different operations never give the same text.
"""

from dataclasses import dataclass

Wordings = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """``slots`` maps a slot to its form (words.py), which holds its possible values. ``world`` and ``photo``: where it can be done."""

    subtask: str
    slots: dict[str, str]
    en: Wordings
    cn: Wordings
    world: bool = True  # in scenes with known things
    photo: bool = False  # on any user's photograph


_ONE = {"thing": "thing"}
_TWO = {"thing": "thing", "other": "thing"}
_THERE = {"relation": "relation", "anchor": "thing"}

OPERATIONS: dict[str, Operation] = {
    "add": Operation(
        "Subject Addition", {"new": "a", "place": "place"},
        ("Add {new} in the {place} of the picture.", "Place {new} in the {place} corner.", "Insert {new} at the {place}."),
        ("在画面{place}添加{new}。", "在图片的{place}放置{new}。"),
    ),
    "remove": Operation(
        "Subject Removal", _ONE,
        ("Remove {thing} from the picture.", "Erase {thing}.", "Take {thing} away."),
        ("将{thing}从画面中移除。", "去掉{thing}。"),
    ),
    "replace": Operation(
        "Subject Replacement", {"thing": "thing", "new": "a"},
        ("Replace {thing} with {new}.", "Put {new} where {thing} is now."),
        ("将{thing}替换为{new}。", "在{thing}原来的位置换上{new}。"),
    ),
    "extract": Operation(
        "Object Extraction", _ONE,
        ("Extract {thing} onto a plain white background.", "Cut out {thing} and leave everything else plain white."),
        ("把{thing}提取到纯白背景上。", "抠出{thing}，其余部分留白。"),
    ),
    "express": Operation(
        "Portrait Editing", {"thing": "thing", "expression": "expression"},
        ("Make {thing} look {expression}.", "Change the expression of {thing} to {expression}."),
        ("让{thing}看起来{expression}。", "将{thing}的表情改为{expression}。"),
    ),
    "hat_on": Operation(
        "Portrait Editing", _ONE,
        ("Put a black hat on {thing}.", "Give {thing} a black hat to wear."),
        ("给{thing}戴上一顶黑帽子。", "让{thing}戴一顶黑色的帽子。"),
    ),
    "hat_off": Operation(
        "Portrait Editing", _ONE,
        ("Take the hat off the head of {thing}.", "Show {thing} without the hat."),
        ("摘掉{thing}的帽子。", "让{thing}不戴帽子。"),
    ),
    "count": Operation(
        "Counting Change", {"thing": "thing", "number": "number"},
        ("Turn {thing} into {number} {thing:many}.", "Change the number of {thing:many} from one to {number}."),
        ("把{thing}变成{number}。", "将{thing}的数量从一个改为{number}。"),
    ),
    "write": Operation(
        "Text Modification", {"thing": "thing", "word": "word"},
        ('Change the word on {thing} to "{word}".', 'Make {thing} read "{word}".'),
        ("将{thing}上的文字改为“{word}”。", "让{thing}上写着“{word}”。"),
    ),
    "caption": Operation(
        "Text Modification", {"word": "word"},
        ('Write the word "{word}" along the bottom of the picture.', 'Add the caption "{word}" at the bottom.'),
        ("在画面底部写上“{word}”。", "在图片底部添加文字“{word}”。"), world=False, photo=True,
    ),
    "recolour": Operation(
        "Color Alteration", {"thing": "thing", "colour": "colour"},
        ("Change the colour of {thing} to {colour}.", "Let the colour of {thing} be {colour}.", "Recolour {thing}: it should be {colour}."),
        ("将{thing}的颜色改为{colour}。", "把{thing}涂成{colour}。"),
    ),
    "tint": Operation(
        "Color Alteration", {"colour": "colour"},
        ("Shift all colours of the picture towards {colour}.", "Give the whole picture a {colour} colour cast."),
        ("让整张图片的颜色偏向{colour}。", "将画面整体染成{colour}。"), world=False, photo=True,
    ),
    "material": Operation(
        "Material Modification", {"thing": "thing", "material": "material"},
        ("Make {thing} out of {material}.", "Change the material of {thing} to {material}."),
        ("将{thing}的材质改为{material}。", "用{material}来制作{thing}。"),
    ),
    "texture": Operation(
        "Texture Editing", {"thing": "thing", "texture": "texture"},
        ("Give {thing} a {texture} pattern.", "Cover {thing} with a {texture} pattern."),
        ("给{thing}加上{texture}图案。", "让{thing}布满{texture}花纹。"),
    ),
    "grain": Operation(
        "Texture Editing", {"grain": "grain"},
        ("Give the whole picture the texture of {grain}.", "Make the surface of the picture look like {grain}."),
        ("给整张图片加上{grain}的质感。", "让画面表面看起来像{grain}。"), world=False, photo=True,
    ),
    "resize": Operation(
        "Shape-Size Alteration", {"thing": "thing", "size": "size"},
        ("Make {thing} {size}.", "Change the size of {thing}: it should be {size}."),
        ("把{thing}变得{size}。", "让{thing}{size}。"),
    ),
    "move": Operation(
        "Motion Change", {"thing": "thing", "motion": "motion"},
        ("Make {thing} {motion}.", "Let {thing} {motion}."),
        ("让{thing}{motion}。", "使{thing}{motion}。"),
    ),
    "backdrop": Operation(
        "Background Change", {"photo": "photo"},
        ("Replace the background with {photo}.", "Change the background to {photo}."),
        ("将背景替换为{photo}。", "把背景换成{photo}。"),
    ),
    "blur": Operation(
        "Background Change", {},
        ("Blur the background.", "Put the background out of focus."),
        ("将背景虚化。", "让背景变得模糊。"), photo=True,
    ),
    "style": Operation(
        "Style Transfer", {"style": "style"},
        ("Turn the picture into {style}.", "Redraw the whole picture as {style}."),
        ("将图片变成{style}风格。", "用{style}的风格重绘整张图片。"), photo=True,
    ),
    "tone": Operation(
        "Tone Transformation", {"tone": "tone"},
        ("Give the picture a {tone} tone.", "Change the tone of the picture to {tone}."),
        ("将画面改为{tone}调。", "给图片加上{tone}色调。"), photo=True,
    ),
    "view": Operation(
        "Viewpoint Transformation", {"view": "view"},
        ("Show the scene as seen {view}.", "Change the viewpoint so that the scene is seen {view}."),
        ("展示{view}看到的场景。", "改变视角，{view}观看场景。"), photo=True,
    ),
    "zoom_in": Operation(
        "Lens Zooming", {},
        ("Zoom in on the middle of the picture.", "Move the camera closer to the centre of the scene."),
        ("将镜头拉近到画面中央。", "放大画面的中间部分。"), photo=True,
    ),
    "zoom_out": Operation(
        "Lens Zooming", {},
        ("Zoom out to show more of the surroundings.", "Move the camera back so that more of the scene is seen."),
        ("将镜头拉远，展示更多周围环境。", "缩小画面以看到更大的场景。"), photo=True,
    ),
    "relate": Operation(
        "Relation Change", {"thing": "thing", **_THERE},
        ("Move {thing} so that it is {relation} {anchor}.", "Put {thing} {relation} {anchor}."),
        ("将{thing}移动到{anchor}的{relation}。", "把{thing}放在{anchor}的{relation}。"),
    ),
    "swap": Operation(
        "Multi-object Coordination", _TWO,
        ("Swap the places of {thing} and {other}.", "Let {thing} and {other} change places with each other."),
        ("交换{thing}和{other}的位置。", "让{thing}与{other}互换位置。"),
    ),
    "match": Operation(
        "Multi-object Coordination", {**_TWO, "colour": "colour"},
        ("Give {thing} and {other} the same colour: {colour}.", "Let {colour} be the colour of both {thing} and {other}."),
        ("让{thing}和{other}都变成{colour}。", "将{thing}与{other}涂成相同的{colour}。"),
    ),
    "resize_both": Operation(
        "Multi-object Coordination", {**_TWO, "size": "size"},
        ("Make both {thing} and {other} {size}.", "Change the size of {thing} and {other} together: both should be {size}."),
        ("让{thing}和{other}都变得{size}。", "同时把{thing}与{other}变得{size}。"),
    ),
    "there_recolour": Operation(
        "Spatial Reasoning Edits", {**_THERE, "colour": "colour"},
        ("Change the colour of the object {relation} {anchor} to {colour}.", "Find the object {relation} {anchor} and paint it {colour}."),
        ("将位于{anchor}{relation}的物体改成{colour}。", "找到{anchor}{relation}的物体，把它涂成{colour}。"),
    ),
    "there_remove": Operation(
        "Spatial Reasoning Edits", _THERE,
        ("Remove the object {relation} {anchor}.", "Find the object {relation} {anchor} and erase it."),
        ("移除位于{anchor}{relation}的物体。", "找到{anchor}{relation}的物体，将其删除。"),
    ),
    "there_resize": Operation(
        "Spatial Reasoning Edits", {**_THERE, "size": "size"},
        ("Make the object {relation} {anchor} {size}.", "Find the object {relation} {anchor} and make it {size}."),
        ("让位于{anchor}{relation}的物体变得{size}。", "找到{anchor}{relation}的物体，让它{size}。"),
    ),
    "nightfall": Operation(
        "Implicit Change Edits", {},
        ("Night has fallen: show the scene as it looks now.", "Show how this would look a few hours after sunset."),
        ("夜幕已经降临，展示此时的场景。", "展示日落几小时之后的样子。"), photo=True,
    ),
    "aged": Operation(
        "Implicit Change Edits", {},
        ("Show this as a print taken a hundred years ago.", "Let the picture look as if it had faded in an attic for a century."),
        ("展示它作为一百年前的照片的样子。", "让图片看起来像在阁楼里存放了一个世纪。"), photo=True,
    ),
    "deflate": Operation(
        "Implicit Change Edits", _ONE,
        ("All the air has leaked out of {thing}. Show what it looks like now.", "Show {thing} after it was punctured."),
        ("{thing}里的气全漏光了，展示它现在的样子。", "展示{thing}被扎破之后的样子。"),
    ),
    "fall": Operation(
        "Implicit Change Edits", _ONE,
        ("Show {thing} after it has been let go.", "Nothing holds {thing} up any more. Show where it ends up."),
        ("展示{thing}被松开之后的样子。", "没有东西再托住{thing}了，展示它最后的位置。"),
    ),
    "good_news": Operation(
        "Implicit Change Edits", _ONE,
        ("Show {thing} after hearing wonderful news.", "Imagine that {thing} has just won a prize, and show the face."),
        ("展示{thing}听到好消息之后的样子。", "想象{thing}刚刚得了奖，展示其表情。"),
    ),
    "bad_news": Operation(
        "Implicit Change Edits", _ONE,
        ("Show {thing} after hearing very bad news.", "Imagine that {thing} has just lost a dear friend, and show the face."),
        ("展示{thing}听到坏消息之后的样子。", "想象{thing}刚刚失去了好友，展示其表情。"),
    ),
}  # fmt: skip

COMPOUND = "Compound Operation Edits"
# Two of these, joined, make a compound edit.
PARTS_WORLD = ("add", "remove", "recolour", "material", "texture", "resize", "move", "count", "tone", "blur")
PARTS_PHOTO = ("tone", "blur", "grain", "caption", "zoom_in", "tint", "view")


def operations_of(subtask: str, photo: bool) -> list[str]:
    """The operations that serve a sub-task, in the world or on a user's photograph."""
    serving = {name: operation for name, operation in OPERATIONS.items() if operation.subtask == subtask}
    return [name for name, operation in serving.items() if (operation.photo if photo else operation.world)]
