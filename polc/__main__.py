"""``python -m polc``."""

from polc.cli.main import main

raise SystemExit(main())
