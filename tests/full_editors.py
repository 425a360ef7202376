"""FLUX.1-Kontext and Qwen-Image-Edit with random weights: denoiser and VAE of the real size, text encoders of the real width but few layers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tiny_editors import clip_tokens, t5_tokens


@contextmanager
def _made_on(device: str) -> Iterator[None]:
    """Modules are made on ``device`` in bfloat16, without a copy in the computer's memory."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def full_kontext(device: str, layers: tuple[int, int] = (19, 38)) -> Any:
    """FLUX.1-Kontext; ``layers`` are double and single blocks (12 billion parameters)."""
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxKontextPipeline, FluxTransformer2DModel
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    clip, t5 = clip_tokens(), t5_tokens()
    with _made_on(device):
        parts = {
            "transformer": FluxTransformer2DModel(num_layers=layers[0], num_single_layers=layers[1], guidance_embeds=True),
            "vae": AutoencoderKL(
                down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=16,
                block_out_channels=(128, 256, 512, 512), layers_per_block=2, sample_size=1024, shift_factor=0.1159, scaling_factor=0.3611,
                use_quant_conv=False, use_post_quant_conv=False,
            ),
            "text_encoder": CLIPTextModel(
                CLIPTextConfig(
                    vocab_size=len(clip), hidden_size=768, num_hidden_layers=1, projection_dim=768, bos_token_id=clip.bos_token_id,
                    eos_token_id=clip.eos_token_id, pad_token_id=clip.pad_token_id,
                )
            ),
            "text_encoder_2": T5EncoderModel(T5Config(vocab_size=len(t5), d_model=4096, d_kv=64, d_ff=1024, num_layers=1, num_heads=64)),
        }  # fmt: skip
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)
    return FluxKontextPipeline(scheduler=scheduler, tokenizer=clip, tokenizer_2=t5, **_at_rest(parts))


def full_qwen(device: str, layers: int = 60) -> Any:
    """Qwen-Image-Edit; ``layers`` are the blocks of the denoiser (20 billion parameters)."""
    from diffusers import AutoencoderKLQwenImage, FlowMatchEulerDiscreteScheduler, QwenImageEditPipeline, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from made_verifier import CHAT, configuration, tokenizer
    from unicedit.verifier.processor import Qwen2_5_VLProcessor

    tokens = tokenizer()
    config = configuration(tokens, "qwen2_5_vl")
    config.text_config.hidden_size = config.vision_config.out_hidden_size = 3584
    config.text_config.num_attention_heads, config.text_config.num_key_value_heads = 28, 4
    config.text_config.rope_parameters["mrope_section"] = [16, 24, 24]
    images = Qwen2VLImageProcessorPil(patch_size=14, merge_size=2, temporal_patch_size=2)
    with _made_on(device):
        parts = {
            "transformer": QwenImageTransformer2DModel(num_layers=layers),
            "vae": AutoencoderKLQwenImage(),
            "text_encoder": Qwen2_5_VLForConditionalGeneration(config),
        }
    return QwenImageEditPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        tokenizer=tokens,
        processor=Qwen2_5_VLProcessor(image_processor=images, tokenizer=tokens, chat_template=CHAT),
        **_at_rest(parts),
    )


def _at_rest(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: part.eval().requires_grad_(False) for name, part in parts.items()}
