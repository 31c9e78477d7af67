"""`--mode=stylize` through main.py, with the discriminator of an untrained run; the files are looked at."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from command_line import main
from odd_files import png_header
from PIL import Image
from saved_run import make_config, save_images, save_run, smooth_images

from gans.features.opening import open_features
from gans.image import compose, ops
from gans.visualization import choices, style
from gans.visualization.choices import Wishes
from gans.visualization.stylize import make_objective, optimise, start_of


@pytest.fixture(scope='module', autouse=True)
def place(tmp_path_factory):
    """The working directory: RUN, whose discriminator sees images alone, PAIRS, content.png, style.png."""
    place = tmp_path_factory.mktemp('stylize')
    images = save_images(place / 'images', smooth_images(10))
    config = make_config('dcgan', images, layers=3)
    config.discriminator.norm = 'pixelwise'  # without running statistics, which would be at random
    save_run(place / 'RUN', config)
    save_run(place / 'PAIRS', make_config('colorize', images))
    Image.fromarray(smooth_images(1, 48, seed=1)[0][:30]).save(place / 'content.png')
    rows, columns = np.mgrid[:40, :26]
    stripes = np.stack([(rows + columns) // 3 % 2 * 255, rows // 2 % 2 * 255, 0 * rows], axis=-1)
    Image.fromarray(stripes.astype(np.uint8)).save(place / 'style.png')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield place


def stylize(output, *words):
    given = {
        '--content': 'content.png',
        '--style': 'style.png',
        '--features': 'discriminator:RUN',
        '--steps': '8',
        '--output': output,
    }
    given |= dict(word.split('=', 1) for word in words if '=' in word)
    switches = [word for word in words if '=' not in word]
    return main('--mode=stylize', *(f'{name}={text}' for name, text in given.items()), *switches)


def pixels(path):
    return np.asarray(Image.open(path))


def test_the_content_gets_the_style_and_its_losses_are_written(place):
    done = stylize('out/one.png', '--steps=45')
    assert done.code == 0 and "'out/one.png': 48 x 30 pixels, 45 steps." in done.out, done
    assert sorted(path.name for path in (place / 'out').iterdir()) == ['one.png', 'one_losses.json']
    record = json.loads((place / 'out/one_losses.json').read_text())
    assert pixels('out/one.png').shape == (30, 48, 3) and record['content']['size'] == [30, 48]
    assert record['style']['size'] == [48, 31]  # its longest side is that of the output
    assert record['weights'] == choices.WEIGHTS and record['done'] == record['steps'] == 45
    assert record['features']['name'] == 'discriminator' and len(record['features']['digest']) == 64
    rows = record['losses']
    assert [row['step'] for row in rows] == [*range(0, 45, 3), 45]
    assert rows[0]['content'] == 0 and rows[-1]['total'] < 0.7 * rows[0]['total']
    for row in rows:
        np.testing.assert_allclose(row['total'], row['content'] + row['style'] + row['variation'], rtol=1e-6)
        parts = [row['style_layers'][name] * weight for name, weight in record['style_weights'].items()]
        np.testing.assert_allclose(row['style'], sum(parts), rtol=1e-5)
    assert list(record['style_weights']) == ['down_0', 'down_1', 'down_2']


def test_the_same_seed_is_the_same_bytes_and_another_one_is_not(place):
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        assert stylize(f'{name}.png', '--start=noise', f'--seed={seed}').code == 0
    a, b, c = ((place / f'{name}.png').read_bytes() for name in 'abc')
    assert a == b != c


def test_sizes_layers_and_weights_are_as_they_are_given(place):
    done = stylize(
        'sized.png',
        '--size=20',
        '--style_size=64',
        '--content_layers=down_1',
        '--style_layers=down_2:3,down_0',
        '--weights=style:2,variation:0.5',
    )
    assert done.code == 0, done
    record = json.loads((place / 'sized_losses.json').read_text())
    assert pixels('sized.png').shape == (12, 20, 3) and record['style']['size'] == [64, 42]
    assert record['weights'] == {'content': 1, 'style': 2, 'variation': 0.5}
    assert list(record['content_weights']) == ['down_1'] and set(record['style_weights']) == {'down_2', 'down_0'}
    assert record['losses'][0]['variation'] > 0


def test_colours_are_kept(place):
    assert stylize('kept.png', '--keep_colours', '--size=48').code == stylize('free.png').code == 0
    kept, free, content = (ops.to_float(pixels(name)) for name in ('kept.png', 'free.png', 'content.png'))
    np.testing.assert_allclose(compose.luma(kept), compose.luma(free), atol=0.02)
    wanted = compose.keep_luma(compose.luma(free), content)
    np.testing.assert_allclose(kept, wanted, atol=0.02)
    assert np.abs(free - wanted).max() > 0.1


def test_the_style_of_the_content_itself_changes_nothing(place):
    assert stylize('same.png', '--style=content.png', '--weights=variation:0').code == 0
    np.testing.assert_array_equal(pixels('same.png'), pixels('content.png'))
    assert json.loads((place / 'same_losses.json').read_text())['losses'][-1]['total'] < 1e-9


def test_any_kind_and_shape_of_image_is_read_upright(place):
    turned = Image.fromarray(smooth_images(1, 40)[0][:24])
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(place / 'turned.jpg', exif=exif)
    Image.new('LA', (3, 90), (40, 128)).save(place / 'narrow.png')
    assert stylize('turned.png', '--content=turned.jpg', '--style=narrow.png', '--steps=2').code == 0
    assert pixels('turned.png').shape == (40, 24, 3)
    thin = choices.read('narrow.png', None)
    assert thin.shape == (90, 3, 3) and np.ptp(thin) == 0  # half of 40, half of the white behind it
    np.testing.assert_allclose(thin[0, 0], (147 - 127.5) / 127.5, atol=0.01)


def test_a_large_image_is_made_smaller_and_one_without_alpha_is_as_it_is(place):
    Image.new('RGB', (900, 600), (10, 200, 30)).save(place / 'large.png')
    large = choices.read(str(place / 'large.png'), None, choices.SIZE)
    assert large.shape == (171, 256, 3)
    np.testing.assert_array_equal(large[50, 50], ops.to_float(np.array([10, 200, 30], np.uint8)))
    np.testing.assert_array_equal(choices.read('content.png', None), ops.to_float(pixels('content.png')))


class Linear:
    """A network of one layer, the image itself, in two sizes."""

    @staticmethod
    def layers(images):
        return {'whole': images, 'half': images[:, ::2, ::2]}


def test_with_the_content_alone_noise_becomes_the_content():
    content = ops.to_float(smooth_images(1, 16)[0])
    weights = {'content': 1.0, 'style': 0.0, 'variation': 0.0}
    objective = make_objective(Linear, content, content, {'whole': 1.0}, {'half': 1.0}, weights)
    assert not objective.grams and not objective.style_weights
    seen = []
    start = start_of(Wishes('', '', '', start='noise', seed=3), content)
    optimise(Linear.layers, objective, start, 200, lambda *given: seen.append(given))
    assert [step for step, _, _ in seen] == list(range(0, 201, 10))
    losses = [losses['total'] for _, _, losses in seen]
    np.testing.assert_allclose(losses[0], np.sum((start[0] - content) ** 2) / np.sum(content**2), rtol=1e-4)
    assert losses[-1] < 1e-4
    np.testing.assert_allclose(seen[-1][1], content, atol=0.02)


def test_with_the_style_alone_noise_gets_its_gram_matrix():
    texture = ops.to_float(smooth_images(1, 12)[0][:7])
    weights = {'content': 0.0, 'style': 1.0, 'variation': 0.0}
    objective = make_objective(Linear, np.zeros((16, 16, 3), np.float32), texture, {}, {'whole': 1.0}, weights)
    seen = []
    start = start_of(Wishes('', '', '', start='noise'), np.zeros((16, 16, 3)))
    optimise(Linear.layers, objective, start, 100, lambda *given: seen.append(given))
    made = {'whole': jnp.asarray(seen[-1][1])[None]}
    np.testing.assert_allclose(style.grams(made)['whole'], objective.grams['whole'], atol=1e-3)
    assert np.abs(seen[-1][1]).max() <= 1


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (['--content_layers=down_9'], "'down_9' (did you mean 'down_2'?): choose from down_0, down_1, down_2"),
        (['--style_layers=down_0,down_0'], "has 'down_0' twice"),
        (['--style_layers=down_0:0'], 'has nothing above 0'),
        (['--style_layers=down_0:x'], 'give a number after the colon'),
        (['--weights=style:nan'], "'style:nan': give a number from 0 to 1000000000"),
        (['--weights=style:1e38'], "'style:1e38': give a number from 0 to"),
        (['--weights=style:-1'], "'style:-1': give a number from 0 to 1000000000"),
        (['--weights=content:0,style:0,variation:0'], 'there would be nothing to do'),
        (['--weights=colour:1'], 'choose from content, style, variation'),
        (['--content=none.png'], "There is no 'none.png': give an image as --content"),
        (['--style=images'], "'images' is a folder: give an image as --style"),
        (['--style=text.png'], "'text.png' is not an image"),
        (['--output=out.jpg'], 'does not end in a name like STYLED.png'),
        (['--output=.png'], "'.png' does not end in a name"),
        (['--output=content.png'], 'would be overwritten'),
        (['--output=folder.png'], "'folder.png' is a folder"),
        (['--output=content.png/x.png'], 'Cannot write'),
        (['--steps=0'], '--steps=0: give 1 or more'),
        (['--seed=-1'], '--seed=-1: give 0 or more'),
        (['--size=4'], '--size=4: give the longest side in pixels'),
        (['--style_size=99999'], '--style_size'),
        (['--start=zero'], 'choose one of content, noise'),
        (['--features=vgg'], "--features is 'vgg'"),
        (['--features=discriminator:PAIRS'], 'judges pairs'),
        (['--content=huge.png'], 'more than 178,956,970 pixels'),
    ],
)
def test_mistakes_are_one_sentence_and_nothing_is_written(place, words, told):
    (place / 'folder.png').mkdir(exist_ok=True)
    (place / 'text.png').write_text('no image')
    (place / 'huge.png').write_bytes(png_header(40_000, 40_000))
    before = sorted(place.iterdir())
    done = stylize('never.png', *words)
    assert done.code == 2 and told in done.err and 'Traceback' not in done.err, done
    assert sorted(place.iterdir()) == before


def test_a_loss_that_is_not_finite_ends_it_and_leaves_what_was_there(place, monkeypatch):
    monkeypatch.setattr(style, 'variation', lambda image: image.sum() * np.inf)
    (place / 'kept_as_it_was.png').write_bytes(b'something')
    done = stylize('kept_as_it_was.png')
    assert done.code == 3 and 'give smaller --weights' in done.err, done
    assert (place / 'kept_as_it_was.png').read_bytes() == b'something'


def test_layers_by_default_are_those_of_the_three_finest_maps():
    maps = {name: (n, n, 4) for name, n in (('a', 8), ('b', 8), ('c', 4), ('d', 2), ('e', 2), ('f', 1))}
    assert choices.default_layers(maps) == ({'e': 1}, dict.fromkeys('abcde', 1))
    assert choices.default_layers({'a': (3, 3, 1)}) == ({'a': 1}, {'a': 1})


def test_lite0_keeps_the_content_in_block_4_by_default():
    maps = choices.maps_of(open_features('lite0'), (100, 75))
    content, styles = choices.default_layers(maps)
    assert list(content) == ['block_4'] and list(styles) == ['stem', *(f'block_{i}' for i in range(5))]
    assert maps['stem'][:2] == (50, 38) and maps['block_4'][:2] == (13, 10)
