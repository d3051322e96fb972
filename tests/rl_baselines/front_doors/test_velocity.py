"""``train_velocity``: what its dotted names become, what it leaves on disk, what it refuses."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any

import pytest

from rl_baselines import train_velocity
from rl_baselines.batched_ppo.names import RSL_RL
from rl_baselines.front_doors.velocity import find_by_regex, find_task, understand
from rl_baselines.front_doors.velocity_world import PARAMETERS, REWARDS
from rl_baselines.runs.find import find_runs
from rl_baselines.training.plan import TrainingPlan
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError


def words(line: str) -> list[str]:
    return line.split()


TINY = words(
    "--env.scene.num-envs 4 --agent.num-steps-per-env 4 --agent.algorithm.num-mini-batches 1 "
    "--agent.algorithm.num-learning-epochs 1 --agent.save-interval 1 --agent.max-iterations 2"
)


def plan(*flags: str, task: str = "VelocityFlat") -> TrainingPlan:
    request = understand([task, *flags]).request
    assert request is not None
    return resolve(request)


def test_mjlabs_tasks_are_worlds_here() -> None:
    assert find_task("Mjlab-Velocity-Flat-Unitree-Go1") == find_task("VelocityFlat") == "VelocityFlatGymEnv-v0"
    assert find_task("Mjlab-Velocity-Rough-Unitree-G1") == "VelocityRoughGymEnv-v0"


OLD = """--agent.policy.init-noise-std 0.5 --agent.policy.noise-std-type scalar
--agent.policy.actor-obs-normalization True
--agent.policy.critic-obs-normalization True --agent.policy.actor-hidden-dims 32 16 --agent.policy.critic-hidden-dims 24
--agent.policy.activation tanh"""
NEW = """--agent.actor.distribution_cfg.init_std=0.5 --agent.actor.distribution-cfg.std-type scalar
--agent.actor.obs-normalization True --agent.critic.obs-normalization True --agent.actor.hidden-dims (32,16)
--agent.critic.hidden-dims 24 --agent.actor.activation tanh"""


@pytest.mark.parametrize("spelling", [OLD, NEW])
def test_the_policy_in_old_and_new_spelling(here: Path, spelling: str) -> None:
    made = plan(*spelling.split())
    assert made.hyperparams["policy_kwargs"]["net_arch"] == {"pi": [32, 16], "vf": [24]}
    assert made.hyperparams["policy_kwargs"]["activation_fn"] == "Tanh"
    assert made.hyperparams["policy_kwargs"]["log_std_init"] == math.log(0.5)
    assert (made.hyperparams["std_type"], made.hyperparams["normalize_observations"]) == ("scalar", True)


def test_the_algorithm_and_the_runner(here: Path) -> None:
    made = plan(
        *words(
            "--agent.algorithm.num-learning-epochs 3 --agent.algorithm.num-mini-batches 2 "
            "--agent.algorithm.gamma 0.9 --agent.algorithm.learning-rate 5e-4 "
            "--agent.algorithm.schedule adaptive --agent.algorithm.lam 0.8 "
            "--agent.algorithm.entropy-coef 0.02 --agent.algorithm.desired-kl 0.02 "
            "--agent.algorithm.max-grad-norm 0.7 --agent.algorithm.value-loss-coef 2 "
            "--agent.algorithm.use-clipped-value-loss True --agent.algorithm.clip-param 0.1 "
            "--agent.algorithm.normalize-advantage-per-mini-batch True --agent.seed 3 "
            "--agent.num-steps-per-env 8 --agent.max-iterations 5 --agent.save-interval 2 "
            "--agent.experiment-name go1 --agent.run-name first --agent.clip-actions 1.0 "
            "--env.scene.num-envs 16 --device cpu"
        )
    )
    expected = {
        "n_epochs": 3, "nminibatches": 2, "gamma": 0.9, "learning_rate": 5e-4, "desired_kl": 0.02, "gae_lambda": 0.8,
        "ent_coef": 0.02, "max_grad_norm": 0.7, "vf_coef": 2.0, "clip_range": 0.1, "clip_range_vf": 0.1,
        "normalize_advantage_per_minibatch": True, "n_steps": 8, "n_envs": 16, "clip_actions": 1.0,
    }  # fmt: skip
    assert expected.items() <= made.hyperparams.items()
    assert (made.total_timesteps, made.save_freq, made.seed) == (5 * 128, 2 * 128, 3)
    assert (made.log_dir, made.suffix, made.device) == (Path("logs/rsl_rl/go1"), "first", "cpu")


WORLD: list[tuple[str, dict[str, Any]]] = [
    ("--env.decimation 5", {"sim.decimation": 5}),
    ("--env.episode-length-s 10", {"max_steps": 500}),
    ("--env.sim.mujoco.timestep 0.004", {"sim.timestep": 0.004}),
    ("--env.sim.mujoco.iterations 7 --env.sim.mujoco.ls-iterations 9", {"sim.iterations": 7, "sim.ls_iterations": 9}),
    ("--env.commands.twist.ranges.lin-vel-x -1 1.5", {"command.lin_vel_x": [-1.0, 1.5]}),
    ("--env.commands.twist.resampling-time-range 2 4", {"command.seconds": [2.0, 4.0]}),
    ("--env.commands.twist.heading-command False", {"command.heading_share": 0.0}),
    ("--env.commands.twist.heading-control-stiffness 0.7", {"command.heading_stiffness": 0.7}),
    ("--env.rewards.track_linear_velocity.weight 3", {"rewards.track_lin_vel": 3.0}),
    ("--env.rewards.pose 0.5", {"rewards.pose": 0.5}),
    ("--env.actions.joint-pos.scale 0.5", {"actions.scale": 0.5}),
    ("--env.viewer.distance 5", {"camera.distance": 5.0}),
    (
        "--env.events.foot-friction.params.ranges 0.3 1.2 --env.events.base-com.params.ranges -0.02 0.02",
        {
            "randomize.friction.range": [0.3, 1.2],
            "randomize.com.operation": "add",
            "randomize.com.range": [-0.02, 0.02],
        },
    ),
    (
        "--env.events.push_robot.interval_range_s 2 4 --env.events.push-robot.params.velocity-range "
        "{x:[-0.5,0.5],y:[-0.4,0.4],yaw:[-1,1]}",
        {"randomize.push.seconds": [2.0, 4.0], "randomize.push.horizontal": 0.5, "randomize.push.yaw": 1.0},
    ),
    ("--env.gait.foot-height 0.2", {"gait.foot_height": 0.2}),
]


@pytest.mark.parametrize(("line", "expected"), WORLD)
def test_the_world(here: Path, line: str, expected: dict[str, Any]) -> None:
    tokens = [token.replace(":[", ": [") for token in line.split()]
    assert expected.items() <= plan(*tokens).config.flat().items()


def test_the_curriculum(here: Path) -> None:
    stages = "[{step: 0, lin_vel_x: [-1, 1]}, {step: 1000, lin_vel_x: [-2, 2], ang_vel_z: [-1, 1]}]"
    made = plan("--env.curriculum.command-vel.params.velocity-stages", stages)
    assert made.env_kwargs["curriculum"][1] == {
        "after": 1000,
        "values": {"command.lin_vel_x": [-2, 2], "command.ang_vel_z": [-1, 1]},
    }
    rough = plan("--env.curriculum.terrain-levels", "None", task="VelocityRough")
    assert rough.config.flat()["terrain.curriculum"] is False


def test_films(here: Path) -> None:
    made = plan("--video", "--video-length", "20", "--video-interval", "50", "--env.scene.num-envs", "8")
    assert (made.video_interval, made.video_length) == (400, 20), "an interval of each robot's steps"
    assert plan().video_interval == 0


def test_every_name_of_the_table_exists() -> None:
    from environments.mujoco_gym.tasks.velocity_config import VelocityFlatConfig, VelocityRoughConfig

    known = {*VelocityFlatConfig().parameter_names(), *VelocityRoughConfig().parameter_names()}
    made = VelocityRoughConfig.from_kwargs(
        {"randomize.push.seconds": [1, 2], "randomize.friction.range": [1, 1], "randomize.com.operation": "add"}
    )
    known |= set(made.flat())
    assert set(PARAMETERS.values()) <= known
    assert {f"rewards.{name}" for name in REWARDS.values()} <= set(made.flat())


def test_the_folder_is_mjlabs_and_a_regular_expression_finds_it(here: Path) -> None:
    assert train_velocity.main(["VelocityFlat", *TINY, "--agent.experiment-name", "go1", "--agent.run-name", "a"]) == 0
    (run,) = find_runs(here / "logs")
    assert run.path.parent == here / "logs/rsl_rl/go1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_a", run.path.name)
    assert {"model_1.pt", "model_2.pt"} <= set(os.listdir(run.path))
    go1 = here / "logs/rsl_rl/go1"
    assert find_by_regex(go1, ".*", "model_.*.pt") == run.latest
    assert find_by_regex(go1, ".*_a$", "model_1.pt") == run.checkpoint(16)
    assert find_by_regex(go1, ".*", "best|latest") == run.latest
    with pytest.raises(UserError, match=r"fits --agent.load-run .*_b; there are .*_a"):
        find_by_regex(go1, ".*_b", "model_.*.pt")
    with pytest.raises(UserError, match=r"fits --agent.load-checkpoint model_9.pt; it has model_1.pt, model_2.pt"):
        find_by_regex(go1, ".*", "model_9.pt")

    again = words("--agent.resume --agent.load-run .*_a --agent.load-checkpoint model_1.pt --agent.max-iterations 1")
    assert train_velocity.main(["VelocityFlat", "--agent.experiment-name", "go1", *again]) == 0
    newest = find_runs(here / "logs")[-1]
    content = json.loads(newest.plan.read_text())
    assert content["parent"].endswith("model_16_steps.zip")
    assert content["hyperparams"]["learning_rate"]["value"] == "lin_0.001", "the saved rate, where the schedule begins"
    assert content["total_timesteps"] == 16


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--env.rewardz.pose 3", "unknown parameter .*'env.rewardz.pose'; did you mean env.rewards.pose"),
        (
            "--env.rewards.pose.params 3",
            "a reward term has a weight here .*, and nothing else",
        ),
        ("--agent.algorithm.clip-parm 0.1", "did you mean algorithm.clip_param"),
        ("--agent.algorithm.gama 0.9", "did you mean algorithm.gamma"),
        ("--agent.max-iteration 1", "did you mean max_iterations"),
        ("--agent.save-intervall 1", "did you mean save_interval"),
        ("--env.scene.num-env 4", "did you mean env.scene.num_envs"),
        ("--agent.algorithmm.gamma 0.1", "unknown field of --agent"),
        ("--agent.critic.std-type log", "use --agent.actor.std_type"),
        ("--agent.load-run x", "add --agent.resume"),
        ("--agent.resume --agent.load-run (", "is no regular expression"),
        ("--agent.resume", "there are no runs"),
        ("--registry-name a/b", "SRL3 has no such task"),
        ("--video-interval 50", "--video-interval is of the films of --video; add --video"),
        ("--video-length 50", "--video-length is of the films of --video; add --video"),
        ("--agent.run-name ../x", r"argument --agent.run-name: '\.\./x' can't be part of a folder's name"),
        ("--num-envs 3", "unknown flag '--num-envs'"),
        (
            "--agent.policy.actor-obs-normalization True --agent.policy.critic-obs-normalization False",
            "both to the same",
        ),
        ("--agent.logger neptune", "'neptune' is not tensorboard or wandb"),
    ],
)
def test_what_can_not_be_is_one_sentence(here: Path, line: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        train_velocity.main(["VelocityFlat", *line.split()])
    assert "\n" not in str(raised.value)
    assert not list(here.iterdir())


def test_other_documents_styles_and_unknown_tasks(here: Path) -> None:
    with pytest.raises(UserError, match="begin with dashes; write --num_envs 3"):
        train_velocity.main(["num_envs=3"])
    with pytest.raises(UserError, match="unknown task 'Mjlab-Velocity-Flt-G1'; did you mean Mjlab-Velocity-Flat"):
        train_velocity.main(["Mjlab-Velocity-Flt-G1"])
    assert "init_noise_std" in RSL_RL


@pytest.mark.parametrize(("robot", "said"), [("Unitree-Go1", False), ("Unitree-G1", True)])
def test_another_robots_name_is_answered(robot: str, said: bool) -> None:
    notes = understand([f"Mjlab-Velocity-Flat-{robot}"]).notes
    assert any("a quadruped of SRL3's own, of the size and mass of a Go1" in note for note in notes) == said
