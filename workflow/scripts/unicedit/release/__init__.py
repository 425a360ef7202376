"""The dataset as a folder to publish."""
