"""What some of a request's choices mean for a plan: evaluations, teachers, retrained models, what a policy is shown.

`rl_baselines.training.resolve` imports it.
"""
