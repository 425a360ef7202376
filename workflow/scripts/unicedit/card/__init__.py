"""The dataset's card, index and census."""
