"""Folders of labelled films as they are published, with drawn pictures in them."""
