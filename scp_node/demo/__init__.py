"""`hilum demo`: one radiograph through a node and an archive on this machine, and what came back."""
