"""``python -m environments.oracle``: what a scripted policy and a random agent earn in a world.

The scripted policy sees the world itself (positions, targets, walls). Episode i is the first one of an environment
seeded with ``seed + i``, so an evaluation can repeat it.
"""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from environments.config import EnvConfig
from environments.flags import add_env_flags, env_kwargs_from_flags, make_config
from environments.registry import ThreadingType, canonical_id, find_env, registered_env
from srl3.errors import UserError, run_command
from srl3.flags import Parser, positive_number, whole_number

if TYPE_CHECKING:
    import numpy as np

Policy = Callable[[Any], Any]
ORACLE, RANDOM = "oracle", "random agent"
EXAMPLES = """examples:
  python -m environments.oracle --env MobileRobotGymEnv-v0 -c -r
  python -m environments.oracle --env KukaButtonGymEnv-v0 -r --episodes 20
  python -m environments.oracle --env OmnirobotEnv-v0 -cc --episodes 50 --env-kwargs position_noise:0
"""


def make_parser() -> Parser:
    """The flags of ``oracle``."""
    known = _with_oracle()
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
    return parser


def _with_oracle() -> list[str]:
    return [name for name, entry in registered_env.items() if entry.oracle]


def main(argv: list[str] | None = None) -> int:
    """Print both mean returns."""
    arguments, given = make_parser().parse_with_given(argv)
    arguments.env = canonical_id(arguments.env)
    entry = find_env(arguments.env)
    config = make_config(
        arguments.env, {**env_kwargs_from_flags(arguments, given), "srl_model": "ground_truth", "renders": False}
    )
    if entry.oracle is None:
        raise UserError(f"{arguments.env} has no scripted policy; these have one: {', '.join(_with_oracle())}.")
    returns = reference_returns(arguments.env, config, arguments.episodes, arguments.seed)
    if arguments.json:
        print(json.dumps({name: {"mean": values.mean(), "std": values.std()} for name, values in returns.items()}))
        return 0
    for name, values in returns.items():
        print(f"{name}: {len(values)} episodes - Mean reward: {values.mean():.2f} ± {values.std():.2f}")
    return 0


def reference_returns(env_id: str, config: EnvConfig, num_episodes: int, seed: int) -> dict[str, "np.ndarray"]:
    """What the scripted policy (`ORACLE`) and a random agent (`RANDOM`) earn: ``(num_episodes,) float64`` each.

    Args:
        env_id: of a world with a scripted policy.
        config: of the world, observing its ground truth.
        num_episodes: of each of the two.
        seed: episode i is the first one of an environment seeded with ``seed + i``.
    """
    entry = find_env(env_id)
    oracle = entry.load_oracle()
    assert oracle is not None
    play = _play_batched if entry.threading is ThreadingType.BATCHED else _play_one_by_one
    return play(env_id, config, oracle, num_episodes, seed)


def _play_batched(
    env_id: str, config: EnvConfig, oracle: Policy, num_episodes: int, seed: int
) -> dict[str, "np.ndarray"]:
    """Returns of all episodes of the scripted policy and of the random agent, at once."""
    import numpy as np

    from environments.batched.episodes import episode_returns, random_policy
    from environments.batched.single import BatchedGymEnv

    face = find_env(env_id).load_class()
    assert issubclass(face, BatchedGymEnv)
    world = face.world_class(config, num_episodes)
    policies = {ORACLE: oracle, RANDOM: random_policy(np.random.default_rng(seed))}
    return {name: episode_returns(world, policy, seed) for name, policy in policies.items()}


def _play_one_by_one(
    env_id: str, config: EnvConfig, oracle: Policy, num_episodes: int, seed: int
) -> dict[str, "np.ndarray"]:
    """The same in a world of one robot."""
    import numpy as np

    from srl3.runtime.progress import Progress

    env = find_env(env_id).load_class()(**config.as_dict())
    env.action_space.seed(seed)
    policies: dict[str, Policy] = {ORACLE: oracle, RANDOM: lambda _: env.action_space.sample()}
    returns = {name: np.zeros(num_episodes) for name in policies}
    try:
        with Progress(2 * num_episodes, "episodes", sys.stderr.isatty(), leave=False) as bar:
            for name, policy in policies.items():
                for index in range(num_episodes):
                    env.reset(seed=seed + index)
                    over = False
                    while not over:
                        _, reward, terminated, truncated, _ = env.step(policy(env))
                        returns[name][index] += reward
                        over = terminated or truncated
                    bar.advance()
    finally:
        env.close()
    return returns


if __name__ == "__main__":
    run_command(main)
