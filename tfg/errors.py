"""`InputError`, the error for bad input: the command line prints its message and exits with code 2."""


class InputError(ValueError):
    """The user's input cannot be used. The message is one sentence that says what was received and what to do."""
