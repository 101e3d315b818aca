"""What holds for every test."""

import gc

gc.set_threshold(50_000, 20, 50)  # looking for garbage among thousands of tests took a third of their loading
