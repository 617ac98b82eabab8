"""Command line of the test bed: python3 -m tests.lab COMMAND."""

import sys

if sys.version_info < (3, 11):  # said before anything that an older Python cannot read
    sys.exit("Python 3.11 or newer is needed; name one: make test PYTHON=python3.12")

from . import commands

sys.exit(commands.main(sys.argv[1:]))
