"""``distillation`` in the registry: what may be set, over what a search draws, and what it learns from."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.hyperparams.parameters import Parameter
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, UniformInt
from srl3.errors import UserError

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from environments.datasets.dataset import Dataset
    from rl_baselines.distillation.algorithm import Distillation


class DistillationModel(StableBaselinesRLObject):
    """One student of one or several recorded teachers; a policy of PPO, which plain PPO opens."""

    preset = "distillation"
    actions = (ActionType.DISCRETE, ActionType.CONTINUOUS)
    supervised = True
    policies_of = "ppo2"
    dict_policy = None
    search_space = {
        "learning_rate": LogFloat(1e-4, 3e-3),
        "batch_size": Choice((32, 64, 128, 256, 512)),
        "n_epochs": UniformInt(5, 50),
        "loss": Choice(("kl", "mse", "cross_entropy")),
        "temperature": LogFloat(0.3, 5.0),
        "max_grad_norm": LogFloat(0.3, 5.0),
    }

    @classmethod
    def model_class(cls) -> "type[Distillation]":
        from rl_baselines.distillation.algorithm import Distillation

        return Distillation

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        from rl_baselines.distillation.teachers import LOSSES

        parameters = super().parameters()
        parameters["loss"] = dataclasses.replace(parameters["loss"], choices=LOSSES)
        return parameters

    @classmethod
    def training_steps(cls, datasets: "Sequence[Dataset]", hyperparams: Mapping[str, Any], seed: int) -> int:
        from rl_baselines.distillation.dagger import check_teachers_can_be_asked
        from rl_baselines.distillation.lessons import split_of
        from rl_baselines.distillation.teachers import check_labels

        if hyperparams["n_envs"] != 1:
            raise UserError(
                f"distillation learns from recorded steps, and has nothing to run {hyperparams['n_envs']} of at once "
                "(its rounds of DAgger play episodes side by side by themselves); leave out --num-envs, or n_envs."
            )
        check_labels(datasets, hyperparams["loss"])
        split = split_of(
            datasets,
            size=hyperparams["training_set_size"],
            validation_share=hyperparams["validation_share"],
            seed=seed,
        )
        rounds = 1 + int(hyperparams["dagger_rounds"])
        if rounds > 1:
            check_teachers_can_be_asked(datasets)
        return rounds * int(hyperparams["n_epochs"]) * len(split.training)

    @classmethod
    def teach(
        cls, model: "BaseAlgorithm", folders: Sequence[Path], *, seed: int, fresh: bool, folder: Path | None = None
    ) -> None:
        from rl_baselines.distillation.algorithm import Distillation
        from rl_baselines.distillation.lessons import Lessons
        from rl_baselines.distillation.teachers import open_teachers

        assert isinstance(model, Distillation)
        assert model.env is not None
        lessons = Lessons(
            open_teachers(folders),
            model.env,
            loss=model.loss,
            size=model.training_set_size,
            validation_share=model.validation_share,
            seed=seed,
        )
        if fresh:
            lessons.observations.fit_normaliser(lessons.split.training)
        model.lessons = lessons
        if folder is not None:
            model.dagger_folder = folder / "dagger"
