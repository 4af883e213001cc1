"""Tests of scp_node.checks."""
