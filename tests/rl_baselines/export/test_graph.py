"""Graphs give what the actor gives: every algorithm with every kind of action, and every kind of observation."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from gymnasium import spaces

from rl_baselines.acting.actor import Actor
from rl_baselines.export.graph import IR_VERSION, OPSET, Encode, Exported, export_graph
from rl_baselines.export.vectors import moved_by_rounding, torch_outputs
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.registry import registered_rl
from srl3.errors import UserError
from state_representation.encoding.encoder import EncoderInfo, make_encoder
from state_representation.models.encoders import build_encoder
from tests.rl_baselines.export.made import PIXELS, SMALL, STATES, Case, checkpoint_of

ROWS = 1000
LIKE_PPO = ("a2c", "trpo", "recurrent_ppo")
"""algorithms whose actions come about as PPO's: of them the gate tries one kind"""
SMALL_MEMORY = {"policy_kwargs": {"lstm_hidden_size": 16, "net_arch": [16]}}
ALGOS = {entry.entry_point: name for name, entry in registered_rl.items()}
EVERY = [
    pytest.param(
        Case(algo, action, hyperparams=SMALL_MEMORY if algo == "recurrent_ppo" else {}),
        id=f"{algo} {action.value}",
        marks=pytest.mark.slow if algo in LIKE_PPO and action is not ActionType.CONTINUOUS else (),
    )
    for algo in ALGOS.values()
    for action in registered_rl[algo].actions
]
REFUSED = {"maskable_ppo": "which actions are allowed", "random_agent": "without looking"}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Session:
    """A graph in onnxruntime, checked by `onnx.checker`."""

    def __init__(self, exported: Exported) -> None:
        onnx.checker.check_model(exported.model, full_check=True)
        self.exported = exported
        self._session = onnxruntime.InferenceSession(
            exported.model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        self.outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, observations: dict[str, np.ndarray], memory: dict[str, np.ndarray] | None = None) -> Any:
        count = len(next(iter(observations.values())))
        feeds = dict(observations)
        for name in self.exported.head.memory_names:
            layers, size = self.exported.head.memory_shape()
            feeds[f"{name}_in"] = (memory or {}).get(f"{name}_out", np.zeros((layers, count, size), np.float32))
        return dict(zip(self.outputs, self._session.run(self.outputs, feeds), strict=True))


def sampled(exported: Exported, rows: int = ROWS) -> dict[str, np.ndarray]:
    found = {}
    for port in exported.ports:
        port.space.seed(5)
        values = np.stack([np.asarray(port.space.sample()) for _ in range(rows)])
        if isinstance(port.space, spaces.Box) and port.space.dtype != np.uint8:
            values = values + 20  # where the statistics are
        found[port.name] = values.astype(port.dtype())
    return found


def acted(checkpoint: Any, exported: Exported, observations: dict[str, np.ndarray]) -> np.ndarray:
    """What the actor does with stacked observations: it has nothing left to stack."""
    actor = Actor.from_checkpoint(checkpoint)
    actor._stack.num_stack = 1
    raw: Any = {port.key: observations[port.name] for port in exported.ports}
    if list(raw) == [""]:
        raw = raw[""]
    elif not isinstance(actor.policy.observation_space, spaces.Dict):
        raw = {**raw, "other": np.zeros((len(next(iter(raw.values()))), 2), np.float32)}
    return actor.act(raw, deterministic=True)


def assert_acts_alike(case: Case, path: Path, tolerance: float = 1e-5, rows: int = ROWS, **how: bool) -> Session:
    checkpoint = checkpoint_of(case, path / "model.zip")
    exported = export_graph(checkpoint, **how)
    session = Session(exported)
    observations = sampled(exported, rows)
    got, actions = session(observations), acted(checkpoint, exported, observations)
    assert got["actions"].shape == actions.shape
    if actions.dtype.kind == "f":
        np.testing.assert_allclose(got["actions"], actions, rtol=0, atol=tolerance)
    else:
        assert got["actions"].dtype == np.int64
        np.testing.assert_array_equal(got["actions"], actions)
    for name, expected in torch_outputs(exported, observations).items():
        size = max(1.0, float(np.abs(expected).max()))  # sums of such numbers are rounded so
        np.testing.assert_allclose(got[name], expected, rtol=tolerance, atol=tolerance * size)
    return session


@pytest.mark.parametrize("case", EVERY)
def test_every_algorithm_with_every_kind_of_action(case: Case, tmp_path: Path) -> None:
    if case.algo in REFUSED:
        with pytest.raises(UserError, match=REFUSED[case.algo]):
            export_graph(checkpoint_of(case, tmp_path / "model.zip"))
        return
    session = assert_acts_alike(case, tmp_path)
    memory = ["h_out", "c_out"] if case.algo == "recurrent_ppo" else []
    scores = [] if case.action is ActionType.CONTINUOUS else ["scores"]
    assert session.outputs == ["actions", *memory, *scores]


MANY = spaces.Dict(
    {
        "camera": PIXELS,
        "joints": spaces.Box(-np.inf, np.inf, (2, 2), np.float64),
        "lamp": spaces.Discrete(3),
        "switches": spaces.MultiBinary(2),
    }
)
SEEN = {
    "pixels": Case("ppo2", ActionType.DISCRETE, PIXELS, ("",), normalize=False),
    "stacked pixels of one axis more than channels": Case("dqn", ActionType.DISCRETE, PIXELS, ("",), 2),
    "pixels of batched_ppo": Case("batched_ppo", observed=PIXELS, images=("",)),
    "stacked states": Case("sac", num_stack=3),
    "a dictionary": Case("ppo2", observed=MANY, images=("camera",)),
    "a dictionary of which one is looked at": Case(
        "batched_ppo", observed=spaces.Dict({"policy": STATES, "other": STATES}), normalize=False
    ),
    "float64": Case("td3", observed=spaces.Box(-5, 5, (4,), np.float64)),
    "a number": Case("a2c", ActionType.DISCRETE, spaces.Discrete(5), normalize=False),
    "state-dependent exploration": Case(
        "ppo2", hyperparams={"use_sde": True, "policy_kwargs": {"squash_output": True}}
    ),
    "spread by state": Case("batched_ppo", hyperparams={"std_type": "state"}),
}


@pytest.mark.parametrize("name", SEEN)
def test_every_kind_of_observation(name: str, tmp_path: Path) -> None:
    rows = 40 if SEEN[name].images else ROWS
    stochastic = SEEN[name].action is ActionType.CONTINUOUS and SEEN[name].algo != "td3"
    session = assert_acts_alike(SEEN[name], tmp_path, rows=rows, stochastic=stochastic)
    assert session.outputs[1:] == (["mean", "std"] if stochastic else ["scores"] if "scores" in session.outputs else [])


@pytest.mark.parametrize("kind", ["linear", "custom_cnn"])
def test_a_learned_representation_is_in_the_graph(kind: str, tmp_path: Path) -> None:
    shape = (64, 64, 3)
    torch.manual_seed(1)
    info = EncoderInfo("autoencoder", "Tiny", {}, shape, None, 5, kind)
    encoder = make_encoder(info, build_encoder(kind, shape, 5).state_dict(), "cpu")
    pictures = spaces.Box(0, 255, shape, np.uint8)
    case = Case("ppo2", ActionType.DISCRETE, pictures, ("",), encoder=encoder)
    session = assert_acts_alike(case, tmp_path, 1e-4, rows=20)
    assert session.exported.ports[0].dtype() == np.uint8


def test_stacked_states_of_a_representation_are_refused(tmp_path: Path) -> None:
    info = EncoderInfo("autoencoder", "Tiny", {}, (36, 36, 3), None, 5, "linear")
    encoder = make_encoder(info, build_encoder("linear", (36, 36, 3), 5).state_dict(), "cpu")
    case = Case("ppo2", ActionType.DISCRETE, PIXELS, ("",), num_stack=2, encoder=encoder, normalize=False)
    with pytest.raises(UserError, match="--num-stack 1"):
        export_graph(checkpoint_of(case, tmp_path / "model.zip"))


MEMORIES = {
    "recurrent_ppo": Case("recurrent_ppo", hyperparams=SMALL_MEMORY),
    "ppo2 with an lstm": Case("ppo2", ActionType.DISCRETE, policy="lstm", hyperparams=SMALL_MEMORY),
    "gru": Case("batched_ppo", hyperparams={"rnn_type": "gru", "rnn_hidden_dim": 12, "rnn_num_layers": 2}),
    "lstm": Case("batched_ppo", ActionType.DISCRETE, hyperparams={"rnn_type": "lstm", "rnn_hidden_dim": 12}),
}


@pytest.mark.parametrize("name", MEMORIES)
def test_a_memory_goes_in_and_comes_out(name: str, tmp_path: Path) -> None:
    """Over 30 steps of three robots, from an empty memory on."""
    checkpoint = checkpoint_of(MEMORIES[name], tmp_path / "model.zip")
    exported = export_graph(checkpoint)
    session, actor = Session(exported), Actor.from_checkpoint(checkpoint)
    parts = ["h", "c"] if name != "gru" else ["h"]
    assert list(exported.head.memory_names) == parts
    rng, outputs = np.random.default_rng(0), None
    for _ in range(30):
        seen = rng.normal(20, 2, (3, 6)).astype(np.float32)
        outputs = session({"obs": seen}, outputs)
        np.testing.assert_allclose(outputs["actions"], actor.act(seen, deterministic=True), atol=1e-4)
    assert outputs is not None
    assert np.abs(outputs["h_out"]).max() > 0.01


def test_the_normaliser_is_exact_where_the_mean_is_large(tmp_path: Path) -> None:
    case = Case("ars", hyperparams={})
    checkpoint = checkpoint_of(case, tmp_path / "model.zip")
    checkpoint.state["normalize"]["obs_mean"][:] = 3e4
    checkpoint.state["normalize"]["obs_var"][:] = 1e-2
    seen = (3e4 + np.random.default_rng(0).normal(0, 0.1, (ROWS, 6))).astype(np.float32)
    expected = Actor.from_checkpoint(checkpoint).act(seen, deterministic=True)
    exact, coarse = (Session(export_graph(checkpoint, float32=low)) for low in (False, True))
    np.testing.assert_allclose(exact({"obs": seen})["actions"], expected, rtol=0, atol=1e-6)
    assert "DOUBLE" in str(exact.exported.model.graph) or any(
        tensor.data_type == onnx.TensorProto.DOUBLE for tensor in exact.exported.model.graph.initializer
    )
    assert all(tensor.data_type != onnx.TensorProto.DOUBLE for tensor in coarse.exported.model.graph.initializer)


@pytest.mark.parametrize("algo", ["td3", "ars", "dqn"])
def test_what_has_no_distribution_can_not_be_drawn_from(algo: str, tmp_path: Path) -> None:
    action = ActionType.DISCRETE if algo == "dqn" else ActionType.CONTINUOUS
    with pytest.raises(UserError, match="leave out --stochastic"):
        export_graph(checkpoint_of(Case(algo, action), tmp_path / "model.zip"), stochastic=True)


def test_the_graph_is_plain(tmp_path: Path) -> None:
    """Operators of ONNX itself, a dynamic batch, no path, no comment, nothing that runs, and the same bytes again."""
    case = Case("ppo2", hyperparams={"policy_kwargs": SMALL})
    checkpoint = checkpoint_of(case, tmp_path / "model.zip")
    model = export_graph(checkpoint).model
    assert (model.ir_version, [(each.domain, each.version) for each in model.opset_import]) == (
        IR_VERSION,
        [("", OPSET)],
    )
    assert not model.functions
    assert {node.domain for node in model.graph.node} == {""}
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    text = model.SerializeToString()
    assert not re.search(rb"/\w+/|\.py|\\\\|torch|site-packages", text)
    assert export_graph(checkpoint).model.SerializeToString(deterministic=True) == model.SerializeToString(
        deterministic=True
    )


def test_rounding_that_a_normaliser_makes_much_of_is_allowed_for(tmp_path: Path) -> None:
    shape = (64, 64, 3)
    torch.manual_seed(1)
    info = EncoderInfo("autoencoder", "Tiny", {}, shape, None, 5, "custom_cnn")
    encoder = make_encoder(info, build_encoder("custom_cnn", shape, 5).state_dict(), "cpu")
    case = Case("ppo2", ActionType.CONTINUOUS, spaces.Box(0, 255, shape, np.uint8), ("",), encoder=encoder)
    exported = export_graph(checkpoint_of(case, tmp_path / "model.zip"))
    frames = [{"obs": np.random.default_rng(0).integers(0, 256, (1, *shape), np.uint8)}] * 4
    states = exported.module.encode(torch.as_tensor(np.concatenate([each["obs"] for each in frames])))
    normalise = exported.module.normalise["at0"]
    moved = []
    for std in (1.0, 1e-5):
        normalise.mean.copy_(states.mean(0))
        normalise.std.fill_(std * float(states.abs().max()))
        moved.append(moved_by_rounding(exported, frames))
    assert moved[0] < 1e-5 < 1e-4 < moved[1] < 1
    assert isinstance(exported.module.encode, Encode), "it is as it was"


@pytest.mark.parametrize(
    ("algo", "policy", "hyperparams"),
    [
        ("recurrent_ppo", "feedforward", SMALL_MEMORY),
        ("ppo2", "lstm", SMALL_MEMORY),
        ("batched_ppo", "feedforward", {"rnn_type": "gru", "rnn_hidden_dim": 12, "rnn_num_layers": 2}),
    ],
)
def test_rounding_is_measured_with_a_memory_too(
    algo: str, policy: str, hyperparams: dict[str, Any], tmp_path: Path
) -> None:
    shape = (36, 36, 3)
    torch.manual_seed(1)
    info = EncoderInfo("autoencoder", "Tiny", {}, shape, None, 5, "linear")
    encoder = make_encoder(info, build_encoder("linear", shape, 5).state_dict(), "cpu")
    case = Case(algo, ActionType.CONTINUOUS, PIXELS, ("",), policy=policy, hyperparams=hyperparams, encoder=encoder)
    exported = export_graph(checkpoint_of(case, tmp_path / "model.zip"))
    frames = [{"obs": np.random.default_rng(n).integers(0, 256, (1, *shape), np.uint8)} for n in range(3)]
    assert 0 <= moved_by_rounding(exported, frames) < 0.1
    assert isinstance(exported.module.encode, Encode)
