"""Files of text."""

from pathlib import Path

from srl3.formats.damage import damage_is_said


def read_text(path: Path, advice: str) -> str:
    """What a text file (UTF-8) holds.

    Args:
        path: the file.
        advice: what to do when it can't be read, the second half of the sentence.

    Raises:
        DamagedFile: when it is no text.
        UserError: when it is missing or may not be read.
    """
    with damage_is_said(path, advice, (UnicodeDecodeError,)):
        return path.read_text(encoding="utf-8")
