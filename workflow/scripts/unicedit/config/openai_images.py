"""Settings of editors behind OpenAI's image API."""

from typing import Literal

from pydantic import Field

from unicedit.config.image_api import BASE_URL, KEY_VARIABLE, ImageApiSettings


class OpenAiImagesSettings(ImageApiSettings):
    """The image edits of OpenAI's API (`/images/edits`), and of servers that speak it."""

    base_url: str = Field("https://api.openai.com/v1", pattern=BASE_URL, description="The server's address up to `/v1`.")
    key_variable: str = Field("OPENAI_API_KEY", pattern=KEY_VARIABLE, description="Environment variable that holds the key.")
    size: str = Field("auto", pattern=r"^(auto|\d{2,5}x\d{2,5})$", description="Size of the edit; `auto` leaves it to the model.")
    quality: Literal["auto", "low", "medium", "high"] = Field("auto", description="Quality of the edit, which decides its price.")
