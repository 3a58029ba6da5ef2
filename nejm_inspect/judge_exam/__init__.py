"""The exam of the judge: how well a model judges responses with known points."""
