"""The exam of the judge: how well a model judges responses whose right points are known."""
