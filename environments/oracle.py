"""``python -m environments.oracle``: what a scripted policy and a random agent earn in a world.

The scripted policy sees the world itself (positions, targets, walls). Episode i is the first one of an environment
seeded with ``seed + i``, so an evaluation can repeat it.
"""

import json

from environments.registry import ThreadingType, find_env, registered_env
from rl_baselines.arguments import (
    Parser,
    add_env_flags,
    env_kwargs_from_flags,
    make_config,
    positive_number,
    whole_number,
)
from srl3.errors import UserError, run_command

EXAMPLES = """examples:
  python -m environments.oracle --env MobileRobotGymEnv-v0 -c -r
  python -m environments.oracle --env OmnirobotEnv-v0 -cc --episodes 50 --env-kwargs position_noise:0
"""


def main(argv: list[str] | None = None) -> int:
    """Print both mean returns."""
    known = [name for name, entry in registered_env.items() if entry.oracle]
    parser = Parser(
        prog="python -m environments.oracle",
        description="What a scripted policy and a random agent earn in a world.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--env", default=known[0], help="environment: " + ", ".join(known))
    parser.add_argument("--episodes", type=positive_number, default=200, help="number of episodes")
    parser.add_argument("--seed", type=whole_number, default=0, help="episode i is seeded with SEED + i")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_env_flags(parser)
    arguments, given = parser.parse_with_given(argv)
    entry = find_env(arguments.env)
    config = make_config(
        arguments.env, {**env_kwargs_from_flags(arguments, given), "srl_model": "ground_truth", "renders": False}
    )
    oracle = entry.load_oracle()
    if oracle is None or entry.threading is not ThreadingType.BATCHED:
        raise UserError(f"{arguments.env} has no scripted policy; these have one: {', '.join(known)}.")

    import numpy as np

    from environments.batched.episodes import episode_returns, random_policy
    from environments.batched.single import BatchedGymEnv

    face = entry.load_class()
    assert issubclass(face, BatchedGymEnv)
    world = face.world_class(config, arguments.episodes)
    returns = {
        "oracle": episode_returns(world, oracle, arguments.seed),
        "random agent": episode_returns(world, random_policy(np.random.default_rng(arguments.seed)), arguments.seed),
    }
    if arguments.json:
        print(json.dumps({name: {"mean": values.mean(), "std": values.std()} for name, values in returns.items()}))
        return 0
    for name, values in returns.items():
        print(f"{name}: {len(values)} episodes - Mean reward: {values.mean():.2f} ± {values.std():.2f}")
    return 0


if __name__ == "__main__":
    run_command(main)
