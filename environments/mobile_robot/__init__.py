"""A mobile robot in a walled arena that drives to a target."""
