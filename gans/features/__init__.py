"""Networks whose features compare images: each is a module here, found by its name."""
