"""Writes an exported file of any format, checked as an ONNX file before anything is on the disk."""

import tempfile
from pathlib import Path

from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import Checkpoint
from rl_baselines.export.contract import Contract, contract_sha256, graph_sha256, make_contract
from rl_baselines.export.formats.onnx_file import write_onnx
from rl_baselines.export.formats.registry import FORMATS
from rl_baselines.export.graph import Exported, export_graph
from rl_baselines.export.reader import read_exported
from rl_baselines.export.vectors import make_vectors
from rl_baselines.export.verify import check_digests, check_vectors, open_policy
from rl_baselines.export.world import meaning_of, world_of


def export_policy(
    checkpoint: Checkpoint, path: Path, *, form: str = "onnx", stochastic: bool = False, float32: bool = False
) -> list[str]:
    """Write the policy of ``checkpoint`` to ``path``, whole and checked, or nothing.

    Args:
        checkpoint: from `load_checkpoint`.
        path: the file.
        form: key of `rl_baselines.export.formats.registry.FORMATS`.
        stochastic: mean and standard deviation of continuous actions come out too.
        float32: nothing in it is computed in float64.

    Returns:
        What was checked, a line each.

    Raises:
        UserError: for a policy that can't be exported, or whose world can't be made.
    """
    exported, contract = describe_policy(checkpoint, stochastic=stochastic, float32=float32)
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "policy.onnx"
        write_onnx(exported.model, contract, trial)
        file = read_exported(trial)
        lines = [check_digests(file), check_vectors(file.contract, open_policy(trial))]
    FORMATS[form].load_writer()(exported.model, contract, path)
    return lines


def describe_policy(
    checkpoint: Checkpoint, *, stochastic: bool = False, float32: bool = False
) -> tuple[Exported, Contract]:
    """The graph of a checkpoint's policy, and its whole contract.

    Raises:
        UserError: as `export_policy`.
    """
    exported = export_graph(checkpoint, stochastic=stochastic, float32=float32)
    actor = Actor.from_checkpoint(checkpoint)
    with world_of(checkpoint, actor) as venv:
        meaning = meaning_of(venv, exported.ports, exported.head.action_space)
        contract = make_contract(checkpoint, exported, meaning, stochastic=stochastic, float32=float32)
        contract["test"] = make_vectors(checkpoint, exported, actor, venv)
    contract["digests"] = {"graph": graph_sha256(exported.model), "contract": contract_sha256(contract)}
    return exported, contract
