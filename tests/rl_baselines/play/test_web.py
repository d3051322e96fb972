"""The page without a browser: who may connect, what is said, how often it is drawn."""

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest

from environments.scenes.parts import ScenePart
from environments.scenes.shapes import sphere
from rl_baselines.play.core.stage import Setting
from rl_baselines.play.policies.labels import checkpoint_label, size
from rl_baselines.play.web.escaping import escaped
from rl_baselines.play.web.texts import comparison
from srl3.errors import UserError

viser = pytest.importorskip("viser", reason="the extra [play] is not installed")

from websockets.exceptions import InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

from rl_baselines.play.web import figures  # noqa: E402
from rl_baselines.play.web.checkpoints import CheckpointPanel  # noqa: E402
from rl_baselines.play.web.controls import Controls, RobotControls  # noqa: E402
from rl_baselines.play.web.figures import thinned  # noqa: E402
from rl_baselines.play.web.film import Film, fitted  # noqa: E402
from rl_baselines.play.web.frames import FramePace  # noqa: E402
from rl_baselines.play.web.front import Front  # noqa: E402
from rl_baselines.play.web.page import Page  # noqa: E402
from rl_baselines.play.web.scene import MeshView, beside_panels  # noqa: E402
from rl_baselines.play.web.server import make_server  # noqa: E402
from rl_baselines.runs.monitors import monitor_files, read_run  # noqa: E402
from tests.rl_baselines.play.conftest import DEADLINE, Watching  # noqa: E402


@pytest.fixture(scope="module")
def server():
    server = make_server(None, 8900, "a page")
    yield server
    server.stop()


def test_the_page_is_on_the_loopback_only(server):
    """127.0.0.2 leads to this machine too, and to whatever is bound to all addresses."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.get_port()), timeout=5)


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://127.0.0.1.evil.example", "null"])
def test_pages_of_other_origins_are_refused(server, origin):
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{server.get_port()}", origin=origin, subprotocols=[f"viser-v{viser.__version__}"])
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8787", "http://localhost:9000"])
def test_own_pages_and_the_near_end_of_a_tunnel_are_taken(server, origin):
    address = f"ws://127.0.0.1:{server.get_port()}"
    with connect(address, origin=origin, subprotocols=[f"viser-v{viser.__version__}"]) as link:
        assert link.recv(timeout=10)


def test_a_name_that_leads_here_is_refused(server):
    request = urllib.request.Request(f"http://127.0.0.1:{server.get_port()}/", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)


@pytest.mark.parametrize("path", ["/../../../../../../etc/passwd", "/%2e%2e/%2e%2e/_viser.py", "//etc/passwd"])
def test_no_file_but_the_page_is_served(server, path):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.get_port()}{path}", timeout=10)


def test_nobody_gets_a_public_address(server):
    assert server.request_share_url() is None
    assert server._share_tunnel is None


def test_a_port_in_use_is_said(server):
    with pytest.raises(UserError, match=f"the port {server.get_port()} is in use; choose another with --port"):
        make_server(server.get_port(), 8900, "another page")


def test_without_a_named_port_the_next_one_is_taken(server):
    other = make_server(None, server.get_port(), "another page")
    try:
        assert other.get_port() > server.get_port()
    finally:
        other.stop()


def test_names_are_text():
    shown = escaped("<img src=x onerror=alert(1)> [a](javascript:b) **c**\n# d")
    assert "<" not in shown
    assert "](" not in shown.replace("\\]\\(", "")
    assert "\n" not in shown


def test_a_checkpoint_in_the_list(run, tmp_path):
    status = run.latest.stat()
    label = checkpoint_label(run.checkpoint(100), run.path, status.st_mtime)
    assert label.startswith("checkpoints/model_100_steps.zip (")
    assert " kB) - " in label
    assert checkpoint_label(tmp_path / "gone.zip", None, 0.0) == "gone.zip (gone)"
    assert checkpoint_label(tmp_path / "a\x1b[31m\n.zip", None, 0.0) == "a?[31m?.zip (gone)"
    assert [size(each) for each in (500, 676_000, 12_345_678)] == ["0 kB", "676 kB", "12.3 MB"]


def test_the_table_of_slots(run, play):
    player = play(run, "zero", deterministic=True)
    while not player.slots[1].statistics.total:
        player.step()
    lines = comparison(player.slots).splitlines()
    assert len(lines) == 4
    assert lines[3].startswith("| 2 | zero | 1 | ")


def test_a_page_that_answers_late_is_drawn_less_often_and_recovers():
    pace = FramePace(15)
    for _ in range(20):
        pace.answered(2.0)
    assert pace.actual_fps == pytest.approx(1.0)
    for _ in range(40):
        pace.answered(0.05)
    assert pace.actual_fps == pytest.approx(15.0)
    drawn = sum(pace.due(tick / 100) for tick in range(101))
    assert drawn == 16


def test_a_curve_of_many_episodes_is_thinned(trained):
    episodes = read_run(trained.path)
    steps, returns = thinned(episodes)
    assert len(steps) == len(returns) <= 200
    many = SimpleNamespace(returns=np.arange(5000.0), timesteps=np.arange(5000) * 10, count=5000)
    steps, returns = thinned(many)
    assert len(steps) == 200
    assert (np.diff(steps) > 0).all()
    assert (np.diff(returns) > 0).all()


def test_a_curve_that_cannot_be_read_is_said_and_comes_back(run, monkeypatch):
    monkeypatch.setattr(figures, "READ_SECONDS", 0.01)
    (monitor,) = monitor_files(run.path)
    whole = monitor.read_bytes()
    monitor.write_bytes(b"\xff\xfe\x00" * 50)
    curve = figures.TrainingCurve(run)
    try:
        wait_for(lambda: "is damaged" in curve.problem)
        monitor.write_bytes(whole)
        wait_for(lambda: not curve.problem and len(curve.steps) > 0)
    finally:
        curve.close()


def wait_for(done) -> None:
    until = time.monotonic() + DEADLINE
    while not done() and time.monotonic() < until:
        time.sleep(0.01)  # for another thread, which tells nobody
    assert done()


def test_pictures_leave_the_panels_room():
    image = np.zeros((300, 600, 3), np.uint8)
    whole = beside_panels(image, 1.6)
    assert whole.shape[1] / whole.shape[0] == pytest.approx(1.6, abs=0.02)
    assert whole[:, int(0.7 * whole.shape[1]) :].min() == 255
    assert (whole == 0).sum() == image.size


@pytest.mark.parametrize("spec", ["run", "zero"])
def test_a_page_is_made_and_ends_with_all_its_threads(run, play, spec):
    before = threading.active_count()
    player = play(run if spec == "run" else "zero", env=None if spec == "run" else "MobileRobotGymEnv-v0")
    page = Page(player, make_server(None, 8787, "a page"))
    assert page.address.startswith("http://127.0.0.1:")
    assert not page.watched()
    player.turn(page)
    assert player.steps == 0, "nobody looks"
    page.close()
    player.loader.close()
    assert threading.active_count() <= before + 4  # viser's pool ends with its last calls
    assert json.dumps(page.address)


def test_the_page_opens_before_anything_heavy_is_loaded():
    code = (
        "import sys, urllib.request\n"
        "from rl_baselines.play.web.front import Front\n"
        "front = Front(print)\n"
        "assert b'<html' in urllib.request.urlopen(front.address, timeout=60).read()\n"
        "front.close()\n"
        "print('loaded:', *sorted({'torch', 'mujoco', 'stable_baselines3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_the_front_says_what_is_waited_for_as_text_and_gives_its_server_away():
    said: list[str] = []
    front = Front(said.append)
    front.say("waiting for <b>it</b>")
    assert said == ["waiting for <b>it</b>"]
    assert "<" not in front._text.content
    server = front.take()
    front.close()
    assert urllib.request.urlopen(f"http://127.0.0.1:{server.get_port()}", timeout=30).status == 200
    server.stop()


def test_a_seed_that_is_none_is_put_back_and_said(server, play):
    player = play("zero", env="MobileRobotGymEnv-v0")
    controls = Controls(server.gui, player, lambda: None, lambda follow: None)
    for seed, taken in ((5, 5), (-5, 5), (2**32, 5), (2**32 - 1, 2**32 - 1)):
        controls._seed.value = seed
        player.post(controls._begin)
        player.turn(Watching())
        assert player.stage.setting.seed == controls._seed.value == taken
        assert player.notes == ("" if seed == taken else f"{seed} is not a seed; seeds go from 0 to 4294967295.")
    player.step()


def test_a_number_of_robots_that_is_refused_is_put_back(server, play):
    drawn = []
    player = play("zero", env="MobileRobotGymEnv-v0", robots=2)
    controls = Controls(server.gui, player, lambda: drawn.append(player.stage.count), lambda follow: None)
    for number in (0, 1000, 2, 3):
        controls._robots.value = number
        player.post(controls._set_robots)
        player.turn(Watching())
        assert controls._robots.value == player.stage.setting.robots
        assert bool(player.notes) == (number in (0, 1000))
    assert drawn == [3], "the scene is made anew for nothing else"
    many = play("zero", env="MobileRobotGymEnv-v0", robots=20)
    assert Controls(server.gui, many, lambda: None, lambda follow: None)._robots.max == 20


def test_what_a_visitor_asks_for_in_vain_ends_nothing(play):
    player = play("zero", env="MobileRobotGymEnv-v0")

    def refuse() -> None:
        raise UserError("this world has no wings.")

    player.post(refuse)
    player.turn(Watching())
    assert player.notes == "this world has no wings."
    player.step()


def test_frames_of_a_film_have_the_size_of_the_first():
    picture = np.full((300, 600, 3), 200, np.uint8)
    assert fitted(picture, (300, 600)) is picture
    smaller = fitted(picture, (300, 300))
    assert smaller.shape == (300, 300, 3)
    assert (smaller[75:225] == 200).all()
    assert not smaller[:75].any()
    assert not smaller[225:].any()


def test_a_robot_that_is_dragged_is_pushed_alone(server, play):
    player = play("zero", env="VelocityFlat", robots=2)
    controls = RobotControls(server.gui, player)
    before = player.stage.world.backend.exact("qvel").clone()
    controls.pull(1, np.array([0.1, -0.2, 0.0]))
    changed = (player.stage.world.backend.exact("qvel") - before).numpy()
    np.testing.assert_allclose(changed[0], 0)
    np.testing.assert_allclose(changed[1, :3], [0.3, -0.6, 0.0], atol=1e-6)
    controls.pull(0, np.array([100.0, 0.0, 0.0]))
    changed = (player.stage.world.backend.exact("qvel") - before).numpy()
    assert changed[0, 0] == pytest.approx(3.0), "however far it is dragged"
    controls.pull(7, np.zeros(3))  # of a world that was larger


def test_parts_that_look_alike_are_one_mesh_and_a_drag_tells_whose_it_was(server):
    """Two slots of two robots, each of a body and two feet: two messages a picture in the place of three."""
    grey, red = (0.5, 0.5, 0.5, 1.0), (1.0, 0.0, 0.0, 1.0)
    parts = [ScenePart(name, sphere(0.1), colour) for name, colour in (("left", grey), ("body", red), ("right", grey))]
    poses = np.zeros((4, 3, 7))
    poses[..., 3] = 1
    poses[..., 2] = np.arange(12).reshape(4, 3)
    shown = SimpleNamespace(setting=Setting("Ant", {}, slots=2, robots=2), count=4, scene_poses=lambda: poses)
    view = MeshView(server, shown, parts, ["one", "two"])
    feet, body = view._handles
    assert feet.batched_positions[:, 2].tolist() == [0, 2, 3, 5, 6, 8, 9, 11]
    assert body.batched_positions[:, 2].tolist() == [1, 4, 7, 10]
    assert (feet.batched_colors[:4] == feet.batched_colors[0]).all()
    assert (feet.batched_colors[4:] != feet.batched_colors[0]).any(1).all()
    seen = feet.batched_positions.copy()
    view.follow = True
    poses[1, :, 0] += 10
    poses[3, :, 1] -= 7
    view.draw(shown, ["one", "two"])
    np.testing.assert_allclose(np.diff(feet.batched_positions, axis=0), np.diff(seen, axis=0), atol=1e-9)
    pulled = []
    view.on_pull(lambda robot, way: pulled.append((robot, way.tolist())))
    event = SimpleNamespace(phase="end", instance_index=5, start_position=(0, 0, 0), end_position=(1, 2, 3))
    for told in feet._impl.drag_cb or ():
        told.callback(event)
    assert pulled == [(2, [1, 2, 3])]
    view.remove()


def test_sliders_show_the_goal_of_a_cube_and_set_it(server, play, clock):
    player = play("zero", env="ParaHandReorient", robots=2)
    world = player.stage.world
    controls = RobotControls(server.gui, player)
    roll, pitch, yaw = controls._sliders
    assert [(each.min, each.max, each.step) for each in (roll, pitch)] == [(-180.0, 180.0, 1.0), (-90.0, 90.0, 1.0)]
    controls.update(1, clock.now)
    np.testing.assert_allclose([each.value for each in controls._sliders], world.commands()[1], atol=1e-3)
    assert world.told is None
    roll.value, pitch.value, yaw.value = 90.0, 0.0, 45.0
    controls.update(0, clock.now + 10)
    assert roll.value == 90.0, "while a person moves it, it stays"
    controls._moved(SimpleNamespace(client=object()))
    player.turn(Watching())
    assert controls._told.value
    for _ in range(5):
        player.step()
    np.testing.assert_allclose(world.commands(), [[90.0, 0.0, 45.0]] * 2, atol=1e-3)
    controls.update(0, clock.now + 20)
    assert roll.value == 90.0
    controls._told.value = False
    player.turn(Watching())
    assert world.told is None
    player.begin(3)
    controls.update(0, clock.now + 30)
    np.testing.assert_allclose([each.value for each in controls._sliders], world.commands()[0], atol=1e-3)


@pytest.mark.parametrize("frames", [3, 0])
def test_a_film_whose_page_goes_keeps_what_was_seen(tmp_path, frames):
    left = iter([np.full((240, 320, 3), 90, np.uint8)] * frames)

    def picture() -> np.ndarray:
        try:
            return next(left)
        except StopIteration:
            raise RuntimeError("the page that was recorded is gone") from None

    film = Film(tmp_path / "videos" / "film.mp4", picture)
    film._thread.join(DEADLINE)
    assert not film.running
    assert film.path.exists() == bool(frames)
    assert film.problem == ("" if frames else "the page that was recorded is gone")
    assert film.why_ended == "the page that was recorded is gone"


def test_the_list_stays_on_the_newest_until_somebody_chooses(server, tmp_path):
    there = [tmp_path / "model_100_steps.zip"]
    there[0].write_bytes(b"")
    slot = SimpleNamespace(number=0, source=SimpleNamespace(run=None, checkpoints=lambda: list(there)))
    player = SimpleNamespace(slots=[slot], reset_on_load=False, post=lambda call: call())
    panel = CheckpointPanel(server.gui, player)
    panel.refresh()
    for steps in (200, 300):
        there.insert(0, tmp_path / f"model_{steps}_steps.zip")
        there[0].write_bytes(b"")
        panel.refresh()
        assert f"model_{steps}_steps" in panel._list.value
    panel._list.value = panel._list.options[-1]  # a person's choice
    there.insert(0, tmp_path / "model_400_steps.zip")
    there[0].write_bytes(b"")
    panel.refresh()
    assert "model_100_steps" in panel._list.value
