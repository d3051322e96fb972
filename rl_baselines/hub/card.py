"""The card of a model: what the hub indexes (YAML), and what people read (Markdown)."""

from collections.abc import Collection, Mapping
from typing import Any

import yaml

from environments.config import GROUND_TRUTH, PIXELS
from rl_baselines.checkpoints.foreign.settings import is_of_library
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.hub import layout
from rl_baselines.registry import find_algo
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from srl3.runtime.shell import flags_text

_WHAT = {
    "args.yaml": "every flag of the training, and its command line",
    "env_kwargs.yaml": "every parameter of the world",
    "train_config.yaml": "the hyperparameters, each with its source",
    "versions.yaml": "what it was made with",
    layout.METRICS: "monitor files and the algorithm's own figures",
    layout.RESULTS: "what each episode of the evaluation earned",
    layout.POLICY: "the policy for onnxruntime, with its contract (`python -m rl_baselines.export --show`)",
    layout.FILM: "a film of the policy",
    layout.CURVE: "the learning curve",
}


def card(
    repository: str, algo: str, info: CheckpointInfo, results: Mapping[str, Any], run: RunFolder, files: Collection[str]
) -> str:
    """The text of ``README.md``.

    Args:
        repository: ``<organization>/<name>``.
        algo: the algorithm as the user calls it.
        info: of the checkpoint.
        results: of the evaluation, as ``results.json`` has them.
        run: the run folder, for its command line.
        files: names of the repository's other files.
    """
    algorithm = find_algo(info.algo).load_class(info.policy).model_class().__name__
    organization, name = repository.split("/")
    flags = ["--algo", algo, "--env", info.env_id, "-orga", organization]
    if name != layout.model_name(algo, info.env_id):
        flags += ["-name", name]
    parts = [
        f"---\n{yaml.safe_dump(_metadata(info, algorithm, results), sort_keys=False, allow_unicode=True)}---",
        f"# {algorithm} on {info.env_id}",
        f"A policy that SRL3 trained for {info.num_timesteps:,} steps with `{info.algo}`, from `{info.srl_model}`.",
        _earned(results),
        *([f"![learning curve]({layout.CURVE})"] if layout.CURVE in files else []),
        "## Use",
        _fenced("bash", f"python -m rl_baselines.load_from_hub {flags_text(*flags, '-f', 'logs')}\n"
                f"python -m rl_baselines.enjoy --log-dir logs/{_folder(info)}"),
        *_plain(info, algorithm, repository, algo),
        "## Training",
        *_command(run),
        _fenced("yaml", _yaml(info.hyperparams)),
        "## World",
        _fenced("yaml", _yaml(info.env_kwargs)),
        "## Files",
        "\n".join(f"- `{file}`: {_WHAT.get(file, 'the checkpoint')}" for file in files),
        "## Versions",
        _fenced("yaml", _yaml(info.versions)),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _metadata(info: CheckpointInfo, algorithm: str, results: Mapping[str, Any]) -> dict[str, Any]:
    """What the hub reads: rl-zoo3's tags and its metric, so that models are found and compared together."""
    reward = f"{results['mean_reward']:.2f} +/- {results['std_reward']:.2f}"
    metrics = [{"type": "mean_reward", "value": reward, "name": "mean_reward", "verified": False}]
    if results["success_rate"] is not None:
        metrics.append(
            {"type": "success_rate", "value": results["success_rate"], "name": "success_rate", "verified": False}
        )
    world = {"name": info.env_id, "type": info.env_id}
    task = {"type": "reinforcement-learning", "name": "reinforcement-learning"}
    return {
        "library_name": "srl3",
        "tags": [info.env_id, "deep-reinforcement-learning", "reinforcement-learning", "robotics", "stable-baselines3"],
        "model-index": [{"name": algorithm, "results": [{"task": task, "dataset": world, "metrics": metrics}]}],
    }


def _earned(results: Mapping[str, Any]) -> str:
    how = "the most probable actions" if results["is_deterministic"] else "drawn actions"
    rate = "n/a" if results["success_rate"] is None else f"{results['success_rate']:.1%}"
    lines = [
        "| return | success rate | episode length | episodes |",
        "|---|---|---|---|",
        f"| {results['mean_reward']:.2f} ± {results['std_reward']:.2f} | {rate} | "
        f"{results['mean_length']:.1f} ± {results['std_length']:.1f} | {results['n_eval_episodes']}, {how} |",
    ]
    return "\n".join(lines)


def _folder(info: CheckpointInfo) -> str:
    from environments.foreign import escaped_id

    return f"{escaped_id(info.env_id)}/{info.srl_model}/{info.algo}"


def _plain(info: CheckpointInfo, algorithm: str, repository: str, algo: str) -> list[str]:
    """How Stable-Baselines3 opens it, where it has the algorithm."""
    entry = find_algo(info.algo).load_class(info.policy)
    if not is_of_library(entry):
        return []
    library = next(
        base.__module__.partition(".")[0]
        for base in entry.model_class().__mro__
        if not base.__module__.startswith("rl_")
    )
    file = f"{layout.model_name(algo, info.env_id)}.zip"
    before = [
        name
        for name, there in (
            ("encoded", info.srl_model not in (GROUND_TRUTH, PIXELS)),
            (f"stacked ({info.num_stack})", info.num_stack > 1),
            ("normalised", bool(info.hyperparams.get("normalize")) and info.srl_model != PIXELS),
        )
        if there
    ]
    notes = [f"Its observations are {', then '.join(before)} before the policy gets them; `srl3/` in the zip says how."]
    return [
        "Without SRL3 (this unpickles a part of the file, which can run any code; SRL3 reads it without):",
        _fenced(
            "python",
            f"from huggingface_hub import hf_hub_download\nfrom {library} import {algorithm}\n\n"
            f'model = {algorithm}.load(hf_hub_download("{repository}", "{file}"))',
        ),
        *(notes if before else []),
    ]


def _command(run: RunFolder) -> list[str]:
    try:
        command = run.read_yaml(run.args).get("command")
    except UserError:
        return []
    return [_fenced("bash", str(command))] if command else []


def _yaml(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(_plain_values(content), sort_keys=True, allow_unicode=True, width=100).rstrip()


def _plain_values(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain_values(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_values(each) for each in value]
    return value


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
