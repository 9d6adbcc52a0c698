"""``python -m mnist_lab``: the laboratory without a browser."""

import sys

from mnist_lab.cli import main

sys.exit(main())
