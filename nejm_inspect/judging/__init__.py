"""The judge: what it is asked, what counts as its verdict, and panels of judges."""
