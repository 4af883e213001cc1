"""`python -m scp_node.cli` is the same as `hilum`."""

from scp_node.cli import main

main()
