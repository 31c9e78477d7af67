"""A package of a person, for tests of what is found by a dotted name."""
