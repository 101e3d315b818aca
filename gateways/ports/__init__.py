"""The outside, as we need it. Adapters satisfy these; only the composition root chooses one."""
