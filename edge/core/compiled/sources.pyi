"""What sources.pyx offers: nothing to Python; other kernels read pairs and neighbours from it."""
