"""Tests of Hilum. Folders of `unit` mirror the rooms of the code; what tests share is in `support`."""
