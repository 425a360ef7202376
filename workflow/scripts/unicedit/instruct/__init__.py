"""Which edits are asked of which picture, and what the instructions are."""
