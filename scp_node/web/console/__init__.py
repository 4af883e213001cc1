"""The console: one module a page. Pages show records of `queries` and call acts of `operations`."""
