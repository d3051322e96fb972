"""A world that was trained on a GPU is acted in wherever it is."""

import pytest

from environments.config import engine


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(engine, "_has_warp", lambda device: False)


@pytest.mark.parametrize("impl", ["warp", "jax"])
def test_the_engine_of_a_gpu_gives_way(no_gpu, impl):
    recorded = {"max_steps": 7, "sim": {"impl": impl, "device": "cuda", "timestep": 0.004}}
    here = engine.for_this_machine(recorded)
    assert here == {"max_steps": 7, "sim": {"impl": "auto", "device": "auto", "timestep": 0.004}}
    assert recorded["sim"]["impl"] == impl


@pytest.mark.parametrize("recorded", [{"max_steps": 7}, {"sim": {"impl": "batch", "device": "cpu"}}])
def test_other_worlds_stay_as_they_are(no_gpu, recorded):
    assert engine.for_this_machine(recorded) == recorded


def test_where_it_runs_it_stays(monkeypatch):
    monkeypatch.setattr(engine, "_has_warp", lambda device: True)
    recorded = {"sim": {"impl": "warp", "device": "cuda"}}
    assert engine.for_this_machine(recorded) == recorded
