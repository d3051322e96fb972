"""Presets that travel with the package: found beside the code, wherever one stands.

It imports nothing; hyperparameters and representations import it.
"""

from pathlib import Path

CONFIG_FOLDER = Path(__file__).resolve().parent
HYPERPARAMS_FOLDER = CONFIG_FOLDER / "hyperparams"
SRL_MODELS_FILE = CONFIG_FOLDER / "srl_models.yaml"


def shown_path(path: Path) -> str:
    """The path as messages name it: ``config/…`` for a preset of the package, else as given."""
    resolved = path.resolve()
    if resolved.is_relative_to(CONFIG_FOLDER):
        return str(Path("config") / resolved.relative_to(CONFIG_FOLDER))
    return str(path)
