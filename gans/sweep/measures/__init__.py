"""Numbers of a trained run that `--mode=sweep` puts into its table: a module each, `measure(folder: Path) -> float`.

A measure that says nothing about a run (its networks have no noise, too few checkpoints are kept) returns NaN. `BETTER`
is 'lower', 'higher' or '', and `DIGITS` how many digits behind the point are worth showing.
"""
