"""Signals: held back between making a thing and minding it."""

import signal

import pytest

from srl3.runtime.signals import leave_on_sigterm, signals_held_back


@pytest.mark.parametrize(("number", "leaves"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_takes_effect_at_the_end_of_the_block(number, leaves):
    done = []
    with leave_on_sigterm(), pytest.raises(leaves):  # noqa: PT012 (what the block got done is what is tested)
        with signals_held_back():
            signal.raise_signal(number)
            done.append("made")
        done.append("used")
    assert done == ["made"]


def test_without_a_signal_the_handlers_come_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with signals_held_back():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_second_sigterm_does_not_interrupt_the_clearing_away():
    done = []
    with pytest.raises(SystemExit), leave_on_sigterm():  # noqa: PT012 (what is done in it is what is tested)
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            done.append("cleared")
    assert done == ["cleared"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
