"""A judge of one's own: it compares pixels, and knows nothing of what was asked."""

from PIL import Image, ImageChops, ImageFilter, ImageStat


class PixelJudge:
    """Built once in each process: a model would be loaded here."""

    def __init__(self, threshold: int = 12) -> None:
        self.threshold = threshold  # grey levels that count as a change

    def __call__(
        self, source: Image.Image, edit: Image.Image, instruction: str, metric: str, reasoning_points: list[str]
    ) -> tuple[float, str]:
        """A score from 0 to 10 of one metric (IF, NC, VQ or RA), and why."""
        before, after = source.convert("L"), edit.convert("L").resize(source.size)
        if metric == "VQ":
            sharp = [ImageStat.Stat(one.filter(ImageFilter.FIND_EDGES)).mean[0] + 1 for one in (before, after)]
            return 10 * min(sharp) / max(sharp), f"sharpness {sharp[0]:.1f} before, {sharp[1]:.1f} after"
        changes = ImageChops.difference(before, after).point([255 * (level > self.threshold) for level in range(256)])
        share = ImageStat.Stat(changes).mean[0] / 255
        score = 10 * (1 - share) if metric == "NC" else 10 * min(1, share / 0.05)
        return score, f"{share:.1%} of the pixels changed"
