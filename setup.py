"""Makes ``pip install .`` work. Ranges are light here; constraints.txt holds the versions that are tested."""

import ast
from pathlib import Path

from setuptools import find_packages, setup

PACKAGES = ["srl3", "environments", "rl_baselines", "state_representation", "config", "para_env", "dexhand_env"]

REQUIREMENTS = [
    "torch>=2.8",
    "stable-baselines3>=2.9,<3",
    "sb3-contrib>=2.9,<3",
    "gymnasium>=1.4,<2",
    "pybullet>=3.2.7",
    "mujoco>=4,<5",
    "opencv-python-headless>=4.12",
    "numpy>=2",
    "scipy>=1.15",
    "PyYAML>=6",
    "packaging>=24",
    "matplotlib>=3.9",
    "tensorboard>=2.19",
    "cma>=4",
    "tqdm>=4.66",
    "imageio-ffmpeg>=0.6",
]

EXTRAS = {
    "visdom": ["visdom==0.2.4", "tornado<6.6"],
    "box2d": ["Box2D==2.3.10", "pygame-ce>=2.5"],
    "search": ["optuna>=5,<6", "SQLAlchemy>=2", "cmaes>=0.12", "plotly>=6"],
    "postgresql": ["psycopg>=3.2", "psycopg-binary>=3.2"],
    "ray": ["ray>=2.50,<3"],
    "wandb": ["wandb>=0.26,<0.30"],
    "mlflow": ["mlflow-skinny>=3.10,<4", "SQLAlchemy>=2", "alembic>=1.14"],
    "completion": ["shtab>=1.7"],
    "hub": ["huggingface_hub>=2.4,<3", "httpx2>=2,<3"],
    "play": ["glfw>=2.5,<3", "viser>=1.1,<2", "websockets>=13.1,<17", "rich>=13.3.3,<15"],
    "warp": ["mujoco-warp>=4,<5", "warp-lang>=1.19,<2"],
    "export": ["onnx>=1.19,<2", "onnxruntime>=1.20,<2", "onnxscript>=0.6", "protobuf>=6", "jsonschema>=4.20"],
    "dev": [
        "pytest>=9",
        "pytest-timeout>=2.4",
        "pytest-xdist>=3.8",
        "ruff",
        "mypy>=2",
        "playwright>=1.50",
        "types-PyYAML",
        "types-tqdm",
    ],
}


def read_version() -> str:
    """``__version__`` of srl3/__init__.py, without importing it."""
    module = ast.parse((Path(__file__).parent / "srl3" / "__init__.py").read_text(encoding="utf-8"))
    for statement in module.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__version__":
            return str(ast.literal_eval(statement.value))
    raise RuntimeError("srl3/__init__.py has no __version__")


setup(
    name="srl3",
    version=read_version(),
    description="Train robot policies from pixels, ground truth or learned state representations.",
    author="SRL3 developers",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=[pattern for name in PACKAGES for pattern in (name, f"{name}.*")]),
    package_data={
        "config": ["**/*.yaml"],
        "environments": ["assets/**/*"],
        "dexhand_env": ["cfg/**/*.yaml"],
        "rl_baselines": ["export/*.json", "export/*.c"],
    },
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["srl3 = srl3.cli:main"]},
)
