"""What viewers let people do, one step at a time: speeds, checkpoints, commands. For the player's thread.

Functions say what they did, or why they did nothing, in a line for people.
"""

from rl_baselines.play.core.pace import FULL
from rl_baselines.play.core.player import Player
from rl_baselines.play.policies.state_file import AUTO

SPEEDS = {"0.1×": 0.1, "0.25×": 0.25, "0.5×": 0.5, "1×": 1.0, "2×": 2.0, "4×": 4.0, "max": FULL}
"""that can be chosen, of the world's time"""
PUSH_SPEED = 1.5
"""m/s that a push adds"""
FINEST_STEPS = 10
"""of a command's finest steps that it is moved by at once"""


def set_speed(player: Player, speed: float) -> None:
    """Step at this speed from here on."""
    player.pace.speed = speed
    player.pace.pause()


def speed_name(speed: float) -> str:
    """``2×``, or ``max``."""
    return next((name for name, value in SPEEDS.items() if value == speed), f"{speed:g}×")


def change_speed(player: Player, by: int) -> str:
    """The next speed of `SPEEDS` above (``by`` 1) or below (-1)."""
    now = player.pace.speed
    others = [value for value in SPEEDS.values() if (value > now if by > 0 else value < now)]
    if others:
        set_speed(player, min(others) if by > 0 else max(others))
    return f"speed {speed_name(player.pace.speed)}"


def single_step(player: Player) -> str:
    """Pause, and make one step."""
    player.paused = True
    player.step()
    return ""


def change_checkpoint(player: Player, number: int, by: int) -> str:
    """Let a slot show the next newer (``by`` 1) or older (-1) checkpoint than the one that it shows, or waits for."""
    slot = player.slots[number]
    found = slot.source.checkpoints()
    if not found:
        return f"{slot.source.name} has no checkpoints to choose from"
    now = slot.shown if slot.mode == AUTO or slot.chosen is None else slot.chosen
    place = found.index(now) if now in found else 0
    if not 0 <= place - by < len(found):
        return f"{found[place].name} is the {'newest' if by > 0 else 'oldest'} checkpoint"
    player.controller.show(number, found[place - by])
    return slot.problem or f"{found[place - by].name} is chosen"


def follow_newest(player: Player, number: int) -> str:
    """Auto."""
    if player.slots[number].source.agent:
        return f"{player.slots[number].source.name} has no checkpoints to choose from"
    player.controller.follow(number)
    return player.slots[number].problem or "the newest checkpoint is followed"


def stay_with_shown(player: Player, number: int) -> str:
    """Manual: the checkpoint that acts stays, whatever the training writes."""
    slot = player.slots[number]
    if slot.source.agent or slot.shown is None:
        return f"{slot.source.name} has no checkpoint that could stay"
    player.controller.show(number, slot.shown)
    return slot.problem or f"{slot.shown.name} stays"


def push(player: Player, x: float, y: float) -> None:
    """Push all robots by `PUSH_SPEED` along ``x`` and ``y``."""
    player.stage.push((PUSH_SPEED * x, PUSH_SPEED * y, 0.0))


def change_command(player: Player, term: int, by: int, row: int) -> str:
    """Move one of the commands of `Stage.command_terms`, up (``by`` 1) or down (-1), for all robots.

    Args:
        player: steered.
        term: its place.
        by: how many times `FINEST_STEPS`.
        row: the robot whose present commands the others keep.
    """
    terms, values = player.stage.command_terms(), player.stage.command(row)
    chosen = terms[term]
    values[term] = min(max(values[term] + by * FINEST_STEPS * chosen.finest, chosen.low), chosen.high)
    player.stage.set_command(values)
    return f"{chosen.name} {values[term]:.4g} {chosen.unit}".rstrip()
