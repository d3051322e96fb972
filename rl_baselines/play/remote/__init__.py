"""A run that is watched on another machine: offered read-only over HTTP, and mirrored into a local folder.

The command `play` imports it; `core` knows a mirror only by what `rl_baselines.play.policies.sources.Link` says.
"""
