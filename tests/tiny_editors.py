"""Editing pipelines of diffusers with random weights, of the real architectures, tiny: what they draw means nothing; how they compute it does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from made_verifier import CHAT, configuration, tokenizer

TEXTS = ["change the red square to blue", "remove the green circle", "add a yellow triangle at the top left", "把红色方块变成蓝色"] * 20
AXES = [4, 4, 8]


def clip_tokens() -> Any:
    """A CLIP tokenizer of 700 tokens at most."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    made = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        end_of_word_suffix="</w>",
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
    )
    made.train_from_iterator(TEXTS, trainer)
    learned = json.loads(made.to_str())["model"]
    return CLIPTokenizer(vocab=learned["vocab"], merges=[tuple(pair) for pair in learned["merges"]], model_max_length=77)


def t5_tokens() -> Any:
    """A T5 tokenizer of 120 tokens at most."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import T5TokenizerFast

    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, show_progress=False, unk_token="<unk>", special_tokens=["<pad>", "</s>", "<unk>"])
    made.train_from_iterator(TEXTS, trainer)
    learned = json.loads(made.to_str())["model"]
    return T5TokenizerFast(vocab=[tuple(piece) for piece in learned["vocab"]], extra_ids=0, model_max_length=64)


def clip_encoder(tokens: Any) -> Any:
    """A CLIP text encoder of width 32."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens),
            hidden_size=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            projection_dim=32,
            max_position_embeddings=77,
            bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id,
            pad_token_id=tokens.pad_token_id,
        )
    )


def kontext() -> Any:
    """FLUX.1-Kontext."""
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxKontextPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    clip, t5 = clip_tokens(), t5_tokens()
    return FluxKontextPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKL(
            sample_size=32,
            in_channels=3,
            out_channels=3,
            block_out_channels=(4,),
            layers_per_block=1,
            latent_channels=1,
            norm_num_groups=1,
            use_quant_conv=False,
            use_post_quant_conv=False,
            shift_factor=0.06,
            scaling_factor=1.5,
        ),
        text_encoder=clip_encoder(clip),
        tokenizer=clip,
        text_encoder_2=T5EncoderModel(T5Config(vocab_size=len(t5), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)),
        tokenizer_2=t5,
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=4,
            num_layers=2,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=AXES,
            guidance_embeds=True,
        ),
    )


def _qwen(kind: Any) -> Any:
    from diffusers import AutoencoderKLQwenImage, FlowMatchEulerDiscreteScheduler, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from unicedit.verifier.processor import Qwen2_5_VLProcessor

    tokens, channels = tokenizer(), 4
    images = Qwen2VLImageProcessorPil(
        patch_size=14, merge_size=2, temporal_patch_size=2, size={"shortest_edge": 28 * 28, "longest_edge": 84 * 84}
    )
    return kind(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLQwenImage(
            base_dim=channels * 6,
            z_dim=channels,
            dim_mult=[1, 2, 4],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.0] * channels,
            latents_std=[1.0] * channels,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(configuration(tokens, "qwen2_5_vl")),
        tokenizer=tokens,
        processor=Qwen2_5_VLProcessor(image_processor=images, tokenizer=tokens, chat_template=CHAT),
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=channels,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=3,
            joint_attention_dim=32,
            guidance_embeds=False,
            axes_dims_rope=(8, 4, 4),
        ),
    )


def qwen() -> Any:
    """Qwen-Image-Edit."""
    from diffusers import QwenImageEditPipeline

    return _qwen(QwenImageEditPipeline)


def plus() -> Any:
    """Qwen-Image-Edit-2509 and -2511."""
    from diffusers import QwenImageEditPlusPipeline

    return _qwen(QwenImageEditPlusPipeline)


def pix2pix() -> Any:
    """InstructPix2Pix, without its safety checker."""
    from diffusers import AutoencoderKL, EulerAncestralDiscreteScheduler, StableDiffusionInstructPix2PixPipeline, UNet2DConditionModel

    clip = clip_tokens()
    return StableDiffusionInstructPix2PixPipeline(
        vae=AutoencoderKL(
            block_out_channels=(8, 8),
            in_channels=3,
            out_channels=3,
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            norm_num_groups=4,
        ),
        text_encoder=clip_encoder(clip),
        tokenizer=clip,
        unet=UNet2DConditionModel(
            block_out_channels=(8, 16),
            layers_per_block=1,
            sample_size=32,
            in_channels=8,
            out_channels=4,
            norm_num_groups=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=4,
        ),
        scheduler=EulerAncestralDiscreteScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


BUILT: dict[str, Callable[[], Any]] = {"kontext": kontext, "qwen": qwen, "plus": plus, "pix2pix": pix2pix}
NAMES = {
    "kontext": "FluxKontextPipeline",
    "qwen": "QwenImageEditPipeline",
    "plus": "QwenImageEditPlusPipeline",
    "pix2pix": "StableDiffusionInstructPix2PixPipeline",
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "kontext": {"num_inference_steps": 2, "guidance_scale": 2.5, "max_sequence_length": 32},
    "qwen": {"num_inference_steps": 2, "true_cfg_scale": 2.0, "negative_prompt": " "},
    "plus": {"num_inference_steps": 2, "true_cfg_scale": 1.0},
    "pix2pix": {"num_inference_steps": 2, "guidance_scale": 3.0, "image_guidance_scale": 1.5},
}


def tiny_editor(folder: Path, kind: str, seed: int = 0) -> Path:
    """Save a random tiny pipeline (``kontext``, ``qwen``, ``plus`` or ``pix2pix``) in ``folder``; returns the folder."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        pipeline = BUILT[kind]()
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()  # built from a configuration they are in training mode: T5 would drop out
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder
