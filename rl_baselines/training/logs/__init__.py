"""What a training logs, as files that a resumed run goes on with; the training imports it."""
