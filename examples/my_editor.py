"""An editor of one's own: it gives the whole picture the tone that the instruction names."""

from PIL import Image, ImageOps

TONES = {"warm": "#ffd9a0", "cool": "#a8c8ff", "sepia": "#e6cfa3", "black-and-white": "white", "night": "#35406e"}


class MyEditor:
    """Built once in each process: a model would be loaded here."""

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength

    def __call__(self, image: Image.Image, instruction: str, seed: int) -> Image.Image:
        """The edited picture. What is raised here becomes the row's reason."""
        tone = next((colour for word, colour in TONES.items() if word in instruction.lower()), None)
        if tone is None:
            return image  # nothing is done, and the verifier will say so
        return Image.blend(image, ImageOps.colorize(image.convert("L"), "black", tone), self.strength)
