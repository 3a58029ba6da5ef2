"""The judge's exam: how well a model judges responses whose right points are known."""
