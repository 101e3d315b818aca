"""The commands of `starter.py`."""

import gc

gc.set_threshold(50_000, 20, 50)  # what is loaded stays: looking for garbage in it took a fifth of a command
