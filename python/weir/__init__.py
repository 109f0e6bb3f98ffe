"""Weir's Python side; each part is imported on its own and says what it needs."""
