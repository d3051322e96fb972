"""The training side: commands at its top, and below them the rooms that they are made of.

From the bottom: ``hyperparams``, the algorithms (``base_classes``, ``registry``, ``rl_algorithm``,
``evolution_strategies``), ``vec_envs``, ``runs``, ``checkpoints``, ``acting``, ``plots``, ``tracking``, ``training``;
then ``benchmarks``, ``grid`` and ``search``. A room may import what is below it. Nothing outside may import from here.
"""

from srl3.moved import MovedModules

MovedModules(
    {
        "rl_baselines.checkpoint": "rl_baselines.checkpoints.checkpoint",
        "rl_baselines.envs": "rl_baselines.vec_envs.create",
        "rl_baselines.evaluation": "rl_baselines.acting.evaluation",
        "rl_baselines.run_folder": "rl_baselines.runs.run_folder",
        "rl_baselines.search_space": "rl_baselines.hyperparams.search_ranges",
    }
).install()
