"""Configurations of trainings and tasks where DexHand's readers look for them: ``dexhand_env/cfg/{train,task}/*.yaml``.

It imports nothing; the front doors import it.
"""

from pathlib import Path

CFG = Path(__file__).resolve().parent / "cfg"
