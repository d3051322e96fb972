"""What all tests share."""

import signal

# a shell that runs something in the background lets it ignore Ctrl-C, and the commands under test would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
