"""Demonstration cases: invented histories with computer-drawn images."""
