"""The kinds of figures: every module here has `draw(place, **options) -> Drawn`, see `gans.reproduce.types`."""
