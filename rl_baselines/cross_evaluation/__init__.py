"""Any policies on any tasks: what a task is, the matrix of what each policy earns in each, and its tables.

Training, the continual command and the figures import it, and ``rl_baselines.cross_eval``.
"""
