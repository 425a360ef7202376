"""The benchmark of editing models: its records, the edits of each model, the public layout."""
