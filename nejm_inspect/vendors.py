"""Whose model a model is: a judge may prefer answers of its own family."""

import re
from collections.abc import Mapping, Sequence

from inspect_ai.model import Model, get_model_info

FAMILIES: Mapping[str, str] = {
    "claude": "Anthropic",
    "gemini": "Google",
    "(med)?gemma": "Google",
    "(chat)?gpt": "OpenAI",
    "o[1-9]": "OpenAI",
    "grok": "xAI",
    "qwen": "Alibaba",
    "qwq": "Alibaba",
    "qvq": "Alibaba",
    "(meta-|code-?)?llama": "Meta",
    "(mi|magi|mini|dev|code)stral": "Mistral AI",
    "(mix|pix|vox)tral": "Mistral AI",
    "deepseek": "DeepSeek",
}
"""Vendors by how the last part of their models' names starts (regular expressions)."""


def vendor_of(model: Model) -> str | None:
    """The vendor that trained a model, as far as its name or Inspect knows.

    The name comes first: for open models, Inspect's `organization` may be the company
    that hosts them.

    Args:
        model: Any model of Inspect's, by whatever provider it is reached.
    """
    name = str(model).rpartition("/")[2].lower()
    for family, vendor in FAMILIES.items():
        if re.match(rf"(.*\.)?{family}(?![a-z])", name):
            return vendor
    info = get_model_info(model)
    return info.organization if info else None


def judges_of_same_vendor(examinee: Model, judges: Sequence[Model]) -> list[str]:
    """The judges that are the examinee itself or of its vendor.

    Published comparisons find that judges may score their own family's answers higher
    (self-preference; Panickssery et al. 2024, arXiv 2404.13076).

    Args:
        examinee: The model that answered.
        judges: The models that judge.

    Returns:
        Their names; a model whose vendor is unknown only matches itself.
    """
    vendor = vendor_of(examinee)
    return [
        str(judge)
        for judge in judges
        if str(judge) == str(examinee) or (vendor and vendor_of(judge) == vendor)
    ]
