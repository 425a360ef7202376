"""The vision-language model port over providers' batch APIs: files of requests go up, files of replies come back, within a day."""
