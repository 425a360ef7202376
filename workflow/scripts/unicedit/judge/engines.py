"""Opening the judge that the settings name."""

from pathlib import Path

from unicedit.config.edit import EditorSettings
from unicedit.config.judge import JudgeSettings
from unicedit.judge.port import Judge
from unicedit.vlm.engines import NOWHERE, VlmPlaces, open_vlm


def open_judge(settings: JudgeSettings, model: EditorSettings | None, places: VlmPlaces = NOWHERE, cache: Path | None = None) -> Judge:
    """The engine behind a judge's ``engine``. What it needs is imported here and nowhere else; only the measured one looks at ``model``, and only the mode
    `public` at the folder ``cache``.
    """
    if settings.engine == "measured":
        from unicedit.world.judge import MeasuredJudge

        assert model is not None
        return MeasuredJudge(model.simulated.faults, model.simulated.flicker)
    if settings.engine == "python":
        from unicedit.judge.python import PythonJudge

        assert settings.python is not None
        return PythonJudge(settings.python, settings.name)
    from unicedit.judge.reader import ReadingJudge

    return ReadingJudge(open_vlm(settings, places), settings, _public(settings, cache))


def _public(settings: JudgeSettings, cache: Path | None) -> dict[str, str] | None:
    if settings.mode != "public":
        return None
    from unicedit.judge.public import public_prompts

    assert cache is not None, "the public prompts lie in the cache folder"
    return public_prompts(cache)


def prompts_of(settings: JudgeSettings, cache: Path | None = None) -> dict[str, str]:
    """The digest of the prompt of each metric; none of a judge that reads no prompt."""
    if not settings.asks:
        return {}
    from unicedit.judge.prompt import prompt_digests

    return prompt_digests(settings.mode, settings.reasoning_calls, _public(settings, cache))
