"""From a policy to an ONNX graph: what the world gives goes in, what the world takes comes out.

What stands between the two is in the graph: a learned representation, the normaliser (in float64), the order of a
picture's axes, the clipping and stretching of actions. Stacked observations and the memory of a recurrent policy go in
from outside, since a graph remembers nothing.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import torch
from gymnasium import spaces
from torch import Tensor, nn

from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import Checkpoint
from rl_baselines.export.heads import Head, head_of
from rl_baselines.vec_envs.normalizer import Moments, Normalizer
from srl3.errors import UserError
from srl3.spaces import ROOT, build, join
from state_representation.encoding.encoder import Encoder
from state_representation.models.encoders import build_encoder, fold_batch_norms

OPSET = 18
IR_VERSION = 8
OBSERVATION = "obs"
ACTIONS = "actions"
SCORES = "scores"
MEAN = "mean"
STD = "std"
TRACED_ROWS = 2
"""robots in the example that is traced; any number may come later"""


@dataclass(frozen=True)
class Port:
    """One input of the graph that holds an observation.

    Args:
        key: of a dictionary of observations; empty where there is one observation.
        space: what it holds, as the world gives it, stacked.
        image: whether it is a picture, channels last.
        history: observations that are stacked in it along the last axis, the oldest first.
    """

    key: str
    space: spaces.Space[Any]
    image: bool = False
    history: int = 1

    @property
    def name(self) -> str:
        """``obs``, or ``obs.<key>``"""
        return f"{OBSERVATION}.{self.key}" if self.key else OBSERVATION

    @property
    def path(self) -> str:
        """As `srl3.spaces` writes it."""
        return join(ROOT, self.key) if self.key else ROOT

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one robot's."""
        return tuple(self.space.shape or ())

    def dtype(self, float32: bool = False) -> np.dtype[Any]:
        """Of the input: the world's own; ``float32``: in the place of float64."""
        if isinstance(self.space, spaces.Discrete | spaces.MultiDiscrete):
            return np.dtype(np.int64)
        own = np.dtype(self.space.dtype)
        if own == np.float64 and float32:
            return np.dtype(np.float32)
        return own if own in (np.uint8, np.float32, np.float64, np.int32, np.int64, np.int8) else np.dtype(np.float32)

    def example(self, float32: bool) -> Tensor:
        """A batch to trace with."""
        dtype = self.dtype(float32)
        values = np.stack([np.asarray(self.space.sample()) for _ in range(TRACED_ROWS)])
        return torch.from_numpy(np.nan_to_num(values).astype(dtype).reshape(TRACED_ROWS, *self.shape))


@dataclass(frozen=True)
class Exported:
    """A graph, with what the contract says of it."""

    model: onnx.ModelProto
    module: "PolicyGraph"
    """the same in torch"""
    ports: list[Port]
    head: Head
    normalizer: Normalizer | None
    """of the observations as the world gives them; None: of none, or of a learned representation"""
    own_moments: Mapping[str, np.ndarray] = field(default_factory=dict)
    """of a policy that normalises by itself: ``mean``, ``std``, ``clip``"""


class Normalise(nn.Module):
    """What `Normalizer` does to one observation.

    Args:
        moments: its mean and variance.
        normalizer: epsilon and limit.
        dtype: in which it is computed.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, moments: Moments, normalizer: Normalizer, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(moments.mean, dtype=dtype))
        self.register_buffer("std", torch.as_tensor(np.sqrt(moments.var + normalizer.epsilon), dtype=dtype))
        self.clip = normalizer.clip

    def forward(self, values: Tensor) -> Tensor:
        """``(B, …)`` to float32."""
        scaled = (values.to(self.mean.dtype) - self.mean) / self.std
        return scaled.clamp(-self.clip, self.clip).to(torch.float32)


class Encode(nn.Module):
    """What an `Encoder` does to frames: ``(B, H, W, C) uint8`` to ``(B, state_dim)``."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        info = encoder.info
        network = build_encoder(info.model_type, info.network_shape, info.state_dim)
        network.load_state_dict(encoder.tensors())
        self.network = fold_batch_norms(network.eval())
        self.channels = info.network_shape[2]

    def forward(self, frames: Tensor) -> Tensor:
        """Frames to states."""
        pixels = frames[..., : self.channels].permute(0, 3, 1, 2).to(torch.float32) * (1 / 255)
        states: Tensor = self.network(pixels)
        return states


class PolicyGraph(nn.Module):
    """Observations as the world gives them, then the memory, to actions as the world takes them.

    Args:
        ports: its observations, in order.
        encode: before everything else.
        normalise: by port.
        head: of the policy.
        stochastic: whether mean and standard deviation come out too.
    """

    low: Tensor
    high: Tensor

    def __init__(
        self, ports: list[Port], encode: Encode | None, normalise: Mapping[str, Normalise], head: Head, stochastic: bool
    ) -> None:
        super().__init__()
        self.ports = ports
        self.encode: nn.Module | None = encode
        self.normalise = nn.ModuleDict(
            {f"at{index}": normalise[p.path] for index, p in enumerate(ports) if p.path in normalise}
        )
        self.head = head
        self.stochastic = stochastic
        space = head.action_space
        if isinstance(space, spaces.Box):
            self.register_buffer("low", torch.as_tensor(space.low))
            self.register_buffer("high", torch.as_tensor(space.high))

    def output_names(self) -> list[str]:
        """Of what `forward` gives."""
        names = [ACTIONS, *(f"{part}_out" for part in self.head.memory_names)]
        if not isinstance(self.head.action_space, spaces.Box):
            names.append(SCORES)
        elif self.stochastic:
            names += [MEAN, STD]
        return names

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Inputs in the order of the ports, then the memory's parts."""
        seen = {}
        for index, (port, values) in enumerate(zip(self.ports, inputs, strict=False)):
            if self.encode is not None:
                values = self.encode(values)
            if f"at{index}" in self.normalise:
                values = self.normalise[f"at{index}"](values)
            if values.dtype == torch.float64:
                values = values.to(torch.float32)
            seen[port.key] = values.permute(0, 3, 1, 2) if port.image and self.encode is None else values
        observations = (
            seen if isinstance(self.head.policy.observation_space, spaces.Dict) else next(iter(seen.values()))
        )
        acted = self.head(observations, tuple(inputs[len(self.ports) :]))
        outputs = [self._as_the_world_takes(acted.actions), *acted.memory]
        if acted.scores is not None:
            outputs.append(acted.scores)
        elif self.stochastic:
            outputs += [acted.mean, acted.std]
        return tuple(outputs)

    def _as_the_world_takes(self, actions: Tensor) -> Tensor:
        if not isinstance(self.head.action_space, spaces.Box):
            return actions
        actions = actions.reshape(-1, *self.head.action_space.shape)
        if self.head.policy.squash_output:
            return self.low + 0.5 * (actions + 1.0) * (self.high - self.low)
        return torch.minimum(torch.maximum(actions, self.low), self.high)


def export_graph(checkpoint: Checkpoint, *, stochastic: bool = False, float32: bool = False) -> Exported:
    """The ONNX graph of a checkpoint's policy, without metadata.

    Args:
        checkpoint: from `load_checkpoint`.
        stochastic: mean and standard deviation of continuous actions come out too.
        float32: nothing is computed in float64 (normalised observations are then as exact as float32 holds them).

    Raises:
        UserError: for a policy that can't be exported, saying why.
    """
    info = checkpoint.info
    actor = Actor.from_checkpoint(checkpoint)
    head = head_of(actor.policy, info.algo)
    if stochastic and head.distribution is None:
        raise UserError(f"{info.algo} has no distribution of actions to draw from; leave out --stochastic.")
    if actor.encoder is not None and info.num_stack > 1:
        raise UserError(
            "this policy can't be exported: it observes stacked states of a learned representation, whose first ones "
            "are zeros that no frame gives; train it with --num-stack 1."
        )
    saved = checkpoint.state["normalize"]
    normalizer = None if saved is None else Normalizer.from_state(saved)
    ports = _ports(checkpoint, actor, head)
    moments = {} if normalizer is None else normalizer.moments
    dtype = torch.float32 if float32 else torch.float64
    normalise = {path: Normalise(each, normalizer, dtype) for path, each in moments.items() if normalizer is not None}
    encode = None if actor.encoder is None else Encode(actor.encoder)
    graph = PolicyGraph(ports, encode, normalise, head, stochastic).eval().requires_grad_(False)
    model = _traced(graph, float32)
    return Exported(model, graph, ports, head, normalizer, _own_moments(head))


def _ports(checkpoint: Checkpoint, actor: Actor, head: Head) -> list[Port]:
    info = checkpoint.info
    if actor.encoder is not None:
        return [Port("", spaces.Box(0, 255, actor.encoder.info.img_shape, np.uint8), image=True)]
    space = build(info.observation_space)
    if not isinstance(space, spaces.Dict):
        return [Port("", space, ROOT in info.images, info.num_stack)]
    keys = list(space.spaces)
    if not isinstance(head.policy.observation_space, spaces.Dict):  # one that looks at one of them
        keys = [info.hyperparams.get("policy_obs_key", "policy")]
    return [
        Port(
            key,
            space[key],
            join(ROOT, key) in info.images,
            info.num_stack if isinstance(space[key], spaces.Box) else 1,
        )
        for key in keys
    ]


def _own_moments(head: Head) -> dict[str, np.ndarray]:
    normaliser = getattr(head.policy, "pi_normaliser", None)
    if normaliser is None or not hasattr(normaliser, "shift"):
        return {}
    return {"mean": normaliser.shift.numpy(), "std": 1 / normaliser.scale.numpy().astype(np.float64)}


def _traced(graph: PolicyGraph, float32: bool) -> onnx.ModelProto:
    for port in graph.ports:
        port.space.seed(0)
    example = [port.example(float32) for port in graph.ports]
    names = [port.name for port in graph.ports]
    batch = torch.export.Dim("batch")
    sizes: list[dict[int, Any]] = [{0: batch} for _ in graph.ports]
    for part in graph.head.memory_names:
        layers, size = graph.head.memory_shape()
        example.append(torch.zeros(layers, TRACED_ROWS, size))
        names.append(f"{part}_in")
        sizes.append({1: batch})
    with quiet():
        program = torch.onnx.export(
            graph,
            tuple(example),
            input_names=names,
            output_names=graph.output_names(),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=(tuple(sizes),),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    model.ir_version = IR_VERSION
    strip(model)
    return model


def strip(model: onnx.ModelProto) -> None:
    """Take out what says where and by whom the file was made: source paths, comments, intermediate shapes."""
    model.doc_string = model.graph.doc_string = model.domain = model.producer_version = ""
    model.producer_name = "srl3"
    model.graph.name = "policy"
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = node.name = ""
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]
        value.doc_string = ""
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
        tensor.doc_string = ""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The exporter's own words stay out of the console: warnings, log lines, progress."""
    root = logging.getLogger()
    level = root.manager.disable
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(level)
