"""The vision-language model port (design section 6)."""
