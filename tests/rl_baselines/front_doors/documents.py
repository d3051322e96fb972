"""What documents of other systems tell their readers to type: commands with their lines, flags with their defaults."""

from dataclasses import dataclass, field
from typing import Any

REORIENT, MJLAB, DEXHAND, TRAIN_PLAY, TOOLBOX = "train_reorient", "mjlab", "dexhand", "train_play", "srl-toolbox"


@dataclass(frozen=True)
class Command:
    """A command of a document, as it stands there; continued lines are joined."""

    line: int
    text: str
    also: tuple[int, ...] = field(default=())
    """other lines of the same text"""


NO_COMMANDS = ("cd ", "mamba activate", "conda activate")
"""beginnings of lines that set up the other system's own installation"""

COMMANDS: dict[str, tuple[Command, ...]] = {
    REORIENT: (
        Command(9, "tensorboard --logdir logs/ParaHandReorient-*"),
        Command(108, "python train_reorient.py --env_name=ParaHandReorient"),
        Command(
            111,
            "python train_reorient.py --env_name=ParaHandReorient --num_envs=128 --episode_length=400 "
            "--num_timesteps=300000",
        ),
        Command(
            114,
            "python train_reorient.py --play_only "
            "--load_checkpoint_path=logs/ParaHandReorient-20250101-120000/checkpoints/5 --num_videos=2",
        ),
        Command(117, "python train_reorient.py --vision --domain_randomization --num_envs=256"),
    ),
    DEXHAND: (
        Command(12, "python train.py --task BaseTask --num-envs 1024 --headless"),
        Command(20, "python train.py --task BaseTask --num-envs 64"),
        Command(
            56, "python train.py --task BaseTask --checkpoint runs/BaseTask_20240101_120000/nn/checkpoint_1000.pth"
        ),
        Command(
            62,
            "python train.py --task BaseTask --test --checkpoint runs/BaseTask_20240101_120000/nn/checkpoint_best.pth",
        ),
        Command(
            70,
            "python -m torch.distributed.launch --nproc_per_node=2 train.py --task BaseTask --num-envs 2048 --headless",
        ),
        Command(91, "cp dexhand_env/cfg/train/BaseTaskPPO.yaml dexhand_env/cfg/train/MyTaskPPO.yaml"),
        Command(98, "python train.py --task MyTask --train-config dexhand_env/cfg/train/MyTaskPPO.yaml"),
        Command(124, "tensorboard --logdir runs/"),
    ),
    TRAIN_PLAY: (
        Command(36, "python isaacgymenvs/train_play.py task=Ant mode=train", also=(67, 238, 252)),
        Command(70, "python isaacgymenvs/train_play.py task=Ant mode=train checkpoint_save_freq=50"),
        Command(73, "python isaacgymenvs/train_play.py task=Ant mode=train experiment=my_ant_experiment"),
        Command(76, "python isaacgymenvs/train_play.py task=Ant mode=train num_envs=8192"),
        Command(
            79,
            "torchrun --standalone --nnodes=1 --nproc_per_node=2 isaacgymenvs/train_play.py task=Ant mode=train "
            "multi_gpu=True",
        ),
        Command(107, "python isaacgymenvs/train_play.py task=Ant mode=train checkpoint_save_freq=100 num_envs=4096"),
        Command(
            121,
            "python isaacgymenvs/train_play.py task=Humanoid mode=train experiment=humanoid_v1 checkpoint_save_freq=50",
        ),
        Command(
            135,
            "python isaacgymenvs/train_play.py task=Ant mode=train wandb_activate=True wandb_entity=your_entity "
            "wandb_project=isaacgym_training checkpoint_save_freq=100",
        ),
        Command(
            330,
            "python isaacgymenvs/train_play.py task=Ant mode=train experiment=Ant sim_device=cuda:0 rl_device=cuda:0",
        ),
        Command(
            44,
            "python isaacgymenvs/train_play.py task=Ant mode=play experiment=Ant_2025-01-14_10-30-45",
            also=(86,),
        ),
        Command(47, "python isaacgymenvs/train_play.py task=Ant mode=play experiment=Ant", also=(89, 255)),
        Command(
            50,
            "python isaacgymenvs/train_play.py task=Ant mode=play experiment=Ant enable_control_panel=True",
            also=(241,),
        ),
        Command(92, "python isaacgymenvs/train_play.py task=Ant mode=play experiment=Ant num_envs=2"),
        Command(
            95, "python isaacgymenvs/train_play.py task=Ant mode=play experiment=Ant checkpoint_reload_interval=60"
        ),
        Command(98, "python isaacgymenvs/train_play.py task=Ant mode=play experiment=my_ant_experiment"),
        Command(
            114,
            "python isaacgymenvs/train_play.py task=Ant mode=play experiment=Ant num_envs=4 "
            "checkpoint_reload_interval=30",
        ),
        Command(128, "python isaacgymenvs/train_play.py task=Humanoid mode=play experiment=humanoid_v1 num_envs=2"),
        Command(145, "python isaacgymenvs/train_play.py task=Ant mode=play experiment=Ant num_envs=4"),
        Command(
            333,
            "python isaacgymenvs/train_play.py task=Ant mode=play experiment=Ant sim_device=cuda:1 rl_device=cuda:1 "
            "graphics_device_id=1",
        ),
        Command(58, "python isaacgymenvs/checkpoint_control_panel.py --experiment=Ant", also=(258,)),
    ),
    TOOLBOX: (
        Command(
            172,
            "python -m rl_baselines.train --env InmoovGymEnv-v0  --srl-model ground_truth  "
            "--log-dir logs/test_finetune/",
        ),
        Command(
            176,
            "python -m rl_baselines.train --env InmoovGymEnv-v0  --srl-model ground_truth  "
            "--log-dir logs/test_finetune/ --load-rl-model-path "
            "logs/test_finetune/**EnvName**/ground_truth/ppo2/**logtime**/ppo2.pkl",
        ),
    ),
}

DEFAULTS: dict[str, dict[str, Any]] = {
    REORIENT: {
        "env_name": "ParaHandReorient",
        "impl": "jax",
        "vision": False,
        "domain_randomization": False,
        "play_only": False,
        "load_checkpoint_path": None,
        "suffix": None,
        "num_timesteps": 1_000_000,
        "num_evals": 5,
        "run_evals": True,
        "num_videos": 1,
        "rscope_envs": None,
        "deterministic_rscope": True,
        "reward_scaling": 0.1,
        "episode_length": 1000,
        "normalize_observations": True,
        "action_repeat": 1,
        "unroll_length": 10,
        "num_envs": 1024,
        "num_eval_envs": 128,
        "discounting": 0.97,
        "entropy_cost": 5e-3,
        "learning_rate": 5e-4,
        "batch_size": 256,
        "num_minibatches": 8,
        "num_updates_per_batch": 8,
        "clipping_epsilon": 0.2,
        "max_grad_norm": 1.0,
        "policy_hidden_layer_sizes": [64, 64, 64],
        "value_hidden_layer_sizes": [64, 64, 64],
        "policy_obs_key": "state",
        "value_obs_key": "state",
        "use_wandb": False,
        "use_tb": False,
        "log_training_metrics": False,
        "training_metrics_steps": 1_000_000,
        "seed": 1,
    },
    DEXHAND: {
        "task": "BaseTask",
        "num_envs": 1024,
        "sim_device": "cuda:0",
        "rl_device": "cuda:0",
        "graphics_device_id": 0,
        "headless": False,
        "train_config": "dexhand_env/cfg/train/BaseTaskPPO.yaml",
        "seed": 42,
        "torch_deterministic": False,
        "checkpoint": None,
        "test": False,
        "max_iterations": 10_000,
        "experiment_name": None,
        "log_interval": 10,
    },
    TRAIN_PLAY: {
        "mode": "train",
        "checkpoint_save_freq": 100,
        "checkpoint_reload_interval": 30,
        "enable_control_panel": False,
        "experiment": None,
        "num_envs": None,
        "headless": None,
        "test": False,
        "wandb_activate": False,
        "wandb_entity": None,
        "wandb_project": None,
        "multi_gpu": False,
        "sim_device": None,
        "rl_device": None,
        "graphics_device_id": None,
        "task": None,
    },
    MJLAB: {
        "agent__load_run": ".*",
        "agent__load_checkpoint": "model_.*.pt",
        "agent__resume": None,
        "agent__seed": None,
        "agent__max_iterations": None,
        "agent__save_interval": None,
        "agent__experiment_name": None,
        "agent__run_name": None,
        "agent__logger": "wandb",
        "agent__wandb_project": "mjlab",
        "registry_name": None,
        "device": None,
        "video": None,
        "video_length": None,
        "video_interval": 2000,
    },
}
"""flags of the documents' tables, by their names among parsed arguments; None: the document names no default"""

DIFFERENCES: dict[tuple[str, str], str] = {
    (REORIENT, "impl"): "SRL3 has no JAX; auto takes the CPU's threads, or a GPU by mujoco_warp",
    (
        REORIENT,
        "value_obs_key",
    ): "privileged_state where the world has it: noise is made for the policy, not the critic",
    (REORIENT, "use_tb"): "TensorBoard's files cost nothing and are always written",
    (DEXHAND, "sim_device"): "auto: a machine without a GPU trains too",
    (DEXHAND, "rl_device"): "auto: a machine without a GPU trains too",
    (MJLAB, "agent__logger"): "a training needs no account; wandb is one word away",
}
"""where a default is another one, and why"""
