"""What trained models earn: found below a folder, evaluated in processes of their own, put into a table.

Only ``benchmark_agents`` imports it.
"""
