"""`nejm-inspect grade`, and its pages in a real browser."""

import base64
import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from inspect_ai.model import ChatMessageUser, ContentImage, ContentText
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from nejm_inspect.cli import main
from nejm_inspect.grading import writing
from nejm_inspect.grading.grades import read_grades
from nejm_inspect.report.reading import read_logs
from tests.grading.conftest import JUDGE, MODELS, REASONING
from tests.loopback import encoded, picture
from tests.report.conftest import Logs

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
Open = Callable[..., webdriver.Chrome]


def grade(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["grade", *map(str, arguments)])


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Open]:
    """Opens a rater's page; downloads are in the test's folder."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("no browser: install chromium and chromium-driver")
    with ExitStack() as opened:

        def open_page(page: Path, width: int = 1400, **preferences: Any) -> webdriver.Chrome:
            options = webdriver.ChromeOptions()
            options.binary_location = str(CHROMIUM)
            options.add_argument("--headless=new")
            options.add_argument("--no-sandbox")
            options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
            wanted = {"download.default_directory": str(tmp_path / "downloads"), **preferences}
            options.add_experimental_option("prefs", wanted)
            options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
            driver = opened.enter_context(
                webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
            )
            size = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": width < 700}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            driver.get(page.as_uri())
            return driver

        yield open_page


def press(driver: webdriver.Chrome, *keys: str) -> str:
    """Presses keys, and returns what the page tells of its progress."""
    for key in keys:
        driver.switch_to.active_element.send_keys(key)
    return driver.find_element("id", "told").text


def shown(driver: webdriver.Chrome, *conditions: str) -> list[bool]:
    return [bool(driver.execute_script(f"return {condition}")) for condition in conditions]


IMAGE = "document.querySelector('#images img')?.naturalWidth > 0"
NARROW = "document.documentElement.scrollWidth <= innerWidth"
OFFLINE = "performance.getEntriesByType('resource').every(e => !e.name.startsWith('http'))"


def test_a_rater_grades_closes_reopens_goes_on_and_exports(
    run: str, browser: Open, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = grade(run, "--out", out, "--responses", 24, "--overlap", 8)
    assert "Rater 1: 16 responses of 2 models" in result.output
    driver = browser(out / "rater-1" / "grade.html")
    WebDriverWait(driver, 10).until(lambda d: shown(d, IMAGE)[0])
    assert driver.find_element("id", "response").text.startswith("<b>Gout</b> </script>")
    assert press(driver, *"0123456789").startswith("10 of 16 graded · 10: 9 points")
    driver.quit()
    driver = browser(out / "rater-1" / "grade.html")
    assert press(driver) == "10 of 16 graded"
    assert driver.find_element("id", "title").text == "11 of 16"
    assert press(driver, "t") == "11 of 16 graded · 11: 10 points"
    assert press(driver, "u") == "10 of 16 graded · undone"
    press(driver, "r", "=1+1, 0 and t are text here", Keys.ESCAPE)
    assert press(driver, "c") == "11 of 16 graded · 11: cannot judge"
    assert press(driver, Keys.ARROW_LEFT, "4", "u", Keys.ARROW_RIGHT) == "11 of 16 graded"
    driver.find_element("css selector", "#pad button[value='6']").click()
    assert press(driver, Keys.ENTER, Keys.ARROW_LEFT, "3") == "12 of 16 graded · 12: 3 points"
    driver.find_element("css selector", "header .save").click()
    driver.find_element("css selector", "footer details:nth-child(2) summary").click()
    driver.find_element("css selector", "footer [data-form=json]").click()
    files = [tmp_path / "downloads" / f"grades-rater-1.{form}" for form in ("csv", "json")]
    WebDriverWait(driver, 10).until(lambda _: all(file.exists() for file in files))
    assert shown(driver, OFFLINE) == [True]
    assert driver.get_log("browser") == []
    with files[0].open(encoding="utf-8-sig", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert rows[10]["remark"] == "'=1+1, 0 and t are text here"
    sheet = (out / "rater-1" / "grade.csv").read_text("utf-8-sig")
    assert [row["response_id"] for row in rows] == re.findall(r"r[0-9a-f]{10}-[0-9a-f]{6}", sheet)
    runs, responses, _ = read_logs([run])
    for file in files:
        grades = read_grades([str(file)], runs, responses)
        assert grades["points"].fillna(-1).tolist() == [*range(10), -1, 3]


def test_on_a_phone_without_a_store_and_with_images_beside(
    run: str, browser: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_WITHIN", 1)
    grade(run, "--out", tmp_path / "out", "--responses", 4, "--overlap", 4)
    blocked = {"profile.default_content_setting_values.cookies": 2}
    driver = browser(tmp_path / "out" / "rater-2" / "grade.html", 360, **blocked)
    WebDriverWait(driver, 10).until(lambda d: shown(d, IMAGE)[0])
    assert shown(driver, NARROW, OFFLINE) == [True, True]
    assert "does not keep what you do" in driver.find_element("id", "unkept").text
    assert not driver.find_element("id", "done").is_displayed()
    for n in (10, 8, 0, 5):
        driver.find_element("css selector", f"#pad button[value='{n}']").click()
    assert driver.find_element("id", "done").is_displayed()
    assert press(driver) == "4 of 4 graded · 4: 5 points"


def test_nothing_tells_model_judge_or_points(run: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert grade(run, "--out", out, "--responses", 4, "--overlap", 2).exit_code == 0
    secrets = [part for name in (*MODELS, JUDGE) for part in name.split("/")[1:]]
    secrets += [REASONING, "openrouter", Path(run).name + "/", "demo-0", "grader"]
    _, responses, _ = read_logs([run])
    for file in (path for path in out.rglob("*") if path.is_file()):
        text = file.read_text("utf-8")
        assert not [s for s in (*secrets, *responses["uuid"]) if s in text], file
        assert "Massachusetts Medical Society" in text or file.suffix == ".csv"
    with (out / "rater-2" / "grade.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert {(row["points"], row["cannot_judge"], row["remark"]) for row in rows} == {("", "", "")}
    assert all(row["history"] and row["reference"] for row in rows)
    assert {row["response"][:24] for row in rows} == {"<b>Gout</b> </script> of"}
    again = grade(run, "--out", out, "--responses", 4, "--overlap", 2)
    assert "has files, which may hold grades" in again.stderr
    assert "'--seed': -1 is not in" in grade(run, "--out", out, "--seed", -1).stderr


def test_images_that_the_log_only_names(tmp_path: Path) -> None:
    (tmp_path / "there.png").write_bytes(encoded(picture(), "PNG"))
    (tmp_path / "private.png").write_text("not an image")
    names = ["there.png", "private.png", "gone.png"]

    def sample(n: int) -> dict[str, Any]:
        image = ContentImage(image=str(tmp_path / names[n % 3]))
        seen = ChatMessageUser(content=[ContentText(text=f"history {n}"), image])
        return {"input": [seen], "target": ["Gout", " ", "podagra" * 5_000]}

    seen = Logs(tmp_path / "seen")
    seen.write("m/alpha", [5] * 12, sample=sample)
    grade(seen.folder, "--out", tmp_path / "out", "--responses", 12, "--overlap", 12)
    page = (tmp_path / "out" / "rater-1" / "grade.html").read_text("utf-8")
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert [len(item["images"]) for item in data["items"]].count(1) == 4
    (source,) = data["images"].values()
    shown = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    assert shown == (tmp_path / "there.png").read_bytes()
    assert {item["history"] for item in data["items"]} == {f"history {n}" for n in range(12)}
    (reference,) = {item["reference"] for item in data["items"]}
    assert re.fullmatch(r"Gout or (podagra)+p?o?d?a?g?r?… \(3,\d+ characters cut\)", reference)
    sheet = (tmp_path / "out" / "rater-1" / "grade.csv").read_text("utf-8-sig")
    assert {row["reference"] for row in csv.DictReader(sheet.splitlines())} == {reference}
