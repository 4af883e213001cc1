"""What happens to an image, a study and a delivery: ordered lists of steps."""
