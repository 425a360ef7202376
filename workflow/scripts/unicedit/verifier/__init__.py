"""Qwen-Verify: the trained verifier (paper section 2 of post-verification; design section 8)."""
