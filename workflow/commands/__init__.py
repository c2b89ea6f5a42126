"""The commands of `./reproduce`: one file each."""

import os

CALLED_FROM = os.environ.pop("REPRODUCE_FROM", ".")  # the user's working directory
