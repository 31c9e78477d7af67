"""What tests ask of the processes that they start."""


def wait_for(process, word):
    """Reads the process's lines until one has the word."""
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(process.stderr.read())
