"""What a run will take, before it begins (design section 10)."""
