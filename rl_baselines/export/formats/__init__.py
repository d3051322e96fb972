"""The kinds of file that policies are exported to: a registry, and a writer each.

The export alone imports it.
"""
