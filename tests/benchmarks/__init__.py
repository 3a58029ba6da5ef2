"""How fast the package is, in ratios measured in one run. `python -m tests.benchmarks [NAME…]`"""
