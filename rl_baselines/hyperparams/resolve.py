"""Hyperparameters from their defaults, the preset file and the command line, with where each came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import HYPERPARAMS_FOLDER, shown_path
from environments.foreign import escaped_id, foreign_ids
from environments.registry import registered_env, unavailable_env
from rl_baselines.hyperparams.classes import check_classes
from rl_baselines.hyperparams.parameters import Configurable, minibatch_size
from rl_baselines.hyperparams.policy_kwargs import check_policy_kwargs
from rl_baselines.hyperparams.zoo import ZooPreset, is_zoo, zoo_preset
from srl3.errors import UserError, unknown_name
from srl3.formats.yaml import read_by_hand, value_of
from state_representation.registry import registered_srl

DEFAULT_SECTION = "default"
TUNED = "tuned"
PRESETS = (TUNED, "conservative")
"""each algorithm's own preset file, and what changes it: files of the same form in a folder of that name"""
OVERRIDE = "--hyperparam"
_ACTIONS = ("discrete", "continuous")
_FLAGS = {
    "n_envs": "--num-cpu",
    "learning_rate": "--new-lr",
    "n_epochs": "--epochs-distillation",
    "dagger_rounds": "--dagger-rounds",
    "training_set_size": "--distillation-training-set-size",
}
EXCLUSIVE = {"batch_size": "nminibatches", "nminibatches": "batch_size"}
_ALWAYS_SHOWN = ("n_envs", "learning_rate", "n_steps", "batch_size", "gamma", "normalize")


@dataclass(frozen=True)
class Setting:
    """A hyperparameter's value, as YAML can hold it, and where it came from."""

    value: Any
    source: str


def resolve_hyperparams(
    algo_class: type[Configurable],
    algo_name: str,
    env_id: str,
    srl_model: str,
    *,
    continuous: bool,
    conf_file: Path | None = None,
    preset: str = TUNED,
    further: Sequence[tuple[str, Mapping[str, Any]]] = (),
    overrides: Sequence[str] = (),
    flags: Mapping[str, Any] = {},
    saved: tuple[str, Mapping[str, Any]] | None = None,
) -> dict[str, Setting]:
    """Every hyperparameter of a run, the most specific source winning.

    From the weakest: the algorithm's own defaults; in the preset file the sections ``default``, ``<env>``,
    ``<env>/<srl-model>``, ``<env>/<srl-model>/{discrete,continuous}`` (``default`` may be narrowed in the
    same way, e.g. ``default/raw_pixels``); the same sections of another preset; ``further``; ``--hyperparam``;
    an explicit flag.

    Args:
        algo_class: the algorithm.
        algo_name: what the user calls it.
        env_id: the environment's id.
        srl_model: what is observed.
        continuous: whether actions are continuous.
        conf_file: a preset file in the place of the algorithm's own.
        preset: one of `PRESETS`.
        further: more sources, weakest first: what messages call each, and its values.
        overrides: ``name:value`` texts.
        flags: values from explicit flags, by hyperparameter; None means not given.
        saved: where a checkpoint is and the hyperparameters it was trained with; they stand in for the preset file.

    Raises:
        UserError: for an unreadable file, a section or key that does not exist (anywhere in the file),
            a value of the wrong kind or out of range, or values that do not go together.
    """
    checker = _Checker(algo_class, algo_name)
    settings = {
        name: Setting(parameter.default, f"default of {parameter.owner}")
        for name, parameter in checker.parameters.items()
        if name != "nminibatches"
    }
    if saved is None:
        levels = _file_levels(checker, conf_file, env_id, srl_model, _ACTIONS[continuous])
        if conf_file is not None and not any(values for _, values in levels):
            raise UserError(
                f"--conf-file {shown_path(conf_file)} has no hyperparameters for {env_id}, and takes the place of the "
                f"preset; write some under '{DEFAULT_SECTION}:', or leave it out."
            )
        if preset != TUNED:
            levels += _file_levels(checker, _preset_file(checker, preset), env_id, srl_model, _ACTIONS[continuous])
    else:
        levels = [(saved[0], checker.checked(saved[1], saved[0]))]
    levels += [(source, checker.checked(values, source)) for source, values in further]
    levels.append((OVERRIDE, checker.checked(_parse_overrides(overrides), OVERRIDE)))
    levels += [
        (_flag(name), checker.checked({name: value}, _flag(name))) for name, value in flags.items() if value is not None
    ]
    for source, values in levels:
        for name, value in values.items():
            settings.pop(EXCLUSIVE.get(name, ""), None)
            if name == "policy_kwargs" and algo_class.merges_policy_kwargs:
                value = _merged(settings[name].value, value)
            settings[name] = Setting(value, source)
    _check_together(algo_class, algo_name, {name: setting.value for name, setting in settings.items()}, continuous)
    _check_batch_size(algo_name, settings)
    return settings


def _check_batch_size(algo_name: str, settings: Mapping[str, Setting]) -> None:
    """Refuse a minibatch that the user wants larger than a rollout."""
    batch_size = settings.get("batch_size")
    if batch_size is None or batch_size.source != OVERRIDE or not {"n_steps", "n_epochs"} <= set(settings):
        return
    rollout = settings["n_steps"].value * settings["n_envs"].value
    if batch_size.value > rollout:
        raise UserError(
            f"batch_size of {algo_name} is {batch_size.value:,}, and a rollout has {rollout:,} steps, "
            f"n_steps × n_envs; use at most {rollout:,}."
        )


def table(settings: Mapping[str, Setting]) -> str:
    """An aligned table of name, value and source: what differs from the defaults, and what matters most."""
    rows = [
        (name, _shown(setting.value), setting.source)
        for name, setting in settings.items()
        if name in _ALWAYS_SHOWN or not setting.source.startswith("default of ")
    ]
    rows.insert(0, ("hyperparameter", "value", "from"))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}" for name, value, source in rows)


def _merged(below: Any, above: Any) -> Any:
    """``above``, with what it does not say from ``below``, where both are mappings."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _flag(name: str) -> str:
    return _FLAGS.get(name, "--" + name.replace("_", "-"))


class _Checker:
    """Makes a level's values what the algorithm's parameters say, or refuses them."""

    def __init__(self, algo_class: type[Configurable], algo_name: str) -> None:
        self.algo_name = algo_name
        self.translated = algo_class.translated
        self.preset = algo_class.preset
        self.parameters = algo_class.parameters()
        self.policy_parameters = algo_class.policy_parameters()

    def checked(self, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        owner = f"{self.algo_name} in {where}"
        for name, other in EXCLUSIVE.items():
            if name in values and other in values:
                raise UserError(f"{where} sets both {name} and {other}; set one of them.")
        converted = {}
        for name, value in self.translated(values, where).items():
            if name not in self.parameters:
                raise unknown_name(f"hyperparameter of {owner}", str(name), self.parameters)
            try:
                converted[name] = self.parameters[name].convert(value)
            except ValueError as error:
                raise UserError(f"{where}: {error}.") from None
            if name == "policy_kwargs" and converted[name]:
                check_policy_kwargs(converted[name], self.policy_parameters, owner)
        return converted


def _file_levels(
    checker: _Checker, conf_file: Path | None, env_id: str, srl_model: str, actions: str
) -> list[tuple[str, dict[str, Any]]]:
    """The sections of the preset file that apply, weakest first, as (source, values); all sections are checked."""
    if conf_file is None:
        if checker.preset is None:
            return []
        conf_file = HYPERPARAMS_FOLDER / f"{checker.preset}.yaml"
    file = shown_path(conf_file)
    content = _read_sections(conf_file, file)
    if is_zoo(content):
        preset = zoo_preset(content, file, env_id)
        where = f"{file}: {preset.section}"
        return [(where, checker.checked(preset.hyperparams, where))]
    sections = {}
    for section, values in content.items():
        _check_section(section, file)
        if not isinstance(values, Mapping | None):
            raise UserError(f"{file}: section {section} must be a mapping of hyperparameters, not {values!r}.")
        sections[section] = checker.checked(values or {}, f"{file}, section {section}")
    names = [
        "/".join((base, *narrower))
        for base in (DEFAULT_SECTION, escaped_id(env_id))
        for narrower in ((), (srl_model,), (srl_model, actions))
    ]
    return [(f"{file}: {name}", sections[name]) for name in names if name in sections]


def zoo_preset_of(conf_file: Path | None, env_id: str) -> ZooPreset | None:
    """What a preset file of rl-zoo3 says besides hyperparameters; None where the file is another, or none.

    Raises:
        UserError: for a file that can't be read, or asks for what SRL3 can't do.
    """
    if conf_file is None:
        return None
    file = shown_path(conf_file)
    content = _read_sections(conf_file, file)
    return zoo_preset(content, file, env_id) if is_zoo(content) else None


def _preset_file(checker: "_Checker", preset: str) -> Path:
    """The file of ``--preset``.

    Raises:
        UserError: for an unknown preset, or an algorithm that has none.
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    folder = HYPERPARAMS_FOLDER / preset
    path = folder / f"{checker.preset}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
        raise UserError(f"--preset {preset} is for {known}; {checker.algo_name} has only its own.")
    return path


def _read_sections(path: Path, file: str) -> Mapping[str, Any]:
    content = read_by_hand(path, "--conf-file takes sections such as default: {gamma: 0.9}")
    if not isinstance(content, Mapping | None):
        raise UserError(f"the hyperparameter file {file} must be a mapping from section to hyperparameters.")
    return content or {}


def _check_section(section: Any, file: str) -> None:
    base, *narrower = str(section).split("/")
    known = (DEFAULT_SECTION, *registered_env, *unavailable_env)
    if base not in known and base not in map(escaped_id, foreign_ids()):
        raise unknown_name(f"section in {file}", base, [DEFAULT_SECTION, *registered_env])
    if narrower and narrower[0] not in registered_srl:
        raise unknown_name(f"representation in section {section} of {file}", narrower[0], registered_srl)
    if len(narrower) > 2 or (len(narrower) == 2 and narrower[1] not in _ACTIONS):
        raise UserError(f"{file}: section {section} must end in discrete or continuous after the representation.")


def _parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text in overrides:
        name, colon, value = text.partition(":")
        if not (name and colon and value):
            raise UserError(f"{OVERRIDE} takes name:value, for example n_steps:256, not '{text}'.")
        if name in values:
            raise UserError(f"{OVERRIDE} sets {name} twice; set it once.")
        try:
            values[name] = value_of(value)
        except ValueError as error:
            raise UserError(f"{OVERRIDE} {name}: {error}.") from None
    return values


def _check_together(algo: type[Configurable], name: str, values: Mapping[str, Any], continuous: bool) -> None:
    """Refuse values that are fine alone but that the algorithm would trip over together."""
    n_envs = values["n_envs"]
    if algo.on_policy and "n_steps" in values:
        samples = values["n_steps"] * n_envs
        batch = values.get("batch_size")
        if values.get("nminibatches"):
            batch = minibatch_size(values["n_steps"], n_envs, values["nminibatches"])
        normalised = values.get("normalize_advantage")
        if normalised and (samples < 2 or (batch is not None and batch < 2)):
            raise UserError(
                f"{name} normalises advantages over at least 2 samples; a rollout of {samples} in minibatches of "
                f"{batch} has too few (n_steps x n_envs, batch_size or nminibatches)."
            )
    if isinstance(values.get("train_freq"), list) and values["train_freq"][1] == "episode" and n_envs > 1:
        raise UserError(f"{name} trains after whole episodes only with one environment; set n_envs:1 or a train_freq.")
    if values.get("use_sde") and not continuous:
        raise UserError("use_sde needs continuous actions; leave it out, or add -c.")
    if (values.get("n_top") or 0) > values.get("n_delta", 0):
        raise UserError(f"n_top of {name} must be at most n_delta ({values['n_delta']}), not {values['n_top']}.")
    check_classes(values)
    _check_replay_buffer(values)


def _check_replay_buffer(values: Mapping[str, Any]) -> None:
    options = values.get("replay_buffer_kwargs") or {}
    named = values.get("replay_buffer_class") is not None
    for key, value in () if named else options.items():
        if key != "handle_timeout_termination" or not isinstance(value, bool):
            raise UserError("replay_buffer_kwargs takes handle_timeout_termination: true or false, and nothing else.")
    if values.get("optimize_memory_usage") and options.get("handle_timeout_termination", True):
        raise UserError(
            "optimize_memory_usage can't tell time limits from ends; "
            "add replay_buffer_kwargs:{handle_timeout_termination: false}, or leave it out."
        )
