"""Runs of invented models, to draw responses from."""

from pathlib import Path

import pytest

from tests.report.conftest import Logs


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    """Two models on 20 cases, two epochs; one response is not judged, and one is unscored."""
    made = Logs(tmp_path / "logs")
    made.write("m/alpha", [[n % 11, 10] for n in range(20)])
    made.write("m/beta", [[5, None]] * 19 + [[None, "error"]])
    return made
