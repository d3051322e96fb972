"""``python -m srl3 <name> …``: the same as the console script ``srl3``."""

from srl3.cli import main

if __name__ == "__main__":
    main()
