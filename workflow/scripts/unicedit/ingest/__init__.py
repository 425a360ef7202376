"""From library files to cropped, hashed, stored pictures."""
