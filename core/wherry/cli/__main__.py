"""``python -m wherry.cli``: the same as the console script."""

import sys

from wherry.cli import main

sys.exit(main())
