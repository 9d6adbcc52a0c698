"""``python -m mnist_lab``: the laboratory without a browser."""

import sys

try:
    from mnist_lab.cli import main

    sys.exit(main())
except KeyboardInterrupt:
    # While it imports, or once more while it stops a training.
    sys.exit("Interrupted.")
