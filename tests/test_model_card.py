"""The model card of a run: Markdown with what is known, and nothing that was not measured or stated."""

import json

import pytest
from saved_run import make_config, save_images, save_run, smooth_images

from gans.errors import UserError
from gans.model_card import model_card
from gans.run import sittings

EVALUATION = {
    'step': 3,
    'images': 4,
    'measures': {'L1': {'better': 'lower', 'digits': 3}},
    'rows': {
        'gray': {'L1': {'mean': 0.5, 'low': 0.4, 'high': 0.6, 'count': 4}},
        'output': {'L1': {'mean': 0.25, 'low': None, 'high': None, 'count': 4}},
    },
    'ratios': {},
    'montages': [],
    'notes': ['A <b>note</b> | of *others*.'],
    'versions': {'jax': '1.2.3'},
    'backend': 'cpu',
}


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp('card')
    images = save_images(place / 'my_photos', smooth_images(10, 64))
    return save_run(place / 'a_run', make_config('colorize', images))


def parts(text):
    """{heading: text below it}"""
    return {part.partition('\n')[0]: part.partition('\n')[2] for part in text.split('\n## ')[1:]}


def test_a_card_says_what_is_known(run):
    (run / 'evaluation.json').unlink(missing_ok=True)
    text = model_card(run)
    found = parts(text)
    assert text.startswith('# Model card: a\\_run\n')
    assert list(found) == ['Model', 'Training data', 'Numbers', 'Limits', 'Versions', 'Command']
    assert 'Colorizing: a gray image in, the colour image out.' in found['Model']
    assert 'Parameters of the generator: ' in found['Model'] and '3 of 4 steps' in found['Model']
    assert "the images in 'my\\_photos'" in found['Training data'] and '7 images trained on' in found['Training data']
    assert 'Licence or terms: not stated' in found['Training data']
    assert f'--mode=evaluate --workdir={run}' in found['Numbers']
    assert 'Nothing was measured.' in found['Limits'] and '64 x 64' in found['Limits']


def test_numbers_are_those_of_the_evaluation_and_shown_as_text(run):
    (run / 'evaluation.json').write_text(json.dumps(EVALUATION))
    numbers = parts(model_card(run))['Numbers']
    assert '| measure | gray | output |' in numbers
    assert '| L1, lower is better | 0.500 \\[0.400, 0.600\\] | 0.250 |' in numbers
    assert 'A &lt;b&gt;note&lt;/b&gt; \\| of \\*others\\*.' in numbers
    assert '1.2.3' in parts(model_card(run))['Versions']
    (run / 'evaluation.json').write_text(json.dumps(EVALUATION | {'step': 2}))
    assert 'these numbers are not its own' in parts(model_card(run))['Numbers']


@pytest.mark.parametrize('text', ['', '[]', '{"rows": 1}', '{"step": {}, "rows": {}, "measures": {}}'])
def test_a_damaged_evaluation_is_as_none(run, text):
    (run / 'evaluation.json').write_text(text)
    assert 'was not evaluated' in parts(model_card(run))['Numbers']


def test_the_card_of_a_step_that_is_not_there_is_refused(run, tmp_path):
    with pytest.raises(UserError, match='no checkpoint of step 2: it has 3'):
        model_card(run, 2)
    assert '3 of 4 steps' in model_card(run, 3)
    with pytest.raises(UserError, match='is not a run folder'):
        model_card(tmp_path)


def test_the_command_is_that_of_the_newest_sitting(run):
    line = {'begun': '2026-01-01 00:00:00 UTC', 'config': "configs/it's.py:tiny", 'fields': {'size': '(64, 64)'}}
    (run / sittings.FILE).write_text(json.dumps(line) + '\nnot json\n' + json.dumps({'begun': 1, 'config': ['x']}))
    command = parts(model_card(run))['Command']
    assert """python main.py '--config=configs/it'"'"'s.py:tiny' '--config.size=(64, 64)'""" in command
