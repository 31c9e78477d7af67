"""The records that packages pass to each other: data and what follows from it, no behaviour.

Shapes: N examples, H x W pixels, C channels. Images are float32 in [-1, 1] unless they are called uint8.
"""

from gans.types.game import Average, Game, Objective, Pair, Player, Term, TrainState, Tree, Turn
from gans.types.tasks import (
    Array,
    Inputs,
    Latents,
    Measure,
    OnFiles,
    PairedEvaluation,
    SampleEvaluation,
    Task,
    Watch,
)

__all__ = [
    'Array',
    'Average',
    'Game',
    'Inputs',
    'Latents',
    'Measure',
    'Objective',
    'OnFiles',
    'Pair',
    'PairedEvaluation',
    'Player',
    'SampleEvaluation',
    'Task',
    'Term',
    'TrainState',
    'Tree',
    'Turn',
    'Watch',
]
