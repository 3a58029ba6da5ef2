"""Physicians grade responses of logs: the draw, their pages, and the way back."""
