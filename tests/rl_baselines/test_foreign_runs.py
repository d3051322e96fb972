"""Worlds of Gymnasium's registry through training, resuming, playing and presets."""

import gymnasium
import numpy as np
import pytest

from environments.foreign import escaped_id
from rl_baselines import enjoy, hyperparam_search, pipeline, train
from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.hyperparams.resolve import resolve_hyperparams
from rl_baselines.registry import find_algo
from rl_baselines.runs.run_folder import find_run
from rl_baselines.vec_envs.create import create_envs, restore_vec_env_state, vec_env_state
from tests.rl_baselines.vec_envs.space_worlds import ACTIONS, OBSERVED, SpaceWorld

QUIET = ["--no-vis", "--no-progress"]


def test_cart_pole_trains_and_is_played(tmp_path, capsys):
    argv = [*QUIET, "--log-dir", str(tmp_path), "--env", "CartPole-v1", "--num-cpu", "2", "--num-timesteps", "300"]
    assert train.main([*argv, "--hyperparam", "n_steps:64", "nminibatches:4"]) == 0
    run = find_run(str(tmp_path / "CartPole-v1" / "ground_truth" / "ppo2"), tmp_path)
    info = load_checkpoint(run.latest).info
    assert (info.env_id, info.srl_model, info.env_kwargs["max_steps"]) == ("CartPole-v1", "ground_truth", 500)
    assert len(list(run.path.glob("*.monitor.csv"))) == 2
    video = tmp_path / "cart.mp4"
    assert enjoy.main(["--log-dir", str(run.path), "--num-episodes", "1", "--video", str(video)]) == 0
    assert "return over 1 episodes" in capsys.readouterr().out
    assert video.stat().st_size > 0


@pytest.mark.parametrize("n_envs", [1, 3])
def test_environments_go_on_in_mid_episode(n_envs):
    actions = np.random.default_rng(0).uniform(-2, 2, (9, n_envs, 1)).astype(np.float32)
    one = create_envs("Pendulum-v1", {"max_steps": 7}, n_envs=n_envs, seed=5)
    one.reset()
    for action in actions[:5]:
        one.step(action)
    state = vec_env_state(one)
    other = create_envs("Pendulum-v1", {"max_steps": 7}, n_envs=n_envs, seed=77)
    other.reset()
    restore_vec_env_state(other, state)
    for action in actions[5:]:
        (seen, paid, ended, _), (again, earned, over, _) = one.step(action), other.step(action)
        assert np.array_equal(seen, again)
        assert np.array_equal(paid, earned)
        assert np.array_equal(ended, over)
    one.close()
    other.close()


@pytest.fixture
def registered():
    ids = {"Tests/Dict-v0": ("dict", "multi_binary"), "Tests/Image-v0": ("image", "multi_discrete")}
    for env_id, (observed, acted) in ids.items():
        kwargs = {"observation_space": OBSERVED[observed], "action_space": ACTIONS[acted]}
        gymnasium.register(env_id, lambda kwargs=kwargs: SpaceWorld(**kwargs), max_episode_steps=50)
    yield
    for env_id in ids:
        del gymnasium.registry[env_id]


@pytest.mark.parametrize(
    ("env_id", "policy"),
    [("Tests/Dict-v0", "MultiInputActorCriticPolicy"), ("Tests/Image-v0", "ActorCriticCnnPolicy")],
)
def test_other_spaces_too(registered, env_id, policy):
    venv = create_envs(env_id, {})
    model = find_algo("ppo").load_class().make_model(venv, {"n_steps": 8, "batch_size": 8}, seed=0, device="cpu")
    assert type(model.policy).__name__ == policy
    model.learn(16)
    venv.close()


def test_a_preset_may_have_a_section_of_such_a_world(registered, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("default: {n_steps: 64}\nTests-Dict-v0: {n_steps: 32}\nCartPole-v1/ground_truth: {n_steps: 16}\n")
    assert escaped_id("Tests/Dict-v0") == "Tests-Dict-v0"
    for env_id, steps in [("Tests/Dict-v0", 32), ("CartPole-v1", 16), ("Pendulum-v1", 64)]:
        found = resolve_hyperparams(
            find_algo("ppo").load_class(), "ppo", env_id, "ground_truth", continuous=False, conf_file=file
        )
        assert found["n_steps"].value == steps


def test_a_search_and_a_grid_take_what_the_world_itself_observes(tmp_path, capsys):
    """Also where the flag is left out, whose default is what robots' cameras see."""
    argv = ["--env", "CartPole-v1", "--algo", "a2c", "--num-timesteps", "100", "--log-dir", str(tmp_path)]
    plan = hyperparam_search.plan_search(*hyperparam_search.make_parser().parse_with_given(argv), argv)
    assert plan.training.srl_model == "ground_truth"
    assert "--env CartPole-v1 --num-timesteps 100 --srl-model ground_truth" in plan.train_command
    several = ["--env", "CartPole-v1", "MobileRobotGymEnv-v0", *argv[2:]]
    assert pipeline.main([*several, "--num-iteration", "1", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "a2c on CartPole-v1 from ground_truth" in said or "--env CartPole-v1 --srl-model ground_truth" in said
    assert "MobileRobotGymEnv-v0 --srl-model raw_pixels" in said or "MobileRobotGymEnv-v0 from raw_pixels" in said
