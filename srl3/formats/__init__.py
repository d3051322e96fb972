"""Readers of files that may be damaged: one for each format, without pickle; every error is one sentence.

Every part of SRL3 may import it; it imports nothing but `srl3.errors`, `srl3.os_errors` and the format's library.
"""
