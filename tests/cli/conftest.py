"""What the tests of this folder take."""

import sys

# Grafana's types are for Python 3.11 and later.
collect_ignore = ["test_dashboard_types.py"] if sys.version_info < (3, 11) else []
