"""The page of states: what is in it, and that a click shows the frame."""

import json
import re

import cv2
import numpy as np
import pytest

from state_representation import train
from state_representation.judging.judged import Judged, open_judged
from state_representation.plots.page import sprite_sheet, write_page

from .browser import Browser
from .toys import write_toy


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Judged:
    folder = tmp_path_factory.mktemp("page")
    write_toy(folder / "toy", episodes=6, length=20)
    flags = ["--data-folder", str(folder / "toy"), "--log-folder", str(folder / "log"), "--no-progress"]
    assert train.main([*flags, "--srl-model", "pca", "--state-dim", "4"]) == 0
    return open_judged(folder / "log", None, "cpu", lambda _: lambda _: None)


@pytest.fixture(scope="module")
def page(judged, tmp_path_factory):
    path = tmp_path_factory.mktemp("html") / "states.html"
    write_page(judged, path, points=60)
    return path


def data_of(page):
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r"<script>const DATA=(.*?);</script>", text, re.S).group(1))


def test_the_page_needs_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", text)
    assert "src=" not in text
    assert text.count("</script>") == 2


def test_the_page_holds_the_states(page, judged):
    data = data_of(page)
    assert len(data["steps"]) == len(data["points"]) == 60
    assert data["steps"][0] == 0
    assert data["steps"][-1] == len(judged.dataset) - 1
    assert data["rewards"] == judged.dataset.rewards[data["steps"]].tolist()
    assert np.allclose(data["truth"], np.hstack([judged.dataset.ground_truth, judged.dataset.targets])[data["steps"]])
    first, second = np.array(data["points"])[:, 0], np.array(data["points"])[:, 1]
    assert first.var() >= second.var()
    assert all(index not in near for index, near in enumerate(data["neighbours"]))


def test_every_frame_is_in_its_place():
    frames = np.zeros((45, 12, 16, 3), np.uint8)
    frames[:, :, :, 0] = np.arange(45)[:, None, None] * 5
    coded, width, height = sprite_sheet(frames)
    sheet = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert (width, height) == (16, 12)
    assert sheet.shape == (24, 640, 3)
    for index in range(45):
        row, column = divmod(index, 40)
        middle = sheet[row * 12 + 6, column * 16 + 8]
        assert np.abs(middle.astype(int) - [5 * index, 0, 0]).max() < 8
    assert sprite_sheet(np.zeros((1, 300, 200, 3), np.uint8))[1:] == (64, 96)
    assert sprite_sheet(np.zeros((1, 40, 30, 6), np.uint8))[1:] == (30, 80), "two views, one above the other"


def test_a_click_shows_the_frame(page, judged, tmp_path):
    data = data_of(page)
    with Browser(page, tmp_path / "chromium") as browser:
        browser.wait(lambda: browser.value("document.body?.dataset.ready") == "yes")
        for index in (7, 41, 59):
            left, top = browser.value(
                f"(() => {{ const box = plot.getBoundingClientRect(), place = view.places[{index}];"
                " return [box.left + 1 + place[0], box.top + 1 + place[1]]; })()"
            )
            browser.click(left, top)
            chosen = browser.value("view.chosen")
            assert np.allclose(data["points"][chosen][:2], data["points"][index][:2], atol=0.05), "or one right there"
            step = data["steps"][chosen]
            assert browser.value("frame.dataset.step") == str(step)
            said = browser.value("get('said').innerText")
            assert f"agent_x\n{judged.dataset.ground_truth[step, 0]:.3f}" in said
            pixels = browser.value(
                "Array.from(frame.getContext('2d').getImageData(0, 0, frame.width, frame.height).data)"
            )
            shown = np.array(pixels).reshape(24, 32, 4)[..., :3]
            recorded = judged.dataset.frames(np.array([step]))[0].astype(int)
            assert np.abs(shown - recorded).mean() < 6
        browser.value("get('colour').value = '1', get('colour').dispatchEvent(new Event('change'))")
        assert browser.value("get('legend').innerText").strip() != ""
        before = browser.value("view.chosen")
        browser.value("plot.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft'}))")
        assert browser.value("view.chosen") == before - 1
        picture = cv2.imdecode(np.frombuffer(browser.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50, "something is drawn"
