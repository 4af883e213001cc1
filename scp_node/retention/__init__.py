"""What is removed when: files whose days are over or that the disk has no room for, and rows of old studies."""
