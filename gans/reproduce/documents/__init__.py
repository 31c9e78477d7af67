"""The documents: every module here has a `DOCUMENT`, and `--document` gives its name."""
