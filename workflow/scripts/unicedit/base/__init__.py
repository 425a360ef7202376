"""The base model that stands in for a pretrained vision-language model: its lessons, its tokenizer, its training."""
