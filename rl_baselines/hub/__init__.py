"""Models on the Hugging Face hub: what a repository holds, its card, sending it and fetching it.

Only the commands `push_to_hub` and `load_from_hub` import it. The library behind it is the extra ``[hub]``.
"""
