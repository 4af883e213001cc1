"""The pages of the console, asked for without a browser."""
