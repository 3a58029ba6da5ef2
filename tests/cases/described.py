"""What a source of cases comes to: its samples, with the bytes of their images.

Also a program, for what can be seen only in a process of its own.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from nejm_inspect.cases import open_source
from nejm_inspect.cases.samples import cases_to_dataset
from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.source import CaseSource
from nejm_inspect.cli import main
from nejm_inspect.errors import NejmInspectError


def described(cases: str, columns: dict[str, str] | None = None) -> dict[str, Any]:
    """The name of a source and all its samples."""
    source = open_source(cases, columns=columns)
    return {"name": source.name, "samples": described_samples(source, source.cases)}


def described_samples(source: CaseSource, cases: Sequence[Case]) -> list[Any]:
    """The samples as JSON, each image as a hash of its file."""
    dataset, _ = cases_to_dataset(source, cases, "both", "error")
    samples = [sample.model_dump(mode="json") for sample in dataset]
    for sample in samples:
        for message in sample["input"]:
            del message["id"]  # random
            for part in message["content"]:
                if part["type"] == "image":
                    data = Path(part["image"]).read_bytes()
                    part["image"] = hashlib.sha256(data).hexdigest()
    return samples


def answer(name: str, *arguments: str) -> Any:
    """What a call comes to, as JSON."""
    if name != "described":
        result = CliRunner().invoke(main, [name, *arguments])
        return {"code": result.exit_code, "out": result.stdout, "err": result.stderr}
    try:
        return described(*arguments)
    except NejmInspectError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    answers = [answer(*call) for call in json.loads(sys.argv[1])]
    json.dump(answers, sys.stdout)
