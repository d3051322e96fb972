"""The training side: algorithms, commands, run folders."""
