"""A learned representation between the worlds' cameras and the policy: one forward pass per vec step."""

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from srl3.errors import UserError
from state_representation.encoding.encoder import Encoder


class EncoderVecWrapper(VecEnvWrapper):
    """A `VecEnv` of pixels whose observations become an encoder's states, ``(n_envs, state_dim) float32``.

    The frames of all environments go through the encoder together, those in which episodes ended
    (``terminal_observation``) in the same pass.

    Args:
        venv: observes ``(H, W, C) uint8``.
        encoder: takes frames of that shape.

    Raises:
        UserError: when it takes another shape, or was learned with another number of discrete actions.
    """

    def __init__(self, venv: VecEnv, encoder: Encoder) -> None:
        actions, learned = venv.action_space, encoder.info.n_actions
        if isinstance(actions, spaces.Discrete) and learned is not None and learned != actions.n:
            raise UserError(
                f"the representation {encoder.info.srl_model} was learned with {learned} discrete actions, "
                f"but the environment has {actions.n}; learn it again with these actions."
            )
        seen, taken = venv.observation_space.shape, encoder.info.img_shape
        if seen != taken:
            raise UserError(
                f"the representation {encoder.info.srl_model} takes images of {_in_words(taken)}, "
                f"but the environment gives {_in_words(seen or ())}; learn it again for these images."
            )
        dim = encoder.info.state_dim
        super().__init__(venv, observation_space=spaces.Box(-np.inf, np.inf, (dim,), np.float32))
        self.encoder = encoder
        self.image_paths: frozenset[str] = frozenset()
        """no observation is an image any more (`rl_baselines.vec_envs.images`)"""

    def reset(self) -> np.ndarray:
        frames = self.venv.reset()
        assert isinstance(frames, np.ndarray)
        return self.encoder(frames)

    def step_wait(self) -> VecEnvStepReturn:
        frames, rewards, dones, infos = self.venv.step_wait()
        assert isinstance(frames, np.ndarray)
        ended = np.flatnonzero(dones)
        if not ended.size:
            return self.encoder(frames), rewards, dones, infos
        states = self.encoder(np.concatenate([frames, [infos[rank]["terminal_observation"] for rank in ended]]))
        infos = list(infos)
        for rank, state in zip(ended, states[len(frames) :], strict=True):
            infos[rank] = {**infos[rank], "terminal_observation": state}
        return states[: len(frames)], rewards, dones, infos


def find_encoder(venv: VecEnv) -> Encoder | None:
    """The encoder within ``venv``, if there is one."""
    layer = venv
    while isinstance(layer, VecEnvWrapper):
        if isinstance(layer, EncoderVecWrapper):
            return layer.encoder
        layer = layer.venv
    return None


def _in_words(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
