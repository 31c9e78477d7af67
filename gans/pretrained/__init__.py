"""Networks that others trained, as pure functions, and the files that hold their weights."""
