"""Grades by physicians: draws responses, writes pages to grade them, and reads the grades."""
