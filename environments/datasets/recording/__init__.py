"""Playing episodes and recording them: who acts, on what stage, in how many processes.

``environments.dataset_generator`` imports it.
"""
