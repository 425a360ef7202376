"""Settings of editors behind Google's Gemini API."""

from typing import Any

from pydantic import Field

from unicedit.config.image_api import BASE_URL, KEY_VARIABLE, ImageApiSettings


class GeminiSettings(ImageApiSettings):
    """Google's `generateContent` with a model that draws, such as gemini-2.5-flash-image."""

    base_url: str = Field(
        "https://generativelanguage.googleapis.com/v1beta", pattern=BASE_URL, description="The server's address up to `/v1beta`."
    )
    key_variable: str = Field("GEMINI_API_KEY", pattern=KEY_VARIABLE, description="Environment variable that holds the key.")
    generation: dict[str, Any] = Field(
        default_factory=dict, description="Further fields of `generationConfig`, for instance `{imageConfig: {aspectRatio: '4:3'}}`."
    )
    send_seed: bool = Field(True, description="Send the row's seed, reduced to 31 bits.")
