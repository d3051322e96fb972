"""Tasks of the five-finger hand: base task, grasp, and turning a cube in the hand.

`environments.registry` names them; they import the task base, terms and robots.
"""
