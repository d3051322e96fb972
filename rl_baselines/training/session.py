"""What a training trains with: its environments and its model, made as planned and closed together."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.acting.actor import Actor
from rl_baselines.acting.evaluation import number_of_envs
from rl_baselines.acting.teachers import imitate, imitate_nobody
from rl_baselines.base_classes import BaseRLObject
from rl_baselines.checkpoints.checkpoint import CheckpointInfo, check_spaces, describe_space, load_model
from rl_baselines.checkpoints.retrain import fit_to_request
from rl_baselines.hyperparams.parameters import normalizes
from rl_baselines.recordings.recorder import Recorder
from rl_baselines.registry import check_action_space, find_algo
from rl_baselines.training.callbacks.checkpoints import StopTraining
from rl_baselines.training.plan import TrainingPlan
from rl_baselines.training.ranks.shares import share_of
from rl_baselines.training.resume_point import processes_before
from rl_baselines.vec_envs.create import bare_worlds, create_envs
from rl_baselines.vec_envs.images import raw_observation_space
from rl_baselines.vec_envs.wrappers.named import Wrappers
from srl3.errors import UserError
from srl3.runtime.ranks import ALONE, Ranks
from srl3.runtime.versions import versions
from srl3.spaces import describe, in_words, same

EVAL_SEED_OFFSET = 1_000_003
"""keeps the evaluation environment's episodes apart from the training ones"""


class Session:
    """The environments and the model of a training; a context manager that closes them.

    Args:
        plan: the training.
        monitor_folder: where the monitor files go; None keeps none.
        hyperparams: others than the plan's, by name.
        ranks: the processes that train together; this one has its share of the environments.
    """

    env: VecEnv
    model: BaseAlgorithm

    def __init__(
        self,
        plan: TrainingPlan,
        monitor_folder: Path | None = None,
        hyperparams: Mapping[str, Any] | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self.plan = plan
        self.ranks = ranks
        self.hyperparams = share_of(plan.hyperparams if hyperparams is None else hyperparams, ranks.size)
        self.first = ranks.rank * int(self.hyperparams["n_envs"])
        """number of this process's first environment, counted over all processes"""
        self.seed = plan.seed + self.first
        if processes_before(plan) != ranks.size:
            assert plan.parent is not None
            self.seed += plan.parent.info.num_timesteps  # other episodes than those that the run began with
        self._made: list[VecEnv | Recorder] = []
        self._evaluation: VecEnv | None = None
        self._task_worlds: dict[str, VecEnv] | None = None

        self._recorder: Recorder | None = None
        try:
            self.env = self._make_envs(self.hyperparams["n_envs"], self.seed, monitor_folder, training=True)
            if plan.imitate:
                if plan.still_imitates:
                    imitate(self.env, plan.imitate)
                else:
                    imitate_nobody(self.env)
            self.model = self._make_model()
            if plan.teacher_data:
                self.algorithm.teach(
                    self.model, plan.teacher_data, seed=plan.seed, fresh=plan.parent is None, folder=monitor_folder
                )
            if ranks.size > 1:
                self.model.join(ranks)  # type: ignore[attr-defined]
        except BaseException:
            self.close()
            raise

    @property
    def algorithm(self) -> type[BaseRLObject]:
        """The registered class behind the model."""
        return find_algo(self.plan.algo).load_class(self.plan.policy)

    def evaluation_worlds(self) -> VecEnv:
        """Bare worlds apart from the training's, for an `Actor` to play the plan's evaluations; the same at each call.

        Raises:
            UserError: when they show or take something else than the training's.
        """
        if self._evaluation is not None:
            return self._evaluation
        plan = self.plan
        worlds = create_envs(
            plan.env_id,
            plan.eval_config.as_dict(),
            n_envs=plan.n_eval_envs or number_of_envs(plan.env_id, plan.eval_episodes),
            normalize=False,
            raw_images=True,
            training=False,
            wrappers=Wrappers.of(self.hyperparams),
        )
        self._made.append(worlds)
        if plan.eval_env_kwargs:
            _check_same_spaces(
                bare_worlds(self.env), worlds, "with these --eval-env-kwargs", "leave out what changes it"
            )
        self._evaluation = worlds
        return worlds

    def task_worlds(self) -> dict[str, VecEnv]:
        """Bare worlds of each task in which the policy is cross evaluated, by its name; the same at each call.

        Raises:
            UserError: when those of one show or take something else than the training's.
        """
        if self._task_worlds is None:
            plan, self._task_worlds = self.plan, {}
            for task in plan.tasks.evaluated:
                worlds = create_envs(
                    task.env_id,
                    task.config_kwargs(plan.env_kwargs),
                    n_envs=number_of_envs(task.env_id, plan.eval_episodes),
                    normalize=False,
                    raw_images=True,
                    training=False,
                    wrappers=Wrappers.of(self.hyperparams),
                )
                self._made.append(worlds)
                _check_same_spaces(bare_worlds(self.env), worlds, f"in the task {task.name}", "leave it out")
                self._task_worlds[task.name] = worlds
        return self._task_worlds

    def recorder(self) -> Recorder:
        """What records the plan's trajectories, in worlds apart from the training's; the same at each call.

        They begin as the first episodes of the plan's evaluations do.

        Raises:
            UserError: when the worlds can't be made.
        """
        if self._recorder is None:
            plan = self.plan
            self._recorder = Recorder(
                plan.env_id,
                plan.eval_config.as_dict(),
                plan.record_trajectories,
                seed=plan.seed + EVAL_SEED_OFFSET,
                deterministic=not plan.record_stochastic,
            )
            self._made.append(self._recorder)
        return self._recorder

    def actor(self) -> Actor:
        """The model as it acts now, drawing actions where its algorithm does so when it is shown."""
        return Actor.of_model(self.model, deterministic=not self.algorithm.on_policy)

    def learn(self, callbacks: CallbackList) -> None:
        """Train until the plan's steps are done, or a callback asks for the end, of which ``callbacks`` hear."""
        plan, model = self.plan, self.model
        try:
            model.learn(
                plan.total_timesteps - model.num_timesteps,
                callback=callbacks,
                reset_num_timesteps=plan.resume is None,
                tb_log_name="",
            )
        except StopTraining:
            callbacks.on_training_end()

    def close(self) -> None:
        """Close all environments; a second call does nothing."""
        for made in self._made:
            made.close()
        self._made.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make_envs(self, n_envs: int, seed: int, monitor_folder: Path | None, *, training: bool) -> VecEnv:
        plan = self.plan
        observations, rewards = normalizes(self.hyperparams["normalize"])
        venv = create_envs(
            plan.env_id,
            plan.env_kwargs,
            n_envs=n_envs,
            seed=seed,
            num_stack=plan.num_stack,
            encoder=plan.observation.encoder,
            normalize=observations,
            normalize_reward=rewards,
            gamma=self.hyperparams.get("gamma", 0.99),
            training=training,
            monitor_folder=monitor_folder,
            append=plan.resume is not None,
            first=self.first,
            mixture={task.name: task.config_kwargs(plan.env_kwargs) for task in plan.tasks.mixture},
            wrappers=Wrappers.of(self.hyperparams),
        )
        self._made.append(venv)
        return venv

    def _make_model(self) -> BaseAlgorithm:
        plan = self.plan
        check_action_space(plan.algo, self.env.action_space)
        if plan.parent is None:
            return self.algorithm.make_model(self.env, self.hyperparams, seed=self.seed, device=plan.device)
        check_spaces(plan.parent.info, self.env)
        parent = plan.parent
        if plan.resume is None:
            parent, notes = fit_to_request(parent, self.env, self.hyperparams)
            for note in notes:
                print(note)
        return load_model(
            parent, self.env, hyperparams=self.hyperparams, seed=self.seed, device=plan.device, training=True
        )


def checkpoint_info(session: Session) -> CheckpointInfo:
    """What the run's checkpoints say of themselves."""
    plan, model = session.plan, session.model
    if plan.resume is not None:
        assert plan.parent is not None
        return dataclasses.replace(plan.parent.info, versions=versions())
    assert model.env is not None
    return CheckpointInfo(
        algo=plan.algo,
        policy=plan.policy,
        env_id=plan.env_id,
        env_kwargs=plan.env_kwargs,
        srl_model=plan.srl_model,
        num_stack=plan.num_stack,
        n_envs=model.n_envs * session.ranks.size,
        seed=plan.seed,
        hyperparams=plan.hyperparams,
        total_timesteps=plan.total_timesteps,
        observation_space=describe_space(raw_observation_space(model.env)),
        action_space=describe_space(model.env.action_space),
        versions=versions(),
        parent=str(plan.parent.path) if plan.parent else None,
    )


def _check_same_spaces(training: VecEnv, evaluation: VecEnv, where: str, advice: str) -> None:
    for what in ("observation_space", "action_space"):
        here, there = getattr(training, what), getattr(evaluation, what)
        if not same(here, there):
            words = {name: in_words(describe(space)) for name, space in (("here", here), ("there", there))}
            raise UserError(
                f"{where} the {what.replace('_', ' ')} is {words['there']}, but the policy trains on {words['here']}; "
                f"{advice}."
            )
