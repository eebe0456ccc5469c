"""The daily check: orders on the platform against orders received."""
