"""The vendors of models: a judge may prefer responses of its own family."""

import re
from collections.abc import Mapping, Sequence

from inspect_ai.model import Model, get_model_info

FAMILIES: Mapping[str, str] = {
    "claude": "anthropic",
    "gemini|(med)?gemma": "google",
    "(chat)?gpt|codex|o[1-9]": "openai",
    "grok": "xai",
    "qwen|qwq|qvq": "alibaba",
    "(meta-|code-?)?llama": "meta",
    "(mi|magi|mini|dev|code)stral|(mix|pix|vox)tral": "mistralai",
    "deepseek": "deepseek",
}
"""Vendors by how the last part of their models' names starts, as a regular expression."""
SCRIPTED = ("mockllm/", "none/", "nejm_inspect/")
"""Prefixes of models without a provider: Inspect's for tests and baselines, and the demo's."""


def vendor_of(model: Model) -> str | None:
    """Returns the vendor that trained a model, if its name or Inspect tells; else None.

    The family's name comes first: for open models, Inspect's `organization` may be the company that
    hosts them. Only lower-case letters and digits are kept, since `Z.ai` is `z-ai` elsewhere.
    """
    *path, name = str(model).lower().split("/")
    for family, vendor in FAMILIES.items():
        if re.match(rf"(.*[.:])?({family})(?![a-z])", name):
            return vendor
    if path[:1] == ["openrouter"] and len(path) > 1:
        vendor = path[-1]  # openrouter/VENDOR/NAME
    else:
        info = get_model_info(model)
        vendor = (info and info.organization) or ""
    return re.sub("[^a-z0-9]", "", vendor.lower()) or None


def judges_of_same_vendor(examinee: Model, judges: Sequence[Model]) -> list[str]:
    """Returns the names of judges that are the examinee itself or known to be of its vendor.

    Published comparisons find that judges may score their own family's responses higher
    (self-preference; Panickssery et al. 2024, arXiv 2404.13076).
    """
    vendor = vendor_of(examinee)
    return [
        str(judge)
        for judge in judges
        if str(judge) == str(examinee) or (vendor and vendor_of(judge) == vendor)
    ]
