"""What looks on during a training: episode log, progress bar, live plots, checkpoints."""
