"""The architecture: which way imports run, how long files are, what ``--help`` may load, what is pinned."""

import ast
import importlib
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from srl3.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PACKAGES = ("srl3", "config", "environments", "state_representation", "rl_baselines", "para_env", "dexhand_env")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
OUR_FILES = [*MODULES, *sorted((ROOT / "tests").rglob("*.py")), ROOT / "setup.py"]

MAX_LINES = 450
HELP_SECONDS = 0.5
HEAVY = (
    "torch",
    "pybullet",
    "mujoco",
    "cv2",
    "visdom",
    "stable_baselines3",
    "sb3_contrib",
    "matplotlib",
    "scipy",
    "tensorboard",
    "viser",
    "trimesh",
    "onnx",
    "onnxruntime",
    "huggingface_hub",
)
ROOMS = (
    "srl3",
    "config",
    "dexhand_env",
    "environments",
    "state_representation.registry",
    "state_representation.store",
    "state_representation.models",
    "state_representation.data",
    "state_representation.encoding",
    "state_representation.learning",
    "state_representation.judging",
    "state_representation.plots",
    "state_representation",
    "rl_baselines.hyperparams",
    "rl_baselines.model_state",
    "rl_baselines.base_classes",
    "rl_baselines.registry",
    "rl_baselines.rl_algorithm",
    "rl_baselines.evolution_strategies",
    "rl_baselines.vec_envs",
    "rl_baselines.runs",
    "rl_baselines.batched_ppo",
    "rl_baselines.checkpoints",
    "rl_baselines.acting",
    "rl_baselines.distillation",
    "rl_baselines.recordings",
    "rl_baselines.cross_evaluation",
    "rl_baselines.export",
    "rl_baselines.plots",
    "rl_baselines.tracking",
    "rl_baselines.play",
    "rl_baselines.training",
    "rl_baselines.benchmarks",
    "rl_baselines.grid",
    "rl_baselines.continual",
    "rl_baselines.search",
    "rl_baselines.hub",
    "rl_baselines.front_doors",
    "rl_baselines",
    "para_env",
)
"""From the bottom up: a module may import from its own room and from those before it, never from one after it."""
MAX_LOOSE_FILES = 12
"""of a folder, commands not counted"""
ONE_FILE_AN_ENTRY = ("rl_baselines/rl_algorithm",)
"""folders that hold a file for each entry of a registry, as many as there are"""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_command(path: Path) -> bool:
    return path.name == "__main__.py" or "run_command(main)" in path.read_text(encoding="utf-8")


def imported(path: Path) -> Iterator[str]:
    """Modules that ``path`` imports anywhere, inside functions and for type checks too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)} imports relatively; write the whole name"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(name: str) -> int | None:
    """The place in `ROOMS` of the most particular room that holds this module, None for what is not ours."""
    holding = [room for room in ROOMS if name == room or name.startswith(f"{room}.")]
    return ROOMS.index(max(holding, key=len)) if holding else None


def module_imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Modules of ours that ``path`` imports, and the names that it takes from each."""
    known = {module_name(module) for module in MODULES}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names if room_of(alias.name) is not None)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and room_of(node.module) is not None:
            modules = [f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in known]
            yield from ((module, []) for module in modules)
            names = [alias.name for alias in node.names if f"{node.module}.{alias.name}" not in known]
            if names:
                yield node.module, names


def test_modules_are_found():
    assert {module_name(path).partition(".")[0] for path in MODULES} == set(PACKAGES)


def test_imports_run_one_way():
    wrong = []
    for path in MODULES:
        own = room_of(module_name(path))
        assert own is not None
        for name, _ in module_imports(path):
            other = room_of(name)
            if other is not None and other > own:
                wrong.append(f"{relative(path)} imports {name}")
    assert wrong == []


def test_files_are_read_by_the_one_reader_of_their_format():
    parsers = re.compile(
        r"(np|numpy)\.(load|loadtxt|genfromtxt|fromfile|memmap)|yaml\.\w*(load|compose|parse)\w*"
        r"|csv\.(reader|DictReader)|json\.(load|loads|JSONDecoder)|(torch|pickle)\.(load|loads|Unpickler)"
    )
    found = []
    exempt = {ROOT / "rl_baselines" / "export" / "runner.py"}  # which runs where there is no SRL3
    for path in (path for path in MODULES if path.parent != ROOT / "srl3" / "formats" and path not in exempt):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                names = [ast.unparse(node)]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            found += [f"{relative(path)} takes {name}" for name in names if parsers.fullmatch(name)]
    assert found == [], "use srl3.formats, whose readers say in one sentence what is wrong with a file"


def test_bars_are_drawn_in_one_place():
    drawn = [relative(path) for path in MODULES if "tqdm" in set(imported(path))]
    assert drawn == ["srl3/runtime/progress.py"]


def test_no_imports_in_a_circle():
    arrows = {module_name(path): {name for name, _ in module_imports(path)} for path in MODULES}
    waiting = {name: targets - {name} for name, targets in arrows.items()}
    while free := [name for name, targets in waiting.items() if not targets & waiting.keys()]:
        for name in free:
            del waiting[name]
    assert sorted(waiting) == [], "each of these imports one that in the end imports it"


def test_no_room_takes_what_another_keeps_private():
    wrong = [
        f"{relative(path)} takes {name} from {module}"
        for path in MODULES
        for module, names in module_imports(path)
        for name in names
        if name.startswith("_") and not name.startswith("__") and room_of(module) != room_of(module_name(path))
    ]
    assert wrong == []


def test_no_folder_is_a_hall():
    folders = {path.parent for path in MODULES}
    loose = {
        relative(folder): [
            path.name for path in folder.glob("*.py") if path.name != "__init__.py" and not is_command(path)
        ]
        for folder in folders
    }
    halls = [folder for folder, files in loose.items() if len(files) > MAX_LOOSE_FILES]
    assert sorted(set(halls) - set(ONE_FILE_AN_ENTRY)) == []


@pytest.mark.parametrize(
    ("earlier", "present"),
    [
        ("rl_baselines.checkpoint", "rl_baselines.checkpoints.checkpoint"),
        ("rl_baselines.envs", "rl_baselines.vec_envs.create"),
        ("rl_baselines.evaluation", "rl_baselines.acting.evaluation"),
        ("rl_baselines.run_folder", "rl_baselines.runs.run_folder"),
        ("rl_baselines.search_space", "rl_baselines.hyperparams.search_ranges"),
        ("state_representation.encoder", "state_representation.encoding.encoder"),
    ],
)
def test_documented_imports_stay(earlier, present):
    assert importlib.import_module(earlier) is importlib.import_module(present)


def test_files_are_short():
    long = [relative(path) for path in OUR_FILES if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES]
    assert long == []


def test_modules_say_what_they_are():
    texts = {relative(path): path.read_text(encoding="utf-8") for path in MODULES}
    silent = [name for name, text in texts.items() if text.strip() and not ast.get_docstring(ast.parse(text))]
    assert silent == []


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for path in MODULES}
    missing = [relative(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()]
    assert missing == [], "without __init__.py they are missing from an installed SRL3"


def test_every_folder_says_what_it_owns_and_what_may_import_it():
    silent = []
    for path in MODULES:
        if path.name == "__init__.py":
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            if not re.search(r"\bimports?\b|\bnames it\b|draws? with it", said):
                silent.append(relative(path))
    assert silent == []


def test_the_page_of_the_architecture_draws_every_room():
    drawing = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    places = [room.rpartition(".")[2] for room in ROOMS]
    assert [place for place in places if not re.search(rf"\b{place}\b", drawing)] == []


def test_data_files_are_package_data():
    kept = re.compile(r"(config|dexhand_env/cfg)/.+\.yaml|environments/assets/.+|rl_baselines/export/[^/]+\.(json|c)")
    data = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    names = [relative(path) for path in data if path.suffix not in (".py", ".pyc") and not path.name.startswith(".")]
    assert [name for name in names if not kept.fullmatch(name)] == []


def test_every_command_is_in_the_console_script():
    top = [path for package in PACKAGES for path in (ROOT / package).glob("*.py") if path.parent.name != "srl3"]
    packages = [path.parent for package in PACKAGES for path in (ROOT / package).glob("*/__main__.py")]
    commands = {module_name(path) for path in top if is_command(path)} | {module_name(path) for path in packages}
    assert {command.module for command in COMMANDS.values()} == commands


@pytest.mark.parametrize("name", COMMANDS)
def test_help_loads_nothing_heavy(name):
    code = (
        "import importlib, sys\n"
        f"try: importlib.import_module({COMMANDS[name].module!r}).main(['--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        f"print('loaded:', *sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    "line",
    [
        *("train --env Nope", "train --env AntGymEnv-v0 --algo pp02", "train --resume nothing", "pipeline --env Nope"),
        *("hyperparam_search --env Nope", "hyperparam_search --env AntGymEnv-v0 --algo pp02", "advise --env Nope"),
        *("enjoy --log-dir nothing", "play --run nothing", "export nothing", "list Nope"),
        *(
            "train_velocity VelocityFlatt",
            "cross_eval nothing",
            "../environments.dataset_generator --env Nope",
            "../environments.oracle --env Nope",
        ),
    ],
)
def test_a_wrong_name_is_said_before_anything_heavy_is_loaded(line, tmp_path):
    name, *flags = line.split()
    module = name[3:] if name.startswith("../") else f"rl_baselines.{name}"
    code = (
        "import importlib, sys\n"
        "from srl3.errors import UserError\n"
        f"try: importlib.import_module({module!r}).main({flags!r})\n"
        f"except UserError as error: print(*sorted(set({HEAVY!r}) & set(sys.modules)), error)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert re.match(r"unknown|no run at|no checkpoint at", done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_quick(name):
    def processor_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", COMMANDS[name].module, "--help"], capture_output=True, check=True, cwd=ROOT
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert any(processor_seconds() < HELP_SECONDS for _ in range(5))


def constraints() -> dict[str, str]:
    """What constraints.txt pins: canonical name to version."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {}
    for line in lines:
        requirement = line.partition("#")[0].strip()
        if requirement:
            name, equals, version = requirement.partition("==")
            assert equals, f"{requirement} is not a pin"
            assert canonicalize_name(name) not in pins, f"{name} is pinned twice"
            pins[canonicalize_name(name)] = version
    return pins


def direct_requirements() -> list[Requirement]:
    """What setup.py names, its extras included."""
    setup = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    values = {
        ast.unparse(statement.targets[0]): ast.literal_eval(statement.value)
        for statement in setup.body
        if isinstance(statement, ast.Assign)
    }
    extras = [text for texts in values["EXTRAS"].values() for text in texts]
    return [Requirement(text) for text in [*values["REQUIREMENTS"], *extras]]


def needed_by(name: str) -> list[Requirement]:
    """What an installed distribution needs here, without extras; nothing when it is not installed."""
    try:
        texts = requires(name) or []
    except PackageNotFoundError:
        return []
    found = [Requirement(text) for text in texts]
    return [need for need in found if need.marker is None or need.marker.evaluate({"extra": ""})]


def test_every_dependency_is_pinned_within_its_range():
    pins = constraints()
    waiting = direct_requirements()
    seen = set()
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        if need.name.startswith(("nvidia", "triton", "cuda")):
            continue  # of a CUDA build of torch, which pins them itself
        assert name in pins, f"{name} is missing from constraints.txt"
        assert need.specifier.contains(pins[name]), f"{need} is needed, {pins[name]} is pinned"
        if name not in seen:
            seen.add(name)
            waiting.extend(needed_by(name))
    of_search = {"alembic", "colorlog", "mako", "sqlalchemy"}
    of_warp = {"etils"}  # an extra that `make` leaves out
    assert set(pins) - seen - of_search - of_warp == {"pip"}, "pinned, but nothing needs it"


NOT_INSTALLED = {"warp": ["warp-lang"], "mujoco_warp": ["mujoco-warp"]}
"""what brings the modules of an extra that `make` leaves out"""


def test_every_import_is_a_direct_dependency():
    direct = {canonicalize_name(need.name) for need in direct_requirements()}
    brought_by = {**NOT_INSTALLED, **packages_distributions()}
    names = {name.split(".")[0] for path in MODULES for name in imported(path)} - set(sys.stdlib_module_names)
    foreign = sorted(names - set(PACKAGES))
    assert [name for name in foreign if direct.isdisjoint(map(canonicalize_name, brought_by.get(name, [])))] == []


def test_every_pin_is_documented_with_its_licence():
    rows = re.findall(r"^\| ([\w-]+) \|.*\| ([^|]+) \|$", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    documented = {canonicalize_name(name) for name, licence in rows if licence.strip()} - {"name"}
    assert documented == set(constraints())
