"""Names and units of observations and actions: every registered world covers its spaces exactly, in every mode."""

import numpy as np
import pytest
from gymnasium import spaces

from environments.batched import make_batched_vec_env
from environments.config import PIXELS, SRLConfig
from environments.config.summary import summary
from environments.registry import find_env, registered_env
from environments.srl_env import SRLGymEnv
from environments.term_tables import observation_rows, shortened
from environments.terms import action_terms_of, laid_out, observation_terms_of


def modes(env_id: str) -> list[dict[str, object]]:
    config = registered_env[env_id].load_config()
    if not issubclass(config, SRLConfig):
        return [{}]
    found: list[dict[str, object]] = [{"srl_model": state} for state in config.observes()]
    found.append({"srl_model": "ground_truth", "relative_pos": False})
    if config.modes.continuous:
        found.append({"srl_model": "ground_truth", "is_discrete": False})
    if config.modes.joints:
        found.append({"srl_model": "joints_position", "is_discrete": False, "action_joints": True})
    return found


def check_summary(env_id: str, kwargs: dict[str, object], env: SRLGymEnv) -> None:
    """What `list` says of a world without making it, against the world that was made."""
    found = summary(env_id, registered_env[env_id].load_config())
    discrete = isinstance(env.action_space, spaces.Discrete)
    mode = "discrete" if discrete else "joints" if kwargs.get("action_joints") else "continuous"
    assert found.actions[mode] == (env.action_space.n if discrete else env.action_space.shape[0])
    if kwargs.get("relative_pos", True):
        state = str(kwargs.get("srl_model", "ground_truth"))
        assert state == PIXELS or env.observation_space.shape == (found.state_sizes[state],)


@pytest.mark.parametrize("env_id", registered_env)
def test_terms_cover_the_spaces_of_every_world(env_id: str) -> None:
    for kwargs in modes(env_id):
        env = registered_env[env_id].load_class()(**kwargs)
        try:
            check_summary(env_id, kwargs, env)
            stops: dict[str, int] = {}
            for term in env.observation_terms():
                assert term.start == stops.get(term.group, 0)
                assert len(term.elements) in (0, term.size)
                assert term.unit or kwargs.get("srl_model") == PIXELS or not kwargs
                stops[term.group] = term.slice.stop
            assert stops["policy"] == spaces.flatdim(env.observation_space)
            actions = env.action_terms()
            assert [term.index for term in actions] == list(range(len(actions)))
            assert len({term.name for term in actions}) == len(actions)
            if isinstance(env.action_space, spaces.Discrete):
                assert [len(term.choices) for term in actions] == [env.action_space.n]
            else:
                assert isinstance(env.action_space, spaces.Box)
                np.testing.assert_array_equal([term.low for term in actions], env.action_space.low)
                np.testing.assert_array_equal([term.high for term in actions], env.action_space.high)
        finally:
            env.close()


def test_the_terms_of_the_kuka_arm() -> None:
    env = registered_env["KukaButtonGymEnv-v0"].load_class()(
        srl_model="joints_position", is_discrete=False, action_joints=True
    )
    joints, place = env.observation_terms()
    assert (joints.name, joints.size, joints.unit, joints.elements[0]) == ("joint_pos", 14, "rad", "J0")
    assert (place.name, place.start, place.unit, place.elements) == (
        "gripper_pos_from_target",
        14,
        "m",
        ("x", "y", "z"),
    )
    assert [term.joint for term in env.action_terms()] == [f"J{index}" for index in range(7)]
    assert env.action_terms()[0].scale == 0.1
    assert env.control_dt == 1 / 240
    env.close()


def test_a_robot_of_many_knows_the_terms() -> None:
    venv = make_batched_vec_env("MobileRobotGymEnv-v0", 3, srl_model="ground_truth", relative_pos=False)
    terms = venv.env_method("observation_terms")[2]
    assert [(term.name, term.start, term.size) for term in terms] == [("agent_pos", 0, 2), ("target_pos", 2, 2)]
    assert venv.env_method("action_terms")[0][0].choices == ("-x", "+x", "-y", "+y")
    assert venv.get_attr("control_dt") == [None] * 3


def test_terms_by_default_come_from_the_spaces() -> None:
    box = spaces.Box(-1, 2, (2, 3), np.float32)
    parts = spaces.Dict({"image": spaces.Box(0, 255, (4, 4, 3), np.uint8), "state": box, "kind": spaces.Discrete(5)})
    assert [(term.name, term.start, term.size) for term in observation_terms_of(parts)] == [
        ("image", 0, 48),
        ("kind", 48, 5),
        ("state", 53, 6),
    ]
    assert [(term.index, term.low, term.high) for term in action_terms_of(spaces.MultiDiscrete([2, 4]))] == [
        (0, 0, 1),
        (1, 0, 3),
    ]
    assert len(action_terms_of(box)) == 6
    assert action_terms_of(spaces.Discrete(3, start=-1))[0].low == -1
    placed = laid_out([*observation_terms_of(box, "critic"), *observation_terms_of(box)] * 2)
    assert [(term.group, term.start) for term in placed] == [("critic", 0), ("policy", 0), ("critic", 6), ("policy", 6)]


def test_a_joint_says_what_a_controller_needs() -> None:
    ant = registered_env["AntGymEnv-v0"].load_class()()
    term = ant.action_terms()[0]
    assert (term.gear, term.stiffness, term.damping, term.unit) == (15.0, None, None, "")
    model = ant.world.backend.model
    assert term.joint_limits == tuple(model.joint(term.joint).range)
    assert [term.default_pos for term in ant.action_terms()] == list(ant.world.robot.default_pose)
    ant.close()
    dog = registered_env["VelocityFlatGymEnv-v0"].load_class()(actions={"moving_average": 0.5, "delay": 1})
    term = dog.action_terms()[0]
    assert (term.gear, term.stiffness, term.unit, term.moving_average, term.delay) == (None, 80.0, "rad", 0.5, 1)
    assert term.damping == pytest.approx(2.0)
    assert {term.source for term in dog.observation_terms() if term.name == "command"} == {"command"}
    dog.close()


def test_a_foreign_world_tells_what_its_spaces_tell() -> None:
    env = find_env("Pendulum-v1").load_class()()
    assert [(term.name, term.size) for term in env.observation_terms()] == [("observation", 3)]
    assert [(term.low, term.high) for term in env.action_terms()] == [(-2.0, 2.0)]
    assert env.control_dt == 0.05
    env.close()


@pytest.mark.parametrize(
    ("elements", "shown"),
    [
        (["x", "y", "z"], "x y z"),
        ([f"foot_{foot}_{axis}" for foot in (1, 2) for axis in ("fx", "fy", "fz", "tx")], "foot_{1..2}_{fx,fy,fz,tx}"),
        ([f"{tip}_{axis}" for tip in ("thumb", "index") for axis in "xyzw"], "{thumb,index}_{x,y,z,w}"),
        ([f"base_{axis}" for axis in "abcdefg"], "base_{a,b,c,d,e,f,g}"),
        ([f"ray_{ray}" for ray in range(187)], "ray_{0..186}"),
        ([f"J{joint}" for joint in range(7)], "J{0..6}"),
        (["qx", "qy", "qz", "qw", "vx", "vy", "vz"], "qx qy qz qw vx vy vz"),
        (["a_x", "a_y", "b_x", "b_z", "c_x", "c_y", "d"], "a_x a_y b_x b_z c_x c_y d"),
    ],
)
def test_many_elements_are_shown_as_a_shell_would_expand_them(elements: list[str], shown: str) -> None:
    assert shortened(elements) == shown


def test_the_elements_of_an_earlier_term_are_named_by_it() -> None:
    term = {"slice": [0, 8], "unit": "rad", "frame": "", "scale": 1, "clip": None, "history": 1}
    elements = [f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle", "toe")]
    rows = observation_rows(
        [{**term, "name": name, "elements": elements} for name in ("joint_pos", "joint_vel")]
        + [{**term, "name": "other", "elements": ["x", "y"]}, {**term, "name": "again", "elements": ["x", "y"]}]
    )
    assert [row[7] for row in rows] == ["{left,right}_{hip,knee,ankle,toe}", "as joint_pos", "x y", "x y"]
