"""The engine of GPUs: the same task numbers as on a CPU's threads, exact snapshots, refusals.

Worlds run on a GPU where there is one, else on Warp's CPU device, where compiling their kernels takes a minute once.
"""

import importlib.util

import numpy as np
import pytest
import torch

from environments.flags import make_config
from environments.mujoco_gym.config import TaskConfig
from environments.mujoco_gym.randomness import Draws, philox
from environments.mujoco_gym.scene import make_backend
from environments.registry import registered_env
from srl3.errors import UserError
from tests.environments.mujoco_gym.worlds import actions, make

GPU = torch.cuda.is_available()
DEVICE = "cuda:0" if GPU else "cpu"
WORLDS = ("AntGymEnv-v0", "HumanoidGymEnv-v0", "VelocityFlatGymEnv-v0")
EXACT = {"sim.cone": "elliptic", "sim.iterations": 100, "sim.ls_iterations": 50}
"""With a pyramidal cone the engines choose other directions of friction, and what 4 iterations leave is chance."""

ALL = [name for name, entry in registered_env.items() if issubclass(entry.load_config(), TaskConfig)]

needs_warp = pytest.mark.skipif(
    importlib.util.find_spec("mujoco_warp") is None, reason="the extra warp is not installed"
)


def on_warp(env_id, num_envs, **env_kwargs):
    return make(env_id, num_envs, **{"sim.impl": "warp", "sim.device": DEVICE, **env_kwargs})


def moved(world, step):
    return actions(world, step).to(DEVICE)


# refusals


@pytest.mark.skipif(GPU, reason="there is a GPU")
@needs_warp
@pytest.mark.parametrize("impl", ["warp", "jax"])
def test_without_a_gpu_it_is_refused(impl):
    with pytest.raises(UserError, match=r"sim\.impl warp needs a GPU, and torch finds no device cuda"):
        make("AntGymEnv-v0", 2, **{"sim.impl": impl})


def test_without_the_extra_it_is_refused(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "warp" in name else found(name))
    with pytest.raises(UserError, match=r"needs the extra 'warp': pip install 'srl3\[warp\]'"):
        make("AntGymEnv-v0", 2, **{"sim.impl": "warp"})


def test_threads_of_a_cpu_drive_no_gpu():
    with pytest.raises(UserError, match=r"sim\.impl batch runs on cpu, not on cuda; use sim\.impl:warp"):
        make("AntGymEnv-v0", 2, **{"sim.impl": "batch", "sim.device": "cuda"})


def test_a_world_without_mujoco_has_no_engine_to_choose():
    with pytest.raises(UserError, match=r"MobileRobotGymEnv-v0 has no sim\.impl; leave out --impl"):
        make_config("MobileRobotGymEnv-v0", {"sim.impl": "warp"})


@needs_warp
def test_more_worlds_than_memory_are_refused_with_the_number_that_fits():
    world = make("AntGymEnv-v0", 1)
    config = make_config("AntGymEnv-v0", {"sim.impl": "warp", "sim.device": DEVICE})
    with pytest.raises(UserError, match=r"100,000,000 worlds of AntGymEnv-v0 take about .* GiB are free; .* fit"):
        make_backend(world.backend.model, 100_000_000, config)


@needs_warp
def test_what_mujoco_warp_lacks_is_refused_by_name():
    with pytest.raises(UserError, match=r"mujoco_warp can't run this model: mjSOL_PGS is unsupported.*sim\.impl:batch"):
        on_warp("AntGymEnv-v0", 2, **{"sim.solver": "pgs"})


# random numbers


@needs_warp
def test_random_numbers_of_the_kernel_are_those_of_numpy():
    from environments.mujoco_gym.backends.warp_kernels import philox_words

    rng = np.random.default_rng(0)
    seeds, episodes, steps = (rng.integers(0, 2**62, 7), rng.integers(-1, 2**32, 7), rng.integers(0, 1000, 7))
    on_device = [torch.from_numpy(part).to(DEVICE) for part in (seeds, episodes, steps)]
    words = philox_words(*on_device, 0xDEADBEEF, 6).cpu().numpy()
    mask = 2**32 - 1
    columns = [(part & mask).astype(np.uint64)[:, None] for part in (steps, episodes, seeds, seeds >> 32)]
    block = np.arange(2, dtype=np.uint64)[None]
    counter = (block, np.full_like(block, 0xDEADBEEF), *columns[:2])
    expected = philox(counter, columns[2:]).reshape(7, -1)[:, :6]
    np.testing.assert_array_equal(words.astype(np.uint64), expected)
    assert philox_words(*(part[:0] for part in on_device), 1, 3).shape == (0, 3)


@pytest.mark.skipif(not GPU, reason="there is no GPU")
@needs_warp
def test_draws_on_a_gpu_are_those_on_a_cpu():
    parts = [torch.arange(5), torch.zeros(5, dtype=torch.int64), torch.full((5,), 3)]
    here, there = Draws(*parts), Draws(*(part.to(DEVICE) for part in parts))
    assert torch.equal(here.uniform("noise", 6, -1.0, 1.0), there.uniform("noise", 6, -1.0, 1.0).cpu())
    assert torch.equal(here.integers("level", 2, 0, 9), there.integers("level", 2, 0, 9).cpu())
    assert torch.allclose(here.normal("noise", 5), there.normal("noise", 5).cpu(), atol=1e-6)


# physics


@needs_warp
@pytest.mark.slow
@pytest.mark.parametrize("env_id", ALL)
def test_both_engines_give_the_same_task_numbers(env_id):
    """Over 100 steps, each from the same state: contacts are chaotic, so that two free runs would part."""
    threads, warp = make(env_id, 4, **EXACT), on_warp(env_id, 4, **EXACT)
    seen, earned, differ = [], [], 0
    gentle = 0.2 if env_id == "VelocityRoughGymEnv-v0" else 1.0  # who lies on rough ground touches it elsewhere
    for step in range(100):
        warp.restore_state(threads.resume_state())
        given = actions(threads, step) * gentle
        ours, theirs = threads.step(given), warp.step(given.to(DEVICE))
        differ += int((ours.terminated != theirs.terminated.cpu()).sum())
        assert torch.equal(ours.truncated, theirs.truncated.cpu())
        assert list(ours.endings) == list(theirs.endings)
        seen.append((threads.observe() - warp.observe().cpu()).abs().amax(1))
        earned.append((ours.terms - theirs.terms.cpu()).abs().amax(0))
        over = ours.terminated | ours.truncated
        if over.any():
            threads.reset(over)
            warp.reset(over.to(DEVICE))
            assert torch.allclose(threads.observe()[over], warp.observe().cpu()[over], atol=1e-2)
    assert differ <= (0 if env_id in WORLDS else 4)  # of 400
    observed, rewarded = torch.cat(seen), torch.cat(earned)
    assert observed.median() < (1e-4 if env_id in WORLDS else 1e-2)
    assert rewarded.median() < (1e-4 if env_id in WORLDS else 1e-3)
    if env_id in WORLDS:  # others touch something all the time
        assert observed.quantile(0.9) < 1e-2  # what is left is contacts that begin in another substep
        assert rewarded.quantile(0.9) < 1e-2


@needs_warp
@pytest.mark.slow
@pytest.mark.parametrize("env_id", WORLDS)
def test_a_snapshot_is_exact_and_goes_on(env_id):
    change = {"randomize.mass": {"range": [0.8, 1.2], "when": "reset"}, "randomize.push": {"seconds": [0.1, 0.2]}}
    world = on_warp(env_id, 3, **change)
    for step in range(5):
        world.step(moved(world, step))
    saved = world.resume_state()
    first = [world.step(moved(world, step)).reward.clone() for step in range(5, 10)]
    seen = world.observe()
    other = on_warp(env_id, 3, **change)
    other.restore_state(saved)
    again = other.resume_state()
    for name, values in saved["rows"].items():
        np.testing.assert_array_equal(values, again["rows"][name], err_msg=name)
    second = [other.step(moved(other, step)).reward.clone() for step in range(5, 10)]
    if GPU:  # there the order of additions is not fixed
        assert torch.allclose(first[0], second[0], atol=1e-3)
    else:
        assert torch.equal(torch.stack(first), torch.stack(second))
        assert torch.equal(seen, other.observe())


@needs_warp
@pytest.mark.slow
def test_a_state_that_becomes_nan_ends_its_episode_only(tmp_path):
    path = tmp_path / "dump.npz"
    world = on_warp("AntGymEnv-v0", 3, nan_dump=str(path))
    for step in range(3):
        world.step(moved(world, step))
    world.backend.exact("qvel")[1, 0] = float("nan")
    step = world.step(torch.zeros(3, 8, device=DEVICE))
    assert step.endings["non_finite"].tolist() == [False, True, False]
    assert step.terminated.tolist() == [False, True, False]
    assert step.reward.isfinite().all()
    assert world.observe().isfinite().all()
    with np.load(path) as dump:
        assert dump["rows"].tolist() == [1]
        assert np.isnan(dump["state"]).any()
    world.reset(step.terminated)
    assert not world.step(torch.zeros(3, 8, device=DEVICE)).endings["non_finite"].any()


@needs_warp
@pytest.mark.slow
@pytest.mark.parametrize("env_id", WORLDS)
def test_few_robots_that_begin_anew_are_computed_beside_the_others_to_the_same_bits(env_id, monkeypatch):
    change = {"randomize.mass": {"range": [0.8, 1.2], "when": "reset"}, "randomize.friction": {"range": [0.5, 0.9]}}
    monkeypatch.setattr(warp_backend(), "FEW", (2, 4))
    few = on_warp(env_id, 9, **change)
    monkeypatch.setattr(warp_backend(), "FEW", ())
    all_of_them = on_warp(env_id, 9, **change)
    for rows in ([3], [1, 7], [0, 2, 8]):
        for world in (few, all_of_them):
            world.step(moved(world, 0))
            monkeypatch.setattr(warp_backend(), "FEW", (2, 4) if world is few else ())
            world.reset(torch.tensor(rows, device=DEVICE))
        seen, expected = few.observe(), all_of_them.observe()
        assert torch.allclose(seen, expected, atol=1e-3) if GPU else torch.equal(seen, expected)
    assert sorted(few.backend._few) == [2, 4]
    assert not all_of_them.backend._few


def warp_backend():
    from environments.mujoco_gym.backends import warp

    return warp


@needs_warp
@pytest.mark.slow
@pytest.mark.parametrize("env_id", ALL)
def test_steps_and_resets_are_graphs(env_id, request):
    """Beside a world without, put back into the same state every other step; on a CPU with what stands for graphs."""
    if not GPU:
        request.getfixturevalue("graphs_on_a_cpu")
    settings = {"max_steps": 24}
    graphs, plain = on_warp(env_id, 40, **settings), on_warp(env_id, 40, **settings, **{"sim.cuda_graphs": False})
    assert plain._replays is None
    graphs.elapsed[:] = torch.arange(40, device=DEVICE) // 2
    for step in range(40):
        if step % 2 == 0:
            plain.restore_state(graphs.resume_state())
        ours, theirs = graphs.step(moved(graphs, step)), plain.step(moved(plain, step))
        assert torch.isclose(ours.terms, theirs.terms, rtol=1e-3, atol=1e-3).float().mean() > 0.97
        over = (ours.terminated | ours.truncated).nonzero(as_tuple=True)[0]
        for world in (graphs, plain):
            world.reset(over)
        if len(over):
            assert torch.isclose(graphs.observe()[over], plain.observe()[over], atol=1e-3).float().mean() > 0.9
    assert graphs._replays.play
    assert graphs._replays.resets[40][1].plays


CHANGES = [
    ("friction", {"range": [0.5, 0.9]}, "geom_friction"),
    ("mass", {"range": [0.5, 1.5], "names": "torso"}, "body_mass"),
    ("com", {"operation": "add", "range": [-0.01, 0.01], "names": "torso"}, "body_ipos"),
    ("gains", {"range": [0.5, 0.9]}, "actuator_gainprm"),
    ("damping", {"range": [0.5, 0.9], "names": "hip.*"}, "dof_damping"),
    ("armature", {"range": [0.5, 0.9], "distribution": "log_uniform"}, "dof_armature"),
    ("friction_loss", {"operation": "set", "range": [0.1, 0.2]}, "dof_frictionloss"),
    ("gravity", {"operation": "add", "distribution": "gaussian", "range": [0.0, 0.1]}, "opt.gravity"),
    ("object_size", {"range": [0.9, 0.95], "names": ".*_ankle_geom"}, "geom_size"),
]


@needs_warp
@pytest.mark.slow
def test_every_change_of_the_model_is_that_of_the_other_engine():
    changes = {f"randomize.{name}": change for name, change, _ in CHANGES}
    threads, warp = make("AntGymEnv-v0", 3, **EXACT, **changes), on_warp("AntGymEnv-v0", 3, **EXACT, **changes)
    for _, _, field in CHANGES:
        ours, theirs = threads.backend.vary(field), warp.backend.vary(field)
        assert ours.shape == theirs.shape
        assert (ours[0] != ours[1]).any(), field
        assert torch.allclose(ours.float(), theirs.cpu(), rtol=1e-5, atol=1e-7), field
    differences = []
    for step in range(20):
        warp.restore_state(threads.resume_state())
        given = actions(threads, step)
        threads.step(given), warp.step(given.to(DEVICE))
        differences.append((threads.observe() - warp.observe().cpu()).abs().amax(1))
    assert torch.cat(differences).quantile(0.8) < 1e-3


@needs_warp
@pytest.mark.slow
def test_dropped_contacts_are_said_once(caplog):
    world = on_warp("AntGymEnv-v0", 2, **{"sim.constraints": 4})
    for step in range(140):
        world.step(moved(world, step))
    said = [record.message for record in caplog.records if "raise sim.constraints" in record.message]
    assert len(said) == 1
