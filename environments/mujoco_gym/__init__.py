"""MuJoCo worlds: N robots of one model, stepped together, whose observations, rewards and terminations are named terms.

A robot is a file in `robots`, a task is a class and a configuration in `tasks`; `backends` steps the physics and
`terms` does what is done to terms (noise, delay, randomisation). Worlds' registry names it; it imports
`environments.batched`.
"""
