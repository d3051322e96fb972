"""Worlds as meshes: closed, turned outwards, and where the engine has them."""

import mujoco
import numpy as np
import pytest

from environments.batched import make_batched_vec_env
from environments.bullet import pybullet as p
from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv
from environments.scenes.shapes import Mesh, box, capsule, cylinder, ellipsoid, grid, joined, sphere
from srl3.errors import UserError


def volume(mesh: Mesh) -> float:
    """Positive where corners are counter-clockwise from outside; right only for a closed surface."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(float), 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize(
    ("mesh", "expected"),
    [
        (box((1, 2, 3)), 6.0),
        (sphere(0.5), np.pi / 6),
        (ellipsoid((1, 2, 0.5)), 4 / 3 * np.pi),
        (cylinder(0.5, 2), np.pi / 2),
        (capsule(0.5, 2), np.pi / 2 + np.pi / 6),
    ],
)
def test_a_primitive_encloses_its_volume(mesh, expected):
    assert volume(mesh) == pytest.approx(expected, rel=0.12)
    moved = Mesh(mesh.vertices + np.array([5, -3, 2]), mesh.faces)
    assert volume(moved) == pytest.approx(volume(mesh), rel=1e-4), "the surface has a hole"


def test_a_map_of_heights_is_seen_from_above():
    mesh = grid(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]), 2.0, 1.0)
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()
    assert np.ptp(mesh.vertices, axis=0).tolist() == [2.0, 1.0, 1.0]


def test_joined_meshes_keep_their_faces():
    one = joined([box((1, 1, 1)), box((2, 2, 2))])
    assert volume(one) == pytest.approx(9.0)


@pytest.mark.parametrize("env_id", ["Ant", "VelocityFlat"])
def test_parts_of_a_mujoco_world_are_where_its_geoms_are(env_id):
    venv = make_batched_vec_env(env_id, 2)
    venv.seed(3)
    venv.reset()
    for _ in range(5):
        venv.step(np.stack([venv.action_space.sample() for _ in range(2)]))
    world = venv.world
    parts, poses = world.scene_parts(), world.scene_poses()
    assert poses.shape == (2, len(parts), 7)
    model, data = world.backend.data(1)
    shown = [
        g for g in range(model.ngeom) if model.geom_group[g] < 3 and model.geom_type[g] != mujoco.mjtGeom.mjGEOM_PLANE
    ]
    placed = np.concatenate([turned(part.mesh.vertices, pose) for part, pose in zip(parts, poses[1], strict=True)])
    for geom in shown:
        inside = np.linalg.norm(placed - data.geom_xpos[geom], axis=1).min()
        assert inside <= model.geom_rbound[geom] + 1e-3
    assert len(shown) >= len(parts)
    if env_id == "Ant":  # of which every body is one geom
        np.testing.assert_allclose(poses[1, :, :3], data.geom_xpos[shown], atol=1e-9)
    venv.close()


def test_the_map_is_a_ground_that_all_robots_share():
    venv = make_batched_vec_env("VelocityRough", 1)
    venv.reset()
    grounds = [part for part in venv.world.scene_parts() if part.ground]
    assert len(grounds) == 1
    heights = venv.world.terrain.heights
    assert np.ptp(grounds[0].mesh.vertices[:, 2]) == pytest.approx(np.ptp(heights), rel=0.2)
    venv.close()


def test_parts_of_a_bullet_world_are_where_its_links_are():
    env = KukaButtonGymEnv()
    env.reset(seed=0)
    for _ in range(10):
        env.step(1)
    parts, poses = env.scene_parts(), env.scene_poses()
    assert poses.shape == (len(parts), 7)
    np.testing.assert_allclose(np.linalg.norm(poses[:, 3:], axis=1), 1, atol=1e-6)
    arm = env._scene.arm.body
    for part, pose in zip(parts, poses, strict=True):
        body, link = (int(number) for number in part.name.rpartition(" ")[2].split("."))
        if body == arm and link >= 0:
            low, high = p.getAABB(body, link, physicsClientId=env._scene.client)
            corners = turned(part.mesh.vertices, pose)
            margin = 0.06
            assert (corners.min(0) >= np.array(low) - margin).all()
            assert (corners.max(0) <= np.array(high) + margin).all()
    env.close()


def test_a_push_and_a_command():
    venv = make_batched_vec_env("VelocityFlat", 3)
    venv.seed(0)
    venv.reset()
    world = venv.world
    before = world.exact("qvel").clone()
    world.push(slice(0, 2), (1.5, 0.0, 0.5))
    change = (world.exact("qvel") - before).numpy()
    np.testing.assert_allclose(change[:2, :3], [[1.5, 0.0, 0.5]] * 2)
    assert not change[2].any()
    assert [term.unit for term in world.command_terms()] == ["m/s", "m/s", "rad/s"]
    np.testing.assert_array_equal(world.commands(slice(1, 3)), world.command[1:].numpy())
    world.set_command((0.5, 0.0, -0.2))
    for _ in range(30):
        venv.step(np.zeros((3, 12), np.float32))
        np.testing.assert_allclose(world.command.numpy(), [[0.5, 0.0, -0.2]] * 3, atol=1e-6)
    world.set_command(None)
    venv.reset()
    assert len(np.unique(world.command.numpy(), axis=0)) == 3
    venv.close()


def test_a_world_without_them_says_so():
    venv = make_batched_vec_env("MobileRobotGymEnv-v0", 1)
    assert venv.world.command_terms() == []
    assert venv.world.commands().shape == (1, 0)
    assert not venv.world.can_be_pushed
    with pytest.raises(UserError, match="can't be pushed"):
        venv.world.push(slice(None), (1, 0, 0))
    with pytest.raises(UserError, match="no commands"):
        venv.world.set_command((1,))


def turned(vertices: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Vertices at a pose, by MuJoCo's own rotation."""
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, pose[3:])
    return vertices @ matrix.reshape(3, 3).T + pose[:3]
