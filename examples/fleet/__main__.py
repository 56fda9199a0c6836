"""Start the demonstration; what it does is in demonstration.py."""

import sys

try:
    # It takes half a second to import: Ctrl-C must not answer with a traceback then either.
    from examples.fleet.demonstration import main
except KeyboardInterrupt:
    sys.exit(130)

sys.exit(main())
