"""``policy_obs_key`` where the world itself chooses what a policy is shown, so that whoever runs the policy later sees
the same without being told."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from environments.config import EnvConfig
from environments.flags import make_config
from environments.terms import POLICY
from srl3.errors import UserError, unknown_name

if TYPE_CHECKING:
    from rl_baselines.hyperparams.resolve import Setting

KEY = "policy_obs_key"


def shown_by_world(config: EnvConfig, settings: "Mapping[str, Setting]") -> "tuple[EnvConfig, dict[str, Setting]]":
    """The world's configuration and the hyperparameters, a group that a hyperparameter names being the world's choice.

    Raises:
        UserError: for a group that the world lacks, or another than the parameter ``policy_group`` names.
    """
    from rl_baselines.hyperparams.resolve import OVERRIDE

    chosen = settings.get(KEY)
    if chosen is None or not config.has("policy_group"):
        return config, dict(settings)
    group = config.as_dict()["policy_group"]
    if chosen.source == OVERRIDE and group not in (POLICY, chosen.value):
        raise UserError(f"{KEY}:{chosen.value} and policy_group:{group} contradict each other; leave one of them out.")
    if chosen.value == POLICY:
        return config, dict(settings)
    known = config.as_dict()["observations"]
    if chosen.value not in known:
        raise unknown_name(f"group of observations for {KEY}", chosen.value, known)
    config = make_config(config.env_id, {**config.as_dict(), "policy_group": chosen.value})
    return config, {**settings, KEY: dataclasses.replace(chosen, value=POLICY)}
