"""Arrays to numbers, with no training code."""
