"""Values of dotted keys, as a command line writes them."""

from typing import Any

from srl3.errors import UserError
from srl3.formats.yaml import value_of as yaml_value


def value_of(where: str, written: str) -> Any:
    """``0.5``, ``1e-4``, ``True``, ``a,b`` or ``[1, 2]`` as a value.

    Args:
        where: the key and its value, for the message.
        written: the text.

    Raises:
        UserError: when YAML can't read it.
    """
    text = written.strip().strip("()").strip()
    if "," in text and not text.startswith(("[", "{")):
        text = f"[{text}]"
    try:
        return _numbers(yaml_value(text))
    except ValueError:
        raise UserError(f"the value of {where} can't be read; write a number, a word or a list [a, b].") from None


def _numbers(value: Any) -> Any:
    """1e-4 is a text to YAML."""
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
