"""Flags of the S-RL Toolbox and of rl-zoo3 that ``train`` does not have, and what to write instead."""

MOVED = {
    # robotics-rl-srl
    "--lr-schedule": "a schedule is part of the value: --hyperparam learning_rate:lin_7e-4",
    "--memory-limit": "use --hyperparam buffer_size:100_000",
    "--noise-action": "use --hyperparam noise_type:ornstein-uhlenbeck noise_std:0.2",
    "--noise-action-sigma": "use --hyperparam noise_type:normal noise_std:0.2",
    "--noise-param": "no noise on parameters here; use --hyperparam noise_type:normal noise_std:0.2",
    "--noise-param-sigma": "use --hyperparam noise_type:normal noise_std:0.2",
    "--prioritized": "Stable-Baselines3's DQN draws evenly; --algo qrdqn is the nearest",
    "--dueling": "Stable-Baselines3's DQN has one head; --algo qrdqn is the nearest",
    "--buffer-size": "use --hyperparam buffer_size:100_000",
    "--num-population": "use --hyperparam population_size:20 (cma-es) or n_delta:10 (ars)",
    "--exploration-noise": "use --hyperparam delta_std:0.02",
    "--step-size": "use --hyperparam learning_rate:0.02",
    "--top-population": "use --hyperparam n_top:2",
    "--algo-type": "v2, which normalises, is the default; --hyperparam normalize:false is v1",
    "--max-step-amplitude": "steps of sb3-contrib's ARS are not clipped; use --hyperparam learning_rate:0.02",
    "--sigma": "use --hyperparam sigma:0.14",
    "--mu": "use --hyperparam mu:0",
    "--no-cuda": "use --device cpu",
    # rl-zoo3
    "-n": "use --num-timesteps",
    "--n-timesteps": "use --num-timesteps",
    "-f": "use --log-dir",
    "--log-folder": "use --log-dir",
    "-i": "use --load-rl-model-path",
    "--trained-agent": "use --load-rl-model-path",
    "-params": "use --hyperparam name:value",
    "--hyperparams": "use --hyperparam name:value",
    "-conf": "use --conf-file",
    "-optimize": "use python -m rl_baselines.hyperparam_search",
    "--optimize-hyperparameters": "use python -m rl_baselines.hyperparam_search",
    "--vec-env": "worlds are stepped as suits them; --num-cpu says how many",
}
"""by flag; `srl3.flags.Parser` says it"""
