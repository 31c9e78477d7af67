"""What is kept for a game: made once for this very object, and for the newest games only."""

import jax
import numpy as np
import pytest

from gans.core import programs
from gans.core.newest import Newest
from gans.core.programs import once
from gans.core.state import first_state, state_shapes


@pytest.fixture(autouse=True)
def nothing_kept():
    programs.forget()
    yield
    programs.forget()


def test_it_is_made_once_for_this_very_game_and_name():
    made = []

    def make(what):
        return lambda: made.append(what) or what

    game, equal = ('a', [1]), ('a', [1])
    assert [once(game, 'x', make(i)) for i in range(3)] == [0, 0, 0]
    assert once(equal, 'x', make('of another')) == 'of another', 'equal, but not the same'
    assert once(game, 'y', make('y')) == 'y' and once(game, 'x', make('again')) == 0
    assert made == [0, 'of another', 'y']
    programs.forget()
    assert once(game, 'x', make('anew')) == 'anew'


def test_what_was_used_longest_ago_goes(monkeypatch):
    monkeypatch.setattr(programs, '_kept', Newest(4))
    games = [[i] for i in range(5)]
    for game in games[:-1]:
        once(game, 'x', lambda game=game: game[0])
    once(games[0], 'x', lambda: 'made anew')  # used: the second is now the oldest
    once(games[-1], 'x', lambda: 'the last')
    assert once(games[0], 'x', lambda: 'made anew') == 0
    assert once(games[1], 'x', lambda: 'made anew') == 'made anew'


def test_the_shapes_and_the_first_state_of_a_game_are_one_trace(tiny, monkeypatch):
    from gans.core import state
    from gans.core.build import build

    traced, init = [], state.init
    monkeypatch.setattr(state, 'init', lambda *given: traced.append(1) or init(*given))
    config = tiny('configs/dcgan.py')
    game = build(config, 64)
    shapes = state_shapes(game, config)
    first = [first_state(game, seed) for seed in (0, 1)]
    assert traced == [1]
    assert state_shapes(game, config) is shapes
    assert jax.tree.map(lambda x: (x.shape, x.dtype), shapes) == jax.tree.map(lambda x: (x.shape, x.dtype), first[0])
    kernels = [np.concatenate([x.ravel() for x in jax.tree.leaves(one.gen.params)]) for one in first]
    assert (kernels[0] != kernels[1]).any()
