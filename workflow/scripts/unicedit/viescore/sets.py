"""The sets of questions that a judge can be asked about edits; a benchmark's mapping names one."""

from unicedit.viescore.port import Questions


def questions_of(name: str) -> Questions:
    """A set by its name; ``KeyError`` for a name that is none. Only that set is imported."""
    if name == "viescore":
        from unicedit.viescore.vie import questions
    elif name == "imgedit":
        from unicedit.viescore.imgedit import questions
    elif name == "kris":
        from unicedit.viescore.kris import questions
    else:
        raise KeyError(name)
    return questions


MODULES = {"viescore": "unicedit.viescore.vie", "imgedit": "unicedit.viescore.imgedit", "kris": "unicedit.viescore.kris"}  # for recipes
