"""``export``: what it writes, shows and proves, and every change of a file that the proof finds."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from rl_baselines import export
from rl_baselines.export.contract import KEY, comma_lists, contract_sha256, graph_sha256, json_schema
from rl_baselines.export.formats.onnx_file import with_contract
from rl_baselines.export.reader import read_exported
from rl_baselines.export.runner import Policy
from rl_baselines.export.runner import main as run_file
from rl_baselines.export.verify import Mismatch, compare, verify
from srl3.errors import UserError
from tests.rl_baselines.export.conftest import Made


def rewritten(made: Made, change: Callable[[onnx.ModelProto, dict[str, Any]], None], *, digests: bool = True) -> None:
    """Change a file as someone would who also knows how to make its digests and lists anew."""
    file = read_exported(made.file)
    model, contract = file.model, file.contract
    change(model, contract)
    if digests:
        contract["digests"] = {"graph": graph_sha256(model), "contract": contract_sha256(contract)}
    made.file.write_bytes(with_contract(model, contract).SerializeToString(deterministic=True))


def weights(model: onnx.ModelProto, shape: int) -> list[onnx.TensorProto]:
    """Initializers with so many axes, of float32."""
    return [t for t in model.graph.initializer if len(t.dims) == shape and t.data_type == onnx.TensorProto.FLOAT]


def replaced(tensor: onnx.TensorProto, values: np.ndarray) -> None:
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def one_weight(model: onnx.ModelProto, contract: dict[str, Any]) -> None:
    tensor = weights(model, 2)[-1]
    values = numpy_helper.to_array(tensor).copy()
    place = np.unravel_index(np.abs(values).argmax(), values.shape)
    values[place] *= 1.05
    replaced(tensor, values)


def swapped_bias(model: onnx.ModelProto, contract: dict[str, Any]) -> None:
    biases = [tensor for tensor in weights(model, 1) if tensor.dims[0] == 64]
    one, other = (numpy_helper.to_array(tensor) for tensor in biases)
    replaced(biases[0], other)
    replaced(biases[1], one)


def shifted_normaliser(model: onnx.ModelProto, contract: dict[str, Any]) -> None:
    tensor = next(t for t in model.graph.initializer if t.data_type == onnx.TensorProto.DOUBLE and len(t.dims))
    replaced(tensor, numpy_helper.to_array(tensor) + 0.01)


def shifted_numbers(model: onnx.ModelProto, contract: dict[str, Any]) -> None:
    contract["observation"]["inputs"][0]["normalizer"]["mean"][0] += 1e-9


def reordered_actions(model: onnx.ModelProto, contract: dict[str, Any]) -> None:
    contract["action"]["terms"].reverse()


def reordered_elements(model: onnx.ModelProto, contract: dict[str, Any]) -> None:
    contract["observation"]["inputs"][0]["terms"][0]["elements"].reverse()


def another_world(model: onnx.ModelProto, contract: dict[str, Any]) -> None:
    contract["environment"]["id"] = "MobileRobot2TargetGymEnv-v0"


def other_parameters(model: onnx.ModelProto, contract: dict[str, Any]) -> None:
    contract["environment"]["parameters"]["step_length"] = 0.2


BY_ACTING = {"one weight": one_weight, "swapped bias": swapped_bias, "shifted normaliser": shifted_normaliser}
BY_SAYING = {
    "shifted numbers": shifted_numbers,
    "reordered actions": reordered_actions,
    "reordered elements": reordered_elements,
    "another world": another_world,
    "other parameters": other_parameters,
}


def test_a_whole_file_holds(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main(["--verify", str(made.file)]) == 0
    said = capsys.readouterr().out
    for part in ("test vectors: 16", "random observations: 1,000", "closed loop: 300 steps", "latest.zip"):
        assert part in said
    assert all(float(number) < 1e-5 for number in re.findall(r"greatest difference (\S+)", said))


def test_without_its_checkpoint_a_file_is_checked_by_itself(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = made.file.rename(tmp_path / "alone.onnx")
    assert export.main(["--verify", str(alone)]) == 0
    assert "holds, by itself" in capsys.readouterr().out
    assert export.main([str(made.run.path), "--verify", str(alone)]) == 0
    assert "closed loop" in capsys.readouterr().out


def test_a_run_may_be_moved_or_named_by_a_link(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """Its checkpoint is known by what is in it."""
    link = made.run.path.parents[3] / "latest"
    link.symlink_to(made.run.path)
    assert export.main([str(link), "--checkpoint", "latest"]) == 0
    assert read_exported(made.file).contract["checkpoint"]["run"] == "/".join(made.run.path.parts[-4:])
    made.run.path.rename(link.with_name("moved"))
    assert export.main(["--verify", str(link.with_name("moved") / "policy.onnx")]) == 0
    assert "closed loop: 300 steps" in capsys.readouterr().out


@pytest.mark.parametrize("name", BY_ACTING)
def test_a_changed_graph_is_found(name: str, made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    """By its digest; where that is made anew, by what it does with the test vectors alone."""
    rewritten(made, BY_ACTING[name], digests=False)
    assert export.main(["--verify", str(made.file)]) == 1
    assert "SHA-256" in capsys.readouterr().err
    rewritten(made, lambda *_: None)
    with pytest.raises(Mismatch, match=r"^test vector \d+: actions\[0, \d\] is \S+, and \S+ was expected$"):
        list(verify(read_exported(made.file)))


@pytest.mark.parametrize("name", BY_SAYING)
def test_a_changed_contract_is_found(name: str, made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    rewritten(made, BY_SAYING[name], digests=False)
    assert export.main(["--verify", str(made.file)]) == 1
    assert "what the file says of itself was changed" in capsys.readouterr().err
    rewritten(made, lambda *_: None)
    assert len(list(verify(read_exported(made.file)))) == 2
    with pytest.raises(Mismatch, match=r" in the file, and .* of the checkpoint$"):
        list(verify(read_exported(made.file), made.checkpoint))


@pytest.mark.parametrize("name", ["observation_names", "action_scale", "joint_names"])
def test_a_changed_list_is_found(name: str, made: Made) -> None:
    model = onnx.load(made.file)
    entries = {entry.key: entry for entry in model.metadata_props}
    if name in entries:
        entries[name].value = "changed"
    else:
        model.metadata_props.add(key=name, value="one,two")
    onnx.save(model, made.file)
    with pytest.raises(Mismatch, match=name):
        list(verify(read_exported(made.file)))


def test_the_file_of_another_checkpoint_is_found(made: Made, tmp_path: Path) -> None:
    from tests.rl_baselines.export.made import Case, checkpoint_of

    other = checkpoint_of(Case("ppo2"), tmp_path / "other.zip")
    with pytest.raises((Mismatch, UserError)):
        list(verify(read_exported(made.file), other))


def test_the_contract_follows_its_schema_and_says_what_is_in_the_world(made: Made) -> None:
    file = read_exported(made.file)
    jsonschema.Draft202012Validator.check_schema(json_schema())
    contract, (seen,) = file.contract, file.contract["observation"]["inputs"]
    assert contract["environment"]["id"] == "MobileRobotGymEnv-v0"
    assert contract["environment"]["parameters"] == made.checkpoint.info.env_kwargs
    assert contract["checkpoint"]["run"] == "/".join(made.run.path.parts[-4:])
    assert [(term["name"], term["slice"], term["unit"]) for term in seen["terms"]] == [
        ("agent_pos_from_target", [0, 2], "m")
    ]
    statistics = made.checkpoint.state["normalize"]
    np.testing.assert_array_equal(seen["normalizer"]["mean"], statistics["obs_mean"])
    np.testing.assert_array_equal(seen["normalizer"]["std"], np.sqrt(statistics["obs_var"] + 1e-8))
    assert comma_lists(contract) == {
        "observation_names": "agent_pos_from_target",
        "action_scale": "0.1,0.1",
        "run_path": contract["checkpoint"]["run"],
    }
    assert file.metadata == comma_lists(contract)


def test_a_file_names_no_path_and_holds_nothing_that_runs(made: Made) -> None:
    content = made.file.read_bytes()
    assert str(made.run.path.parents[3]).encode() not in content
    assert not re.search(rb"/(home|work|root|tmp|usr)/|\.py\b|__import__|site-packages", content)


def test_the_runner_needs_no_srl3(made: Made, tmp_path: Path) -> None:
    alone = tmp_path / "robot"
    alone.mkdir()
    assert export.main([str(made.run.path), "-o", str(alone / "policy.onnx"), "--runner"]) == 0
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from policy_runner import Policy\n"
        "policy = Policy('policy.onnx')\n"
        "action = policy({'agent_pos_from_target': [0.5, -0.25]})\n"
        "print(sorted(policy.controls(action)), policy.check() <= 1)\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'srl3', 'rl_baselines', 'torch', 'onnx'}))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=alone, capture_output=True, text=True, check=True, env={}
    )
    assert done.stdout.splitlines() == ["['dx', 'dy'] True", "[]"]
    done = subprocess.run(
        [sys.executable, "policy_runner.py", "policy.onnx"],
        cwd=alone,
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    assert "agent_pos_from_target [m] x y" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "usage: python policy_runner.py policy.onnx"),
        (("nothing.onnx",), "error: nothing.onnx can't be run"),
        (("foreign.onnx",), "not exported by SRL3"),
    ],
)
def test_the_runner_says_in_a_line_what_is_wrong(
    arguments: tuple[str, ...],
    sentence: str,
    made: Made,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = onnx.load(made.file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "foreign.onnx")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["policy_runner.py", *arguments])
    assert run_file() == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_the_runner_refuses_what_does_not_fit(made: Made) -> None:
    policy = Policy(str(made.file))
    with pytest.raises(KeyError, match="agent_pos_from_target"):
        policy({})
    with pytest.raises(ValueError, match="has 2 numbers, and 3 were given"):
        policy({"agent_pos_from_target": [1, 2, 3]})
    with pytest.raises(ValueError, match="--stochastic"):
        Policy(str(made.file), draw=True)
    assert policy({"obs": [1, 2]}) == pytest.approx(policy({"agent_pos_from_target": [1, 2]}))


def test_show_prints_slices_units_and_actions(
    made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert export.main(["--show", str(made.file)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"agent_pos_from_target +0:2 +m +world +x y +\S+ ± \S+, \S+ ± \S+", said)
    assert re.search(r"^0 +dx +-1 to 1 +0.1 +m$", said, re.M)
    assert export.main(["--show", str(made.file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == 1


# bad input


def refused(*flags: str) -> str:
    with pytest.raises(UserError) as caught:
        export.main(list(flags))
    return str(caught.value)


@pytest.mark.parametrize("mode", ["--show", "--verify"])
def test_what_is_no_exported_file_is_refused(mode: str, made: Made, tmp_path: Path) -> None:
    assert "does not exist" in refused(mode, str(tmp_path / "nothing.onnx"))
    assert "is a folder" in refused(mode, str(tmp_path))
    damaged = tmp_path / "damaged.onnx"
    content = made.file.read_bytes()
    for part in (content[: len(content) // 2], b"", b"no such thing", made.run.latest.read_bytes()):
        damaged.write_bytes(part)
        assert "no whole ONNX file" in refused(mode, str(damaged))
    model = onnx.load(made.file)
    del model.metadata_props[:]
    onnx.save(model, damaged)
    assert "not one that SRL3 exported" in refused(mode, str(damaged))
    for said, sentence in (
        ("{", "can't be read"),
        ("[]", "can't be read"),
        ('{"schema": 9}', "reads schema 1"),
        ('{"schema": 1}', "is damaged"),
        ('{"schema": true}', "is damaged"),
    ):
        del model.metadata_props[:]
        model.metadata_props.add(key=KEY, value=said)
        onnx.save(model, damaged)
        assert sentence in refused(mode, str(damaged))


def foreign_sizes(contract: dict[str, Any]) -> None:
    contract["observation"]["inputs"][0]["terms"][0]["slice"] = [0, 3]


def foreign_numbers(contract: dict[str, Any]) -> None:
    contract["action"]["terms"][0]["scale"] = float("nan")


def foreign_parameters(contract: dict[str, Any]) -> None:
    contract["environment"]["parameters"]["more"] = [{"large": 10**400}]


def foreign_moments(contract: dict[str, Any]) -> None:
    contract["observation"]["inputs"][0]["normalizer"]["mean"].pop()


def foreign_whole_numbers(contract: dict[str, Any]) -> None:
    contract["observation"]["inputs"][0]["terms"][0]["slice"] = [0.0, 2.0]


@pytest.mark.parametrize("mode", ["--show", "--verify"])
@pytest.mark.parametrize(
    "change", [foreign_sizes, foreign_numbers, foreign_parameters, foreign_moments, foreign_whole_numbers]
)
def test_a_contract_without_sense_is_refused(change: Callable[[dict[str, Any]], None], mode: str, made: Made) -> None:
    file = read_exported(made.file)
    change(file.contract)
    (entry,) = (entry for entry in file.model.metadata_props if entry.key == KEY)
    entry.value = json.dumps(file.contract)
    onnx.save(file.model, made.file)
    assert "is damaged (its contract" in refused(mode, str(made.file))


def test_what_is_known_of_some_joints_alone_is_no_list(made: Made) -> None:
    contract = read_exported(made.file).contract
    one, other = contract["action"]["terms"]
    one |= {"joint": "hip", "stiffness": 1.0}
    other |= {"joint": "knee"}
    del other["stiffness"]
    assert "joint_stiffness" not in comma_lists(contract)


def test_names_steer_no_terminal(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    def change(model: onnx.ModelProto, contract: dict[str, Any]) -> None:
        contract["action"]["terms"][0]["name"] = "\x1b[2Jd\ud800x"

    rewritten(made, change)
    assert export.main(["--show", str(made.file)]) == 0
    assert "\N{REPLACEMENT CHARACTER}[2Jd\N{REPLACEMENT CHARACTER}x" in capsys.readouterr().out


def test_weights_in_other_files_are_refused(made: Made, tmp_path: Path) -> None:
    model = onnx.load(made.file)
    outside = tmp_path / "outside.onnx"
    onnx.save(model, outside, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert "no whole ONNX file" in refused("--show", str(outside)) or "in other files" in refused(
        "--show", str(outside)
    )


def test_flags_that_do_not_fit_are_refused(made: Made, tmp_path: Path) -> None:
    run = str(made.run.path)
    assert "name a run" in refused()
    assert "writes .onnx; name a file that ends so" in refused(run, "-o", str(tmp_path / "policy.txt"))
    assert "make it first" in refused(run, "-o", str(tmp_path / "missing" / "policy.onnx"))
    assert "no --runner" in refused("--show", str(made.file), "--runner")
    assert "no RUN" in refused(run, "--show", str(made.file))
    assert "no --stochastic" in refused(run, "--verify", str(made.file), "--stochastic")
    assert "--json goes with --show" in refused(run, "--json")
    assert "no checkpoint 17" in refused(run, "--checkpoint", "17")
    assert "best_model.zip" in refused(run, "--checkpoint", "best_model.zip")
    assert "no checkpoint at" in refused(str(tmp_path / "nowhere"))
    other = tmp_path / "other.zip"
    other.write_bytes(b"PK nothing")
    assert "not a checkpoint" in refused(str(other), "-o", str(tmp_path / "policy.onnx"))
    assert not list(tmp_path.glob("policy*"))


# the page


def test_the_examples_of_the_page_run(made: Made, tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```python\n(.*?)```", page, re.S) if not block.startswith("# drive_")]
    assert export.main([str(made.run.path), "-o", str(tmp_path / "policy.onnx"), "--runner"]) == 0
    printed = ""
    for block in blocks:
        command = [sys.executable, "-c", f"import sys; sys.path.insert(0, '.')\n{block}"]
        root = str(Path(__file__).parents[3])
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": root})
        assert done.returncode == 0, done.stderr
        printed += done.stdout
    assert "agent_pos_from_target [0, 2] m ['x', 'y']" in printed
    assert (tmp_path / "ant.mjb").is_file()


def test_the_page_names_every_part_of_the_schema() -> None:
    page = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
    assert [name for name in json_schema()["required"] if name != "schema" and f"`{name}`" not in page] == []


@pytest.mark.parametrize("action", [1e308, -1.0, 4.0])
def test_an_action_that_is_no_choice_is_expected_by_nobody(action: float) -> None:
    scores = np.zeros((1, 4), np.float32)
    got = {"actions": np.array([2]), "scores": scores}
    with pytest.raises(Mismatch, match="none of the 4 choices"):
        compare(got, {"actions": np.array([action]), "scores": scores}, (1e-5, 1e-5), "test vector 0")
    assert compare(got, {"actions": np.array([1]), "scores": scores}, (1e-5, 1e-5), "test vector 0") == 0
