"""The rows of ``benchmark play``: a policy that is watched beside a training.

The catalogue of `rl_baselines.benchmarks` names them; nothing else imports it.
"""
