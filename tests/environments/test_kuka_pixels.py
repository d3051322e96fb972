"""Pixels of the Kuka worlds: the same to the eye as a full render, several times as fast, and always the same."""

import hashlib
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import pybullet as p
import pytest

from environments.kuka_gym.pictures import light_scene, meshes
from environments.kuka_gym.pictures.camera import FRONT, SIDE, projection_matrix, view_matrix
from environments.kuka_gym.pictures.simplify import simplify
from environments.registry import find_env
from tests.cases import product

BUTTON, RAND, TWO = "KukaButtonGymEnv-v0", "KukaRandButtonGymEnv-v0", "Kuka2ButtonGymEnv-v0"
N_POSES = 50


@pytest.fixture
def make():
    made = []

    def build(world=BUTTON, **kwargs):
        made.append(find_env(world).load_class()(**{"random_target": True, **kwargs}))
        return made[-1]

    yield build
    for env in made:
        env.close()


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    """An empty cache folder, and no mesh in memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    light_scene._mesh_arguments.cache_clear()
    yield tmp_path / "cache" / "srl3" / "meshes"
    light_scene._mesh_arguments.cache_clear()


def full_render(env, view, side):
    """The scene as PyBullet draws it, with all its triangles: RGB, and the ids of body and of link + 1 in a mask."""
    _, _, pixels, _, mask = p.getCameraImage(
        side,
        side,
        view_matrix(view),
        projection_matrix((side, side)),
        renderer=p.ER_TINY_RENDERER,
        flags=p.ER_SEGMENTATION_MASK_OBJECT_AND_LINKINDEX,
        physicsClientId=env._scene.client,
    )
    mask = np.asarray(mask).reshape(side, side)
    return np.asarray(pixels, np.uint8).reshape(side, side, 4)[..., :3], mask & 0xFFFFFF, mask >> 24


def poses(env, count):
    """Brings the arm to that many poses, over several episodes."""
    env.reset(seed=0)
    for number in range(count):
        for _ in range(30):
            if any(env._advance((4, 1, 3, 4, 0, 2)[number % 6])[1:3]):
                env.reset()
        yield number


# the same to the eye


@pytest.mark.parametrize(
    ("world", "side"),
    product((BUTTON, RAND, TWO), (64, 84, 224), gate=lambda *case: case in ((BUTTON, 64), (RAND, 84), (TWO, 64))),
)
def test_the_picture_is_the_full_render_to_the_eye(make, world, side):
    env = make(world, srl_model="ground_truth", multi_view=True, img_shape=(side, side))
    differences = []
    for _ in poses(env, N_POSES):
        image = env.get_image()
        full = np.concatenate([full_render(env, view, side)[0] for view in (FRONT, SIDE)], axis=-1)
        assert (image.shape, image.dtype) == (full.shape, np.uint8)
        differences.append([np.abs(image.astype(int) - full)[..., i : i + 3].mean() for i in (0, 3)])
    assert np.mean(differences, axis=0).max() <= 1.5
    assert np.max(differences) <= 2.0


@pytest.mark.parametrize("side", [84, 224])
def test_the_arm_has_no_holes(make, side):
    env = make(srl_model="ground_truth", img_shape=(side, side))
    behind = light_scene.background(view_matrix(FRONT), projection_matrix((side, side)), (side, side))[0]
    behind = behind.view(np.uint8).reshape(side, side, 4)[..., :3]
    n_holes, n_inside = 0, 0
    for _ in poses(env, 15):
        image, (full, bodies, links) = env.get_image(), full_render(env, FRONT, side)
        arm = np.pad((bodies == env._arm.body) & (links > 0), 2)
        inside = np.logical_and.reduce([np.roll(arm, (dy, dx), (0, 1)) for dy in range(-2, 3) for dx in range(-2, 3)])
        inside = inside[2:-2, 2:-2] & (full != behind).any(axis=-1)
        n_inside += inside.sum()
        n_holes += (inside & (image == behind).all(axis=-1)).sum()
    assert n_inside > 15 * side * side * 0.03
    assert n_holes <= n_inside / 10_000


def test_what_never_moves_is_drawn_exactly(make):
    env = make(srl_model="ground_truth", img_shape=(84, 84))
    env.reset(seed=0)
    full, bodies, _ = full_render(env, FRONT, 84)
    around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    still = np.logical_and.reduce([np.roll(bodies <= env._scene.table, shift, (0, 1)) for shift in around])
    assert still.mean() > 0.5
    np.testing.assert_array_equal(env.get_image()[still], full[still])


# always the same


def test_a_picture_does_not_depend_on_what_was_drawn_before(make):
    fresh, used = make(RAND, img_shape=(64, 64)), make(RAND, img_shape=(64, 64))
    used.reset(seed=8)
    for _ in range(20):
        used.step(4)
    pictures = [[env.reset(seed=3)[0], *(env.step(action % 6)[0] for action in range(30))] for env in (fresh, used)]
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("world", [BUTTON, RAND])
def test_drawing_does_not_disturb_the_physics(make, world):
    seen, unseen = (make(world, srl_model=kind, img_shape=(36, 36)) for kind in ("raw_pixels", "ground_truth"))
    for env in (seen, unseen):
        env.reset(seed=2)
        for action in range(120):
            env.step((4, 1, 3)[action % 3])
    np.testing.assert_array_equal(seen.ground_truth(), unseen.ground_truth())
    np.testing.assert_array_equal(seen.joints(), unseen.joints())


def picture(make):
    env = make(img_shape=(64, 64))
    return env.reset(seed=0)[0]


def test_the_picture_is_the_same_with_and_without_the_cache(make, fresh_cache):
    first = picture(make)
    files = {path.name: path.read_bytes() for path in fresh_cache.iterdir()}
    assert len(files) == 11  # seven links and four parts of the fingers
    light_scene._mesh_arguments.cache_clear()
    np.testing.assert_array_equal(picture(make), first)
    assert {path.name: path.read_bytes() for path in fresh_cache.iterdir()} == files


def test_a_damaged_cache_is_made_anew(make, fresh_cache):
    first = picture(make)
    whole = {path: path.read_bytes() for path in sorted(fresh_cache.iterdir())}
    for number, (path, content) in enumerate(whole.items()):
        path.write_bytes((b"", b"not a zip", content[:1000], content[: len(content) // 2])[number % 4])
    light_scene._mesh_arguments.cache_clear()
    np.testing.assert_array_equal(picture(make), first)
    assert {path: path.read_bytes() for path in whole} == whole


def test_a_cache_that_cannot_be_written_is_replaced_by_the_temporary_folder(make, fresh_cache, tmp_path, monkeypatch):
    first = picture(make)
    (tmp_path / "file").touch()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(meshes.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    light_scene._mesh_arguments.cache_clear()
    np.testing.assert_array_equal(picture(make), first)
    assert list((tmp_path / "temporary").rglob("*.npz"))
    monkeypatch.setattr(meshes.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    light_scene._mesh_arguments.cache_clear()
    np.testing.assert_array_equal(picture(make), first)


def test_several_processes_fill_an_empty_cache_at_once(make, fresh_cache):
    code = (
        "import hashlib; from environments.registry import find_env;"
        f"env = find_env({BUTTON!r}).load_class()(img_shape=(64, 64));"
        "print(hashlib.sha256(env.reset(seed=0)[0].tobytes()).hexdigest())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(3)
    ]
    outputs = {process.communicate()[0].split()[-1] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    here = make(random_target=False, img_shape=(64, 64)).reset(seed=0)[0]
    assert outputs == {hashlib.sha256(here.tobytes()).hexdigest()}
    assert not [path for path in fresh_cache.iterdir() if path.suffix != ".npz"]


# fast


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "side", "least"), [(BUTTON, 64, 4), (BUTTON, 84, 4), (BUTTON, 224, 3), (RAND, 64, 4)]
)
def test_pixels_are_several_times_as_fast_as_a_plain_render(make, world, side, least):
    env = make(world, img_shape=(side, side), max_steps=10_000)
    env.reset(seed=0)
    env.step(0)

    def seconds(work, count):
        start = time.process_time()
        for number in range(count):
            work(number)
        return (time.process_time() - start) / count

    def plain(_):
        p.stepSimulation(env._scene.client)
        full_render(env, FRONT, side)

    def ours(number):
        env.step(number % 4)

    ratios = [seconds(plain, 4) / seconds(ours, 12) for _ in range(7)]
    assert statistics.median(ratios) >= least


# simplified meshes


def sphere(n=40):
    """A closed ball of radius 1: vertices and faces that look outwards."""
    heights = np.linspace(0, np.pi, n)
    turns = np.linspace(0, 2 * np.pi, n, endpoint=False)
    grid = np.array([[(np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)) for b in turns] for a in heights])
    faces = []
    for row in range(n - 1):
        for column in range(n):
            a, b = row * n + column, row * n + (column + 1) % n
            faces += [(a, a + n, b), (b, a + n, b + n)]
    return grid.reshape(-1, 3), np.array(faces)


def volume(vertices, faces):
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    return (a * np.cross(b, c)).sum() / 6


def test_a_simplified_ball_is_a_closed_ball_of_the_same_size():
    vertices, faces = sphere()
    few, fewer_faces = simplify(vertices, faces, 0.03)
    assert len(fewer_faces) < len(faces) / 3
    edges = [tuple(sorted(edge)) for a, b, c in fewer_faces.tolist() for edge in ((a, b), (b, c), (c, a))]
    assert {edges.count(edge) for edge in edges} == {2}
    assert np.abs(np.linalg.norm(few, axis=1) - 1).max() < 0.03
    assert volume(few, fewer_faces) == pytest.approx(4 / 3 * np.pi, rel=0.06)


def test_a_flat_square_needs_few_triangles_and_keeps_its_border():
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(11.0), np.arange(11.0)))
    vertices = np.stack([x, y, np.zeros_like(x)], axis=1)
    corners = [(11 * row + column) for row in range(10) for column in range(10)]
    faces = np.array([face for a in corners for face in ((a, a + 1, a + 11), (a + 1, a + 12, a + 11))])
    few, fewer_faces = simplify(vertices, faces, 0.01)
    assert len(fewer_faces) <= 20
    assert (few.min(axis=0).round(9).tolist(), few.max(axis=0).round(9).tolist()) == ([0, 0, 0], [10, 10, 0])
    a, b, c = np.moveaxis(few[fewer_faces], 1, 0)
    assert np.cross(b - a, c - a)[:, 2].sum() / 2 == pytest.approx(100)


def test_no_tolerance_keeps_every_corner():
    vertices, faces = sphere(12)
    same, same_faces = simplify(vertices, faces, 0.0)
    assert volume(same, same_faces) == pytest.approx(volume(vertices, faces))
