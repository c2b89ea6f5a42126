"""The commands of `./reproduce`: one file each."""

import os

STOOD = os.environ.pop("REPRODUCE_FROM", ".")  # the user's working directory
