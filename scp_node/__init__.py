"""The service: receives radiographs, has them analysed, delivers the results."""
