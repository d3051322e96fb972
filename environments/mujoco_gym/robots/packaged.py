"""The models that Gymnasium's package brings."""

from importlib.util import find_spec
from pathlib import Path

import mujoco

FLOOR_COLOURS = ([0.30, 0.34, 0.38], [0.38, 0.42, 0.46])
SKY_COLOURS = ([0.75, 0.84, 0.93], [0.45, 0.55, 0.68])


def gymnasium_model(name: str) -> mujoco.MjSpec:
    """The MJCF model of this file name, for example ``ant.xml``."""
    found = find_spec("gymnasium")
    assert found is not None
    assert found.origin is not None
    spec = mujoco.MjSpec.from_file(str(Path(found.origin).parent / "envs" / "mujoco" / "assets" / name))
    _paint(spec)
    return spec


def _paint(spec: mujoco.MjSpec) -> None:
    """A calm floor that is drawn as far as the robot runs, and a bright sky."""
    spec.geom("floor").size = [0, 0, 1]  # a plane of size 0 is drawn without end
    spec.geom("floor").rgba = [1, 1, 1, 1]
    material = spec.material("MatPlane")
    material.reflectance, material.specular, material.shininess = 0.05, 0.1, 0.1
    material.texrepeat, material.texuniform = [0.5, 0.5], True
    spec.texture("texplane").rgb1, spec.texture("texplane").rgb2 = FLOOR_COLOURS
    for texture in spec.textures:
        if texture.type == mujoco.mjtTexture.mjTEXTURE_SKYBOX:
            texture.rgb1, texture.rgb2 = SKY_COLOURS
    spec.visual.headlight.ambient = [0.35, 0.35, 0.35]
    spec.visual.map.zfar = 60


def add_force_torque_sensor(spec: mujoco.MjSpec, body: "mujoco.MjsBody", name: str) -> None:
    """A site ``name`` at a body's origin with the sensors ``name_force`` (N) and ``name_torque`` (N m).

    They measure what the body's parent exerts on it, in the site's frame.
    """
    site = body.add_site(name=name, size=[0.02] * 3, group=4)
    for kind, quantity in ((mujoco.mjtSensor.mjSENS_FORCE, "force"), (mujoco.mjtSensor.mjSENS_TORQUE, "torque")):
        spec.add_sensor(name=f"{name}_{quantity}", type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site.name)
