"""What a running command does with its process: console and log, signals, threads, seeds, versions.

Every part of SRL3 may import it; it imports nothing of SRL3 but `srl3` itself.
"""
