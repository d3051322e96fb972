import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from rl_baselines.evolution_strategies.cma_es import CMAES
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt
from rl_baselines.registry import ActionType, find_algo, registered_rl
from srl3.errors import UserError
from tests.rl_baselines.tiny_worlds import EPISODE, LastStepWorld, steps_taken, vec_env

BY_REWARDS = {name: entry for name, entry in registered_rl.items() if not entry.load_class().supervised}
"""the others have tests of their own, with something to learn from"""
CASES = [(name, action) for name, entry in BY_REWARDS.items() for action in entry.actions]


def tiny_hyperparams(name: str) -> dict[str, Any]:
    """Values with which a training of a few dozen steps goes through everything."""
    parameters = find_algo(name).load_class().parameters()
    small = {
        "n_steps": 8 if find_algo(name).load_class().on_policy else 1,
        "batch_size": 8,
        "n_epochs": 1,
        "buffer_size": 100,
        "learning_starts": 20,
        "population_size": 4,
        "n_delta": 2,
        "policy_kwargs": {"net_arch": [8]},
    }
    if name == "recurrent_ppo":
        small["policy_kwargs"] = {"net_arch": [8], "lstm_hidden_size": 8}
    return {key: value for key, value in small.items() if key in parameters}


def make(name: str, env: VecEnv, seed: int = 0, **hyperparams: Any) -> BaseAlgorithm:
    return find_algo(name).load_class().make_model(env, hyperparams, seed=seed)


@pytest.mark.parametrize(("name", "action"), CASES)
def test_every_algorithm_trains_and_plays_again(name: str, action: ActionType) -> None:
    algorithm = find_algo(name).load_class()
    env = vec_env(2, continuous=action is ActionType.CONTINUOUS)
    model = make(name, env, **tiny_hyperparams(name))
    steps_before = steps_taken(env)
    model.learn(60)
    assert 60 <= model.num_timesteps == steps_taken(env) - steps_before
    player = algorithm.make_model(vec_env(1, **_kind(action)), tiny_hyperparams(name), seed=0, training=False)
    player.set_parameters(model.get_parameters(), exact_match=True)
    observation = np.eye(4, dtype=np.float32)[:1]
    expected, _ = model.predict(observation, deterministic=True)
    np.testing.assert_array_equal(player.predict(observation, deterministic=True)[0], expected)
    assert env.action_space.contains(expected[0])


@pytest.mark.parametrize("name", sorted({entry.entry_point: name for name, entry in BY_REWARDS.items()}.values()))
def test_every_algorithm_takes_pixels(name: str) -> None:
    action = registered_rl[name].actions[0]
    env = vec_env(2, pixels=True, channels=6, **_kind(action))
    hyperparams = {key: value for key, value in tiny_hyperparams(name).items() if key != "policy_kwargs"}
    model = make(name, env, **hyperparams)
    model.learn(24)
    assert model.env is not None
    assert model.env.observation_space.shape == (6, 36, 36)
    image = np.full((1, 6, 36, 36), 255, dtype=np.uint8)
    assert env.action_space.contains(model.predict(image)[0][0])


def test_files_open_in_plain_stable_baselines(tmp_path: Path) -> None:
    """Loaded where nothing of this project can be imported, they act as here."""
    observation = np.eye(4, dtype=np.float32)[:1]
    jobs = []
    for name, entry in BY_REWARDS.items():
        classes = entry.load_class().model_class().__mro__
        library = next(c for c in classes if c.__module__.startswith(("stable_baselines3.", "sb3_contrib.")))
        if ".common." in library.__module__ or name in ("ppo", "deepq"):
            continue  # an algorithm of this project's own, or another name of one that is tried
        hyperparams = tiny_hyperparams(name)
        if "learning_rate" in entry.load_class().parameters():
            hyperparams["learning_rate"] = "lin_1e-3"
        model = make(name, vec_env(1, **_kind(entry.actions[0])), **hyperparams)
        model.learn(24)
        model.save(tmp_path / f"{name}.zip")
        action = model.predict(observation, deterministic=True)[0].tolist()
        jobs.append([library.__module__, library.__name__, str(tmp_path / f"{name}.zip"), action])
    code = """
import importlib, json, sys
import numpy as np

class Blocker:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("srl3", "rl_baselines", "environments", "state_representation", "config"):
            raise ImportError("reached for " + name)

sys.meta_path.insert(0, Blocker())
for module, name, path, action in json.load(sys.stdin):
    model = getattr(importlib.import_module(module), name).load(path)
    loaded = model.predict(np.eye(4, dtype=np.float32)[:1], deterministic=True)[0].tolist()
    assert loaded == action, (path, loaded, action)
print("all load")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(jobs), capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "all load", done.stderr


@pytest.mark.parametrize(
    ("name", "steps", "hyperparams"),
    [
        ("ppo2", 3000, {"n_steps": 64, "learning_rate": 3e-3, "n_epochs": 5}),
        ("dqn", 2000, {"learning_rate": 3e-3, "learning_starts": 100, "target_update_interval": 100, "gamma": 0.0}),
        ("ars", 4000, {"n_delta": 4, "n_top": 4, "delta_std": 0.3, "learning_rate": 0.3}),
        pytest.param("cma-es", 6000, {"policy_kwargs": {"net_arch": [16]}, "sigma": 0.5}, marks=pytest.mark.slow),
    ],
)
def test_learns_to_name_the_light(name: str, steps: int, hyperparams: dict[str, Any]) -> None:
    model = make(name, vec_env(2), **hyperparams)
    model.learn(steps)
    mean, _ = evaluate_policy(model, vec_env(1), n_eval_episodes=2)
    assert mean == EPISODE


def test_cma_es_learns_continuous_actions() -> None:
    model = make("cma-es", vec_env(4, continuous=True), policy_kwargs={"net_arch": [8]}, sigma=0.5)
    model.learn(10_000)
    mean, _ = evaluate_policy(model, vec_env(1, continuous=True), n_eval_episodes=2)
    assert mean > 0.9 * EPISODE


@pytest.mark.parametrize("name", ["cma-es", "ars"])
@pytest.mark.parametrize(("n_envs", "length"), [(1, 1), (1, 3), (3, 1), (3, 3)])
def test_return_includes_the_terminal_reward(name: str, n_envs: int, length: int) -> None:
    model = make(name, DummyVecEnv([lambda: LastStepWorld(length) for _ in range(n_envs)]))
    returns = _returns_of_first_population(model)
    expected = [_greedy_action(model, weights) for weights in returns["candidates"]]
    np.testing.assert_array_equal(returns["returns"], expected)
    assert len(set(expected)) > 1


@pytest.mark.parametrize("n_envs", [1, 3])
@pytest.mark.parametrize("name", ["cma-es", "ars"])
def test_each_candidate_plays_its_own_episodes(name: str, n_envs: int) -> None:
    """Played at once, they earn what they earn one by one."""
    model = make(name, vec_env(n_envs, continuous=True), n_eval_episodes=2)
    seen = _returns_of_first_population(model)
    for weights, earned in zip(seen["candidates"][:4], seen["returns"][:4], strict=True):
        model.policy.load_from_vector(weights)
        alone, _ = evaluate_policy(model, vec_env(1, continuous=True), n_eval_episodes=1)
        assert earned == pytest.approx(2 * alone, abs=1e-4)


@pytest.mark.parametrize("name", ["ppo2", "sac", "ars", "cma-es", "random_agent"])
def test_a_callback_stops_the_training(name: str) -> None:
    class StopAt(BaseCallback):
        ended = False

        def _on_step(self) -> bool:
            return self.num_timesteps < 10

        def _on_training_end(self) -> None:
            self.ended = True

    callback = StopAt()
    model = make(
        name, vec_env(1, continuous=True), **tiny_hyperparams(name) | {"n_steps": 64} if name == "ppo2" else {}
    )
    model.learn(1000, callback=callback)
    assert model.num_timesteps == 10
    assert callback.ended


@pytest.mark.parametrize("name", ["ars", "cma-es", "random_agent"])
def test_callbacks_see_rollouts_and_infos(name: str) -> None:
    class Recorder(BaseCallback):
        def __init__(self) -> None:
            super().__init__()
            self.events: list[str] = []
            self.returns: list[float] = []

        def _on_rollout_start(self) -> None:
            self.events.append("start")

        def _on_rollout_end(self) -> None:
            self.events.append("end")

        def _on_step(self) -> bool:
            if self.events[-1] != "step":
                self.events.append("step")
            self.returns += [info["episode"]["r"] for info in self.locals["infos"] if "episode" in info]
            return True

    recorder = Recorder()
    model = make(name, vec_env(2))
    model.learn(300, callback=recorder)
    assert recorder.events == ["start", "step", "end"] * (len(recorder.events) // 3)
    assert model.ep_info_buffer is not None
    assert [episode["r"] for episode in model.ep_info_buffer] == recorder.returns[-100:]


def test_same_seed_same_search() -> None:
    first, second, other = (make("cma-es", vec_env(2), seed=seed) for seed in (1, 1, 2))
    for model in (first, second, other):
        model.learn(400)
    np.testing.assert_array_equal(_weights(first), _weights(second))
    assert not np.array_equal(_weights(first), _weights(other))


@pytest.mark.parametrize(
    ("layers", "flat"), [([8], False), ([8], True), ([400], False)], ids=["full", "flat returns", "diagonal"]
)
def test_cma_es_goes_on_bit_for_bit(layers: list[int], flat: bool) -> None:
    hyperparams = {"policy_kwargs": {"net_arch": layers}, "population_size": 6}

    def new() -> CMAES:
        model = make("cma-es", vec_env(1, flat=flat), **hyperparams)
        assert isinstance(model, CMAES)
        return model

    class StopInGeneration21(BaseCallback):
        def _on_step(self) -> bool:
            return self.num_timesteps < 60 * 20 + 25

    whole, stopped, resumed = new(), new(), new()
    whole.learn(60 * 30)
    stopped.learn(60 * 30, callback=StopInGeneration21())
    resumed.set_parameters(stopped.get_parameters())
    resumed.set_search_state(stopped.get_search_state())
    resumed.learn(60 * 10)
    np.testing.assert_array_equal(_weights(resumed), _weights(whole))
    assert np.any(_weights(whole))


def test_search_state_is_plain_numbers_lists_and_arrays() -> None:
    model = make("cma-es", vec_env(1))
    assert isinstance(model, CMAES)
    model.learn(400)

    def check(value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                assert type(key) is str
                check(item)
        elif isinstance(value, list):
            for item in value:
                check(item)
        else:
            assert isinstance(value, bool | int | float | str) or value.dtype.kind in "bif"

    check(model.get_search_state())


def test_random_agent_is_uniform_and_seeded() -> None:
    first, second = (make("random_agent", vec_env(1), seed=3) for _ in range(2))
    observations = np.zeros((4000, 4), dtype=np.float32)
    actions = first.predict(observations)[0]
    np.testing.assert_array_equal(actions, second.predict(observations)[0])
    assert np.bincount(actions, minlength=4) == pytest.approx(1000, abs=120)  # 4 standard deviations
    second.set_parameters(first.get_parameters())
    np.testing.assert_array_equal(first.predict(observations)[0], second.predict(observations)[0])
    box = make("random_agent", vec_env(1, continuous=True)).predict(observations)[0]
    assert box.min() < -0.98
    assert box.max() > 0.98
    assert box.mean() == pytest.approx(0, abs=0.05)


def test_schedules_are_stable_baselines_own() -> None:
    model = make("ppo2", vec_env(1), learning_rate="lin_2.5e-4", clip_range="lin_0.2")
    assert isinstance(model.learning_rate, LinearSchedule)
    assert model.lr_schedule(1.0) == pytest.approx(2.5e-4)
    assert model.lr_schedule(0.5) == pytest.approx(1.25e-4)
    assert model.lr_schedule(0.0) == 0
    assert model.clip_range(0.5) == pytest.approx(0.1)  # type: ignore[attr-defined]


def test_minibatches_follow_the_environments() -> None:
    model = make("ppo2", vec_env(3), n_steps=10, nminibatches=4)
    assert model.batch_size == 8  # type: ignore[attr-defined]  # ceil(30 / 4)


def test_policy_kwargs_name_classes() -> None:
    kwargs = {"activation_fn": "nn.ReLU", "optimizer_class": "AdamW", "net_arch": {"pi": [5], "vf": [7]}}
    model = make("ppo2", vec_env(1), policy_kwargs=kwargs)
    assert model.policy_kwargs["activation_fn"] is torch.nn.ReLU
    assert isinstance(model.policy.optimizer, torch.optim.AdamW)
    assert model.policy.mlp_extractor.latent_dim_vf == 7


def test_ars_is_linear_unless_told() -> None:
    assert sum(p.numel() for p in make("ars", vec_env(1)).policy.parameters()) == 16
    mlp = make("ars", vec_env(1), policy_kwargs={"net_arch": [5]})
    assert sum(p.numel() for p in mlp.policy.parameters()) == 4 * 5 + 5 + 5 * 4 + 4


@pytest.mark.parametrize("name", ["ddpg", "td3", "sac"])
def test_noise(name: str) -> None:
    model = make(name, vec_env(1, continuous=True), noise_type="ornstein-uhlenbeck", noise_std=0.3, buffer_size=10)
    assert model.action_noise is not None
    np.testing.assert_array_equal(model.action_noise._sigma, [0.3, 0.3])  # type: ignore[attr-defined]
    assert make(name, vec_env(1, continuous=True), buffer_size=10).action_noise is None


def test_playing_allocates_little() -> None:
    sac = find_algo("sac").load_class().make_model(vec_env(1, continuous=True), {}, seed=0, training=False)
    assert sac.replay_buffer.buffer_size == 1  # type: ignore[attr-defined]
    ppo = find_algo("ppo2").load_class().make_model(vec_env(1, pixels=True), {"n_steps": 2048}, seed=0, training=False)
    assert ppo.rollout_buffer.buffer_size == 2  # type: ignore[attr-defined]


def test_lstm_variants() -> None:
    recurrent = find_algo("recurrent_ppo").load_class()
    assert find_algo("ppo2").load_class("lstm") is recurrent
    assert find_algo("ppo2").load_class("feedforward") is find_algo("ppo2").load_class()
    assert find_algo("recurrent_ppo").load_class("feedforward") is recurrent
    with pytest.raises(UserError, match=r"no lstm policy; use --algo ppo2, ppo, recurrent_ppo"):
        find_algo("sac").load_class("lstm")
    with pytest.raises(UserError, match="unknown policy 'lstn'; did you mean lstm"):
        find_algo("ppo2").load_class("lstn")


@pytest.mark.parametrize("name", registered_rl)
def test_search_spaces_draw_what_the_algorithm_accepts(name: str) -> None:
    algorithm = find_algo(name).load_class()
    parameters = algorithm.parameters()
    for key, drawn in algorithm.search_space.items():
        values = drawn.values if isinstance(drawn, Choice) else (drawn.low, drawn.high)
        for value in values:
            assert parameters[key].convert(value) == value
        if isinstance(drawn, LogFloat | LogInt):
            assert 0 < drawn.low < drawn.high
    if name != "random_agent":
        assert algorithm.search_space


@pytest.mark.parametrize(
    ("name", "hyperparams", "message"),
    [
        ("ppo2", {"n_step": 5}, "unknown hyperparameter of PPO 'n_step'; did you mean n_steps"),
        ("ppo2", {"policy_kwargs": {"net_arhc": []}}, "unknown key in policy_kwargs of PPO 'net_arhc'; did you mean"),
        ("ppo2", {"policy_kwargs": {"net_arch": "64"}}, "net_arch of PPO must be layer sizes"),
        ("ppo2", {"policy_kwargs": {"activation_fn": "os.system"}}, "unknown activation_fn of PPO 'system'; known are"),
        ("ppo2", {"policy_kwargs": {"optimizer_kwargs": {"foo": 1}}}, "PPO refuses these hyperparameters: .*foo"),
        ("dqn", {"buffer_size": 10**13}, "a replay buffer of 10000000000000 steps takes .* buffer_size:"),
    ],
)
def test_refused_values(name: str, hyperparams: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(name, vec_env(1), **hyperparams)


def test_refused_device_and_missing_masks() -> None:
    ppo = find_algo("ppo2").load_class()
    with pytest.raises(UserError, match="torch can't use the device 'cuda:99' here; use auto or cpu"):
        ppo.make_model(vec_env(1), {}, seed=0, device="cuda:99")
    with pytest.raises(UserError, match="torch can't use the device 'gpu' here"):
        ppo.make_model(vec_env(1), {}, seed=0, device="gpu")
    with pytest.raises(UserError, match="maskable_ppo needs an environment with action_masks"):
        make("maskable_ppo", DummyVecEnv([lambda: LastStepWorld(1)]))


def _kind(action: ActionType) -> dict[str, bool]:
    return {"continuous": action is ActionType.CONTINUOUS}


def _weights(model: BaseAlgorithm) -> np.ndarray:
    return model.policy.parameters_to_vector()


def _greedy_action(model: BaseAlgorithm, weights: np.ndarray) -> float:
    model.policy.load_from_vector(weights)
    return float(model.predict(np.ones((1, 1), dtype=np.float32), deterministic=True)[0][0])


def _returns_of_first_population(model: BaseAlgorithm) -> dict[str, np.ndarray]:
    """The candidates of the first generation and what they were said to earn."""

    class Spy(BaseCallback):
        seen: dict[str, np.ndarray]

        def _on_step(self) -> bool:
            self.seen = {
                "candidates": self.locals["candidates"].cpu().numpy().copy(),
                "returns": self.locals["returns"],
            }
            return True

    spy = Spy()
    model.learn(1, callback=spy)
    return spy.seen
