"""Draws the images of the demo cases from models and tabulated values.

They are here, not in the package: only their tests and whoever changes an image need them.
"""
