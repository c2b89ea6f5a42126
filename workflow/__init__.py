"""The pipeline, from download to article. Importing it cleans the environment of this process."""

import signal
import sys

from workflow.storage import surroundings

surroundings.clean()
if sys.argv[0] == "-m":  # this process is one of our programs
    from workflow.storage import endings

    sys.excepthook = endings.end
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # the launcher blocks it while Python starts
