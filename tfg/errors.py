"""The one error that means "the input is at fault": the command line turns it into a sentence and exit code 2."""


class InputError(ValueError):
    """Bad input. The message is one sentence that says what was received and what to do."""
