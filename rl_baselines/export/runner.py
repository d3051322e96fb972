"""Runs a policy exported by SRL3. It needs NumPy and onnxruntime, nothing else: copy it to the robot.

    policy = Policy("policy.onnx")
    policy.reset()                                 # at the start of an episode
    action = policy({"joint_pos": [...], ...})     # what the sensors measure, by the names of the contract
    command = policy.controls(action)              # {"front_left_hip": 0.31, ...}, in the units of the contract

``python policy_runner.py policy.onnx`` prints what goes in and comes out, and checks the file against its test vectors.
"""

import base64
import json
import sys
import zlib
from typing import Any

import numpy as np
import onnxruntime


class Policy:
    """A policy with what it remembers: hidden state, stacked observations, its last action.

    Args:
        path: the ONNX file.
        draw: draw actions from the policy's distribution in the place of the most probable ones.
        seed: of what is drawn.

    Attributes:
        contract: what the file says of itself.
        outputs: by name, what the graph gave in the last step.
    """

    def __init__(self, path: str, draw: bool = False, seed: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        said = self._session.get_modelmeta().custom_metadata_map
        if "srl3" not in said:
            raise ValueError("the file was not exported by SRL3 (it says nothing under 'srl3')")
        self.contract = json.loads(said["srl3"])
        if self.contract["schema"] != 1:
            raise ValueError(f"the file has contract schema {self.contract['schema']}, and this runner reads schema 1")
        self._inputs = self.contract["observation"]["inputs"]
        self._action = self.contract["action"]
        if draw and self._action["kind"] == "continuous" and not self._action["stochastic"]:
            raise ValueError("the file gives no mean and std to draw from; export it with --stochastic")
        self._draw, self._rng = draw, np.random.default_rng(seed)
        self.outputs: dict[str, np.ndarray] = {}
        self.reset()

    def reset(self) -> None:
        """An episode begins."""
        self._memory: dict[str, np.ndarray] = {}
        self._stacks: dict[str, np.ndarray] = {}
        self._histories: dict[str, list[np.ndarray]] = {}
        self.last_action: Any = None
        self._applied: np.ndarray | None = None

    def __call__(self, sensors: dict[str, Any]) -> Any:
        """The action ``(A,)`` of one robot (a whole number for discrete ones).

        Args:
            sensors: by term of the contract, its numbers as measured, in its unit, before clip and scale. A whole
                observation may be given by the name of the input ("obs") or of its key instead. What the policy did
                last (source "actions") need not be given.
        """
        self.last_action = self.run({each["name"]: self.observe(each, sensors)[None] for each in self._inputs})[0]
        return self.last_action

    def observe(self, each: dict[str, Any], sensors: dict[str, Any]) -> np.ndarray:
        """One input ``(*shape)`` from what sensors measure."""
        whole = next((sensors[key] for key in (each["name"], each["key"]) if key is not None and key in sensors), None)
        if whole is None:
            parts = [self._term(term, sensors) for term in each["terms"]]
            whole = parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts])
        shape = list(each["shape"])
        if each["history"] > 1:
            shape[-1] //= each["history"]
        newest = np.asarray(whole, each["dtype"])
        if newest.size != int(np.prod(shape)):
            raise ValueError(f"{each['name']} has the shape {shape}, and {newest.shape} was given")
        newest = newest.reshape(shape)
        if each["history"] == 1:
            return newest
        empty = np.zeros(each["shape"], newest.dtype)
        stack = np.concatenate([self._stacks.get(each["name"], empty)[..., shape[-1] :], newest], -1)
        self._stacks[each["name"]] = stack
        return stack

    def _term(self, term: dict[str, Any], sensors: dict[str, Any]) -> Any:
        name, size = term["name"], (term["slice"][1] - term["slice"][0]) // term["history"]
        if name in sensors:
            value: Any = np.asarray(sensors[name])
        elif term["source"] == "actions":
            value = np.zeros(size) if self.last_action is None else self.last_action
        else:
            raise KeyError(f"the policy observes {name} ({size} numbers, {term['unit'] or 'no unit'}); give it")
        if value.size != size:
            raise ValueError(f"{name} has {size} numbers, and {value.size} were given")
        if term["clip"] is not None:
            value = np.clip(value, *np.asarray(term["clip"], float))
        if term["scale"] != 1.0:
            value = value * np.asarray(term["scale"], np.float32)
        if term["history"] == 1:
            return value
        past = [*self._histories.get(name, [value.ravel()] * term["history"])[1:], value.ravel()]
        self._histories[name] = past
        return np.concatenate(past)

    def run(self, observations: dict[str, np.ndarray]) -> Any:
        """Actions ``(B, …)`` of B robots, from the graph's own inputs ``(B, *shape)`` by name; the memory goes on."""
        count = len(next(iter(observations.values())))
        feeds = {name: np.ascontiguousarray(values) for name, values in observations.items()}
        memory = self.contract["memory"]
        for name in memory["inputs"] if memory else ():
            empty = np.zeros((memory["layers"], count, memory["size"]), np.float32)
            feeds[name] = self._memory.get(name, empty)
        names = [output.name for output in self._session.get_outputs()]
        self.outputs = dict(zip(names, self._session.run(names, feeds), strict=True))
        if memory:
            parts = memory["inputs"], memory["outputs"]
            self._memory = {name: self.outputs[out] for name, out in zip(*parts, strict=True)}
        return self._drawn() if self._draw else self.outputs["actions"]

    def _drawn(self) -> np.ndarray:
        kind, space = self._action["distribution"], self._action["space"]
        if kind in ("gaussian", "squashed gaussian"):
            mean, std = self.outputs["mean"], self.outputs["std"]
            drawn = (mean + std * self._rng.standard_normal(mean.shape)).reshape(self.outputs["actions"].shape)
            limits = [np.asarray(space[side], float) for side in ("low", "high")]
            low, high = [limit.reshape(space["shape"]) if limit.ndim else limit for limit in limits]
            if kind == "squashed gaussian":
                drawn = low + 0.5 * (np.tanh(drawn) + 1) * (high - low)
            return np.clip(drawn, low, high).astype(np.float32)
        scores = self.outputs["scores"]
        if kind == "bernoulli":
            return (self._rng.random(scores.shape) < 1 / (1 + np.exp(-scores))).astype(np.int64)
        if kind is None:
            raise ValueError("this policy has no distribution to draw from")
        noisy = scores + self._rng.gumbel(size=scores.shape)
        if self._action["kind"] == "discrete":
            return noisy.argmax(1)
        counts = np.broadcast_to(space["nvec"], space["shape"])
        return np.stack([part.argmax(1) for part in np.split(noisy, np.cumsum(counts)[:-1], 1)], 1)

    def controls(self, action: Any) -> dict[str, Any]:
        """What an action asks for: by joint (or by the action's name) a value in the unit of the contract.

        A discrete action gives the name of the choice. Call it once in each step: it holds the moving average.
        """
        terms = self._action["terms"]
        if self._action["kind"] == "discrete":
            return {terms[0]["name"]: terms[0]["choices"][int(action)]}
        values = np.asarray(action, float).ravel()
        if self._action["kind"] != "continuous":
            return {term["name"]: int(term["low"] + value) for term, value in zip(terms, values, strict=True)}
        share = np.array([term["moving_average"] for term in terms])
        before = np.zeros(len(terms)) if self._applied is None else self._applied
        self._applied = share * values + (1 - share) * before
        return {
            term["joint"] or term["name"]: float(term["scale"] * value + term["offset"])
            for term, value in zip(terms, self._applied, strict=True)
        }

    def check(self) -> float:
        """The greatest difference from the test vectors of the file, in units of what is allowed: up to 1 is well."""
        test = self.contract["test"]
        seen = {each["name"]: _array(test["observations"][each["name"]], each["dtype"]) for each in self._inputs}
        drawing, self._draw = self._draw, False
        allowed, worst = test["tolerance"], 0.0
        for row, first in enumerate(test["first_of_episode"]):
            if first or not self.contract["memory"]:
                self._memory = {}
            self.run({name: values[row : row + 1] for name, values in seen.items()})
            for name, expected in test["outputs"].items():
                wanted = np.asarray(expected[row], float)
                limit = allowed["absolute"] + allowed["relative"] * np.abs(wanted)
                worst = max(worst, float(np.max(np.abs(self.outputs[name][0] - wanted) / limit)))
        self._draw = drawing
        self.reset()
        return worst


def _array(content: Any, dtype: str) -> np.ndarray:
    if isinstance(content, dict):
        return np.frombuffer(zlib.decompress(base64.b64decode(content["zlib_base64"])), "u1").reshape(content["shape"])
    return np.array(content, dtype)


def main() -> int:
    """Print and check; the exit status is 1 where the file fails its test vectors, 2 where there is no such file."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python policy_runner.py policy.onnx\n")
        return 2
    try:
        policy = Policy(sys.argv[1])
    except Exception as error:  # onnxruntime's own have no common ancestor
        sys.stderr.write(f"error: {sys.argv[1]} can't be run ({' '.join(str(error).split())})\n")
        return 2
    for each in policy.contract["observation"]["inputs"]:
        for term in each["terms"]:
            print(f"{each['name']} {term['slice']}: {term['name']} [{term['unit']}] {' '.join(term['elements'])}")
    for term in policy.contract["action"]["terms"]:
        print(f"action {term['index']}: {term['joint'] or term['name']} [{term['unit']}] {' '.join(term['choices'])}")
    worst = policy.check()
    print(f"test vectors: {worst:.3g} of what is allowed")
    return 0 if worst <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
