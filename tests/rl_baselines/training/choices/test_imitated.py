"""``--imitate``: policies of other runs as the beginning of a training."""

from pathlib import Path

import numpy as np
import pytest
import torch

from environments.mujoco_gym.maths import product, turned
from environments.mujoco_gym.tasks.hands.in_hand_config import ReorientConfig
from environments.mujoco_gym.tasks.hands.reorient import ReorientTask
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.teachers import Teachers
from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve
from rl_baselines.training.run import run_training
from rl_baselines.training.session import Session
from srl3.errors import UserError
from tests.rl_baselines.training.conftest import stop_at
from tests.rl_baselines.training.test_resume import weights

HAND = "ParaHandReorientGymEnv-v0"
SMALL = ("n_steps:4", "n_envs:6", "nminibatches:1", "policy_kwargs:{net_arch: [8]}")


TEACHER = (*SMALL[:-1], "policy_kwargs:{net_arch: [8], ortho_init: false, activation_fn: ELU}")


def request(folder: Path, **choices: object) -> TrainingRequest:
    given = {
        "env": HAND,
        "algo": "batched_ppo",
        "hyperparam": SMALL,
        "num_timesteps": 24,
        "no_vis": True,
        "no_progress": True,
    }
    return TrainingRequest(log_dir=folder, **{**given, **choices})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two small runs, of cubes that are to be turned about x and about -y."""
    files = []
    for number, axis in enumerate(((1.0, 0.0, 0.0), (0.0, -1.0, 0.0))):
        folder = tmp_path_factory.mktemp(f"teacher{number}")
        run_training(resolve(request(folder, env_kwargs={"goal_axes": [axis]}, seed=number, hyperparam=TEACHER)))
        files.append(str(next(folder.rglob("latest.zip"))))
    return files


def test_each_robot_asks_the_policy_whose_axis_is_nearest(teachers):
    world = ReorientTask(ReorientConfig(), 6)
    world.seed(list(range(6)))
    world.reset()
    ways = torch.tensor(
        [[0.9, -0.1, 0.3], [0.2, -0.9, 0.0], [0.4, -0.5, 2.0], [1.0, 1.0, 1.0], [-1.0, 0.1, 0.0], [-1.0, -1.1, 0.0]]
    )
    world.goal[:] = product(turned(ways), world.object_quat)
    world._note_goal()
    configs = [
        ReorientConfig(goal_axes=((2.0, 0.0, 0.0), (5.0, 0.1, 0.0))),
        ReorientConfig(goal_axes=((0.0, -0.5, 0.0),)),
    ]
    assert world.most_like(configs).tolist() == [0, 1, 1, 0, 1, 1]
    actions = Teachers(list(map(Path, teachers)))(world)
    observed = world.observe().numpy()
    first, second = (Actor.load(Path(file)).act(observed, np.zeros(6, bool), deterministic=True) for file in teachers)
    assert not np.allclose(first, second)
    assert np.array_equal(actions, np.where(np.array([0, 1, 1, 0, 1, 1])[:, None] == 0, first, second))


def test_a_policy_is_shown_what_it_was_taught_by(tmp_path):
    """One that saw the critic's group and straight ways, by a world that shows another group and a route."""
    seen = request(tmp_path, hyperparam=(*TEACHER, "policy_obs_key:critic"))
    run_training(resolve(seen))
    file = next(tmp_path.rglob("latest.zip"))
    worlds = [ReorientTask(ReorientConfig(goal_route=route), 6) for route in ("spin_and_roll", "straight")]
    for world in worlds:
        world.seed(list(range(6)))
        world.reset()
    routed, straight = worlds
    legs = routed.way_to_goal
    assert not torch.allclose(legs, straight.way_to_goal, atol=0.1)
    straight.goal[:] = product(turned(legs), straight.object_quat)  # the goal is where the leg ends
    for world in worlds:
        world.state_changed()
        world._push_observations(world.elapsed)
    expected = Actor.load(file).act(straight.observe(group="critic").numpy(), np.zeros(6, bool), deterministic=True)
    assert np.allclose(Teachers([file])(routed), expected, atol=1e-5)
    shown = routed.observe(group="critic").numpy()
    assert not np.allclose(Actor.load(file).act(shown, np.zeros(6, bool), deterministic=True), expected, atol=1e-3)

    session = Session(resolve(request(tmp_path / "student", imitate=(str(file),))))
    try:
        session.model.learn(24)
    finally:
        session.close()


def test_they_are_what_a_learner_imitates(teachers, tmp_path):
    plan = resolve(request(tmp_path, imitate=tuple(teachers)))
    assert plan.settings["imitation_coef"].value == 10
    assert plan.settings["imitation_coef"].source == "--imitate"
    session = Session(plan)
    try:
        session.model.learn(24)
        imitated = session.model.collector.scripted().numpy()
        assert np.array_equal(imitated, Teachers(list(map(Path, teachers)))(session.env.unwrapped.world))
    finally:
        session.close()


def test_a_run_that_imitates_is_resumed_and_a_retraining_goes_on_by_rewards(
    teachers, small_train, tmp_path, monkeypatch
):
    flags = ("--env", HAND, "--algo", "batched_ppo", "--num-timesteps", "96", "--hyperparam", *SMALL)
    whole = small_train(*flags, "--imitate", *teachers, log_dir=tmp_path / "whole")
    with monkeypatch.context() as patched:
        stop_at(patched, 60)
        cut = small_train(*flags, "--imitate", *teachers, log_dir=tmp_path / "cut", status=130)
    assert load_checkpoint(cut.latest).info.num_timesteps < 96
    small_train("--resume", str(cut.path), log_dir=tmp_path / "cut")
    one, other = weights(whole.latest), weights(cut.latest)
    assert all(np.array_equal(value, other[name]) for name, value in one.items())
    alone = small_train(*flags, log_dir=tmp_path / "alone")
    assert any(not np.array_equal(value, one[name]) for name, value in weights(alone.latest).items())

    again = resolve(TrainingRequest(load_rl_model_path=str(whole.latest), log_dir=tmp_path))
    assert again.settings["imitation_coef"].value == 0
    assert again.imitate == ()


def test_what_can_not_be_imitated_is_refused(teachers, tmp_path):
    file = teachers[0]

    def refused(sentence: str, **choices: object) -> None:
        with pytest.raises(UserError, match=sentence):
            resolve(request(tmp_path, imitate=(file,), **choices))

    refused("--imitate is for --algo batched_ppo, rsl_ppo; ppo2 imitates nobody", algo="ppo2", hyperparam=None)
    refused(f"was trained on {HAND}, and can't be imitated on ParaHandRotateZGymEnv-v0", env="ParaHandRotateZ")
    refused("--imitate is for policies that observe ground_truth, not raw_pixels", srl_model="raw_pixels")
    assert not list(tmp_path.iterdir())

    nobody = (*SMALL, "imitation_coef:0")
    refused("imitation_coef:0 imitates nobody, and --imitate says whom", hyperparam=nobody)
    refused(
        "--imitate is for a training on one task; leave it out, or --mix-tasks",
        mix_tasks=("success_angle:0.2", "success_angle:0.3"),
    )
    with pytest.raises(UserError, match="the name of a run is empty"):
        resolve(request(tmp_path, imitate=("",)))

    recurrent = ("n_steps:4", "n_envs:6", "nminibatches:1", "rnn_type:gru", "rnn_hidden_dim:8")
    run_training(resolve(request(tmp_path / "gru", hyperparam=recurrent)))
    other = next((tmp_path / "gru").rglob("latest.zip"))
    with pytest.raises(UserError, match="remembers earlier steps; --imitate is for policies that do not"):
        resolve(request(tmp_path / "student", imitate=(str(other),)))
    for changed, named in (
        ({"control": "position_offset"}, "was trained with control:position_delta, and with control:position_offset"),
        ({"finger_speed": 2.0}, "was trained with finger_speed:3.0, and with finger_speed:2.0"),
        ({"observations.policy.cube_pos.scale": 1.0}, r"observations.policy.cube_pos.scale:10.0, and with .*scale:1.0"),
        (
            {"sim.decimation": 8},
            "was trained with sim.decimation:4, and with sim.decimation:8 what it does or observes",
        ),
    ):
        with pytest.raises(UserError, match=named):
            Session(resolve(request(tmp_path / "student", imitate=(file,), env_kwargs=changed)))
    sees_more = resolve(request(tmp_path / "student", imitate=(file,), env_kwargs={"policy_group": "critic"}))
    with pytest.raises(
        UserError, match=r"latest.zip was trained on .*space Box\(87, .*but this environment has Box\(135,"
    ):
        Session(sees_more)
    assert not (tmp_path / "student").exists()


def test_who_was_imitated_long_enough_may_go(small_train, tmp_path, monkeypatch):
    run_training(resolve(request(tmp_path / "teacher")))
    file = next((tmp_path / "teacher").rglob("latest.zip"))
    flags = (
        "--env",
        HAND,
        "--algo",
        "batched_ppo",
        "--num-timesteps",
        "96",
        "--imitate",
        str(file),
        "--hyperparam",
        *SMALL,
    )
    cut = []
    for steps in (48, 960):
        with monkeypatch.context() as patched:
            stop_at(patched, 60)
            cut.append(small_train(*flags, f"imitation_steps:{steps}", log_dir=tmp_path / str(steps), status=130))
    file.unlink()
    small_train("--resume", str(cut[0].path), log_dir=tmp_path / "48")
    assert load_checkpoint(cut[0].latest).info.num_timesteps == 96
    with pytest.raises(
        UserError, match=r"the run imitates .*latest.zip, which is gone; put it back, or go on by rewards"
    ):
        resolve(TrainingRequest(resume=str(cut[1].path)))
