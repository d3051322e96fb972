"""What ``rl_baselines.benchmark`` measures, and how."""
