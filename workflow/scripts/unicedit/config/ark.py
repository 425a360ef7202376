"""Settings of editors behind Volcengine Ark."""

from typing import Literal

from pydantic import Field

from unicedit.config.image_api import BASE_URL, KEY_VARIABLE, ImageApiSettings


class ArkSettings(ImageApiSettings):
    """Volcengine Ark's `/images/generations` with an editing model: SeedEdit, Seedream."""

    base_url: str = Field("https://ark.cn-beijing.volces.com/api/v3", pattern=BASE_URL, description="The server's address up to `/api/v3`.")
    key_variable: str = Field("ARK_API_KEY", pattern=KEY_VARIABLE, description="Environment variable that holds the key.")
    size: str | None = Field(
        None, pattern=r"^[A-Za-z0-9]{1,20}$", description="`adaptive`, `2K` or 1024x1024, as the model has it. null: its own default."
    )
    response_format: Literal["b64_json", "url"] = Field(
        "b64_json", description="`url`: the picture is fetched from the address that the reply names, over https alone."
    )
    watermark: bool = Field(False, description="Whether the server marks the picture as made by a model.")
    send_seed: bool = Field(False, description="Send the row's seed, reduced to 31 bits; SeedEdit takes one, Seedream 4 does not.")
