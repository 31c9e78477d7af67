"""What stays open between the trainings of one process: the same objects for what is equal, no more than fits."""

import pytest

from gans.core.newest import Newest
from gans.core.overrides import load_with
from gans.run import kept
from gans.run.experiment import open_experiment

TINY = {'devices': '1', 'data.embedded.count': '24', 'size': '16'}


def opened(**fields):
    return open_experiment(load_with('configs/colorize.py:tiny', TINY | fields))


def test_equal_games_and_images_are_the_same_objects_while_they_are_kept():
    with kept.kept_open():
        one, again, other = opened(), opened(), opened(seed='1')
        assert again.source is one.source and again.game is one.game
        assert other.game is one.game, 'nothing of a game follows from the seed'
        assert other.source is not one.source, 'flowers are drawn by the seed'
        assert opened(steps='9').game is not one.game and opened(steps='9').source is one.source
        assert opened(size='32').source is not one.source
        made = [kept.once(one.source, name, list) for name in 'xxy']
        assert made[0] is made[1] and made[0] is not made[2]
        digits = [open_experiment(load_with('configs/mnist.py:tiny', {'seed': seed})) for seed in '01']
        assert digits[0].source is digits[1].source
    assert opened().source is not opened().source and kept.once(one.source, 'x', list) is not made[0]


def test_the_newest_stay_up_to_a_weight():
    newest, made = Newest(10), []

    def get(name, weight):
        newest.get(name, lambda: made.append(name) or [name], lambda unused: weight)

    for name, weight in (('a', 4), ('b', 4), ('a', 4), ('c', 4), ('a', 4), ('b', 4), ('huge', 99), ('a', 4)):
        get(name, weight)
    assert made == ['a', 'b', 'c', 'b', 'huge', 'a']


def test_what_fails_is_not_kept():
    newest = Newest(2)
    with pytest.raises(ZeroDivisionError):
        newest.get('a', lambda: 1 / 0)
    assert newest.get('a', lambda: 'made') == 'made'
