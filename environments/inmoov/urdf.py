"""``python -m environments.inmoov.urdf``: write the URDF files of the humanoid, the plant and the table.

The files are made from the tables of `environments.inmoov.model.body` and `environments.inmoov.scenery`; a test holds
that they are what this command writes.
"""

import argparse

from environments.inmoov.model.models import ASSETS, urdf_files
from srl3.errors import run_command


def main(argv: list[str] | None = None) -> int:
    """Write the files."""
    parser = argparse.ArgumentParser(
        prog="python -m environments.inmoov.urdf", description="Write the URDF files of the InMoov worlds."
    )
    parser.parse_args(argv)
    ASSETS.mkdir(parents=True, exist_ok=True)
    for path, text in urdf_files().items():
        path.write_text(text, encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    run_command(main)
