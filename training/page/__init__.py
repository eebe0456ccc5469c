"""The report as one HTML page: a bundle in, a file to look at out."""
