"""The deconvnet: filters turned round, checked against loops of NumPy, closed forms and the networks of all configs."""

from pathlib import Path
from types import SimpleNamespace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from variants import CONFIGS

from gans.core.build import build
from gans.core.state import state_shapes
from gans.nn import conv, rules
from gans.nn.layers import ACTIVATIONS, NORMS, Conv, Dense, Superlayer, activation
from gans.visualization import subject as subjects
from gans.visualization.activations import key_of
from gans.visualization.deconvnet import outputs, project
from gans.visualization.fields import receptive_fields
from gans.visualization.subject import Subject, choose_layers, convolutions, layers_of, of_discriminator

RANDOM = np.random.default_rng(0)


class Images:
    """uint8 images [N, H, W, 3] in memory."""

    where, decoding, notes = 'images of a test', '', ()

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i]

    def key(self, i):
        return self.images[i].tobytes()


def images(count=4, side=16):
    return RANDOM.integers(0, 256, (count, side, side, 3), np.uint8)


def subject_of(network, side=16, params=None, source=None):
    """A network of one argument, shown images in [-1, 1]; its weights are random unless they are given."""
    source = source or Images(images(side=side))

    def see(key, image):
        return (image.astype(jnp.float32) / 127.5 - 1,)

    variables = network.init(jax.random.key(0), jnp.zeros((1, *source[0].shape)))
    if params is not None:
        variables = {'params': params}
    return Subject('network', Path('here'), {}, network, variables, {}, see, source, np.arange(len(source)), 1)


def projected(subject, path, place, channel, image, guided=False):
    unit = jnp.array([0, place, channel])
    run = jax.jit(lambda variables, image: project(subject, [path], variables, (image,), *unit, guided))
    return np.asarray(run(subject.variables, jnp.float32(image))[0])


class Plain(nn.Module):
    """Convolutions of (channels, kernel, stride) with norm and activation; `pool`: max-pooling after the first."""

    layers: tuple
    kind: str = 'relu'
    norm: str = 'none'
    pool: bool = False

    @nn.compact
    def __call__(self, x):
        for i, (channels, kernel, stride) in enumerate(self.layers):
            if self.kind == 'linear':
                x = Conv(channels, kernel, stride, init_std=0.3, name=f'conv_{i}')(x)
            else:
                layer = Superlayer(
                    channels, kernel, stride, norm=self.norm, activation=self.kind, init_std=0.3, name=f'conv_{i}'
                )
                x = layer(x)
            if self.pool and i == 0:
                x = nn.max_pool(x, (2, 2), (2, 2))
        return x


def filter_of(side=5):
    """A ring with a bright middle, of other signs in each colour: [side, side, 3]."""
    y, x = np.mgrid[:side, :side] - side // 2
    ring = np.where(np.hypot(y, x) > 1.5, 1.0, -1.0)
    return np.stack([ring, -ring, ring * (y > 0)], axis=-1).astype(np.float32)


def test_a_hand_made_filter_recovers_its_shape():
    params = {'conv_0': {'conv': {'kernel': filter_of()[..., None], 'bias': np.full(1, 0.7, np.float32)}}}
    subject = subject_of(Plain(((1, 5, 1),)), params=params)
    found = projected(subject, 'conv_0', 7 * 16 + 9, 0, RANDOM.uniform(-1, 1, (16, 16, 3)))
    wanted = np.zeros((16, 16, 3), np.float32)
    wanted[5:10, 7:12] = filter_of()
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def turned_round(kernel, signal, stride, shape):
    """The transposed filter by loops: each number of `signal` [h, w, O] lays down its filter on [*shape, I]."""
    size, before = len(kernel), []
    for side, out in zip(shape, signal.shape, strict=False):
        before.append(max((out - 1) * stride + size - side, 0) // 2)
    found = np.zeros((*shape, kernel.shape[2]))
    for row, column, channel in np.argwhere(signal):
        for y in range(size):
            for x in range(size):
                at = row * stride - before[0] + y, column * stride - before[1] + x
                if all(0 <= a < side for a, side in zip(at, shape, strict=True)):
                    found[at] += signal[row, column, channel] * kernel[y, x, :, channel]
    return found


@pytest.mark.parametrize('kind', ACTIVATIONS)
def test_a_projection_rectifies_and_lays_down_filters(kind):
    """Zeiler and Fergus 2014, section 2.1, in loops: whatever the activation, and whatever it gave on the way up."""
    subject = subject_of(Plain(((6, 3, 2), (4, 3, 1)), kind=kind))
    kernels = [subject.variables['params'][f'conv_{i}']['conv']['kernel'] for i in range(2)]
    signal = np.zeros((8, 8, 4))
    signal[3, 4, 2] = 1
    middle = np.maximum(turned_round(np.asarray(kernels[1]), signal, 1, (8, 8)), 0)
    wanted = turned_round(np.asarray(kernels[0]), middle, 2, (16, 16))
    for image in (np.zeros((16, 16, 3)), RANDOM.uniform(-1, 1, (16, 16, 3))):
        found = projected(subject, 'conv_1', 3 * 8 + 4, 2, image)
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.abs(wanted).max() > 0.1


def test_a_guided_projection_stops_where_the_activation_was_not_positive():
    subject, image = subject_of(Plain(((6, 3, 2), (4, 3, 1)), kind='elu')), RANDOM.uniform(-1, 1, (16, 16, 3))
    below, above = outputs(subject, ['conv_0', 'conv_1'], subject.variables, (jnp.float32(image),))
    kernels = [subject.variables['params'][f'conv_{i}']['conv']['kernel'] for i in range(2)]
    row, column, channel = np.unravel_index(np.argmax(above), above.shape)
    signal = np.zeros((8, 8, 4))
    signal[row, column, channel] = 1
    middle = turned_round(np.asarray(kernels[1]), signal, 1, (8, 8))
    assert (middle[np.asarray(below) <= 0] > 0).any()
    wanted = turned_round(np.asarray(kernels[0]), np.maximum(middle, 0) * (np.asarray(below) > 0), 2, (16, 16))
    found = projected(subject, 'conv_1', row * 8 + column, channel, image, guided=True)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    blocked = np.unravel_index(np.argmin(above), above.shape)
    assert not projected(subject, 'conv_1', blocked[0] * 8 + blocked[1], blocked[2], image, guided=True).any()


def test_without_activations_a_projection_is_the_gradient():
    subject, image = subject_of(Plain(((4, 5, 2), (3, 3, 1)), kind='linear')), RANDOM.uniform(-1, 1, (16, 16, 3))
    wanted = jax.grad(lambda x: outputs(subject, ['conv_1'], subject.variables, (x,))[0][5, 2, 1])(jnp.float32(image))
    np.testing.assert_allclose(projected(subject, 'conv_1', 5 * 8 + 2, 1, image), wanted, atol=1e-6)


@pytest.mark.parametrize('form', sorted(set(conv.FORMS) - {'phases'}))
def test_every_form_of_a_convolution_lays_down_the_same_filters(form, monkeypatch):
    stride = {'fold': 2, 'trilinear': 2}.get(form, 1)
    subject = subject_of(Plain(((3, 5, stride),)))
    monkeypatch.setattr(conv, 'choose', lambda *shapes: form)
    side = 16 // stride
    signal = np.zeros((side, side, 3))
    signal[0, side - 2, 1] = 1
    kernel = np.asarray(subject.variables['params']['conv_0']['conv']['kernel'])
    found = projected(subject, 'conv_0', side - 2, 1, RANDOM.uniform(-1, 1, (16, 16, 3)))
    np.testing.assert_allclose(found, turned_round(kernel, signal, stride, (16, 16)), atol=1e-5)


@pytest.mark.parametrize('norm', ('pixelwise', 'layer', 'batch'))
def test_a_norm_multiplies_by_what_it_found_in_this_image(norm):
    subject, image = subject_of(Plain(((4, 3, 1),), norm=norm)), RANDOM.uniform(-1, 1, (16, 16, 3))
    kernel = np.asarray(subject.variables['params']['conv_0']['conv']['kernel'])
    signal = np.zeros((16, 16, 4))
    signal[6, 6, 3] = 1
    filters = turned_round(kernel, signal, 1, (16, 16))
    made = np.asarray(outputs(subject, ['conv_0/conv'], subject.variables, (jnp.float32(image),))[0])
    scale = {
        'pixelwise': 1 / np.sqrt(np.mean(made[6, 6] ** 2)),
        'layer': 1 / made.std(),
        'batch': 1 / np.sqrt(1 + 1e-5),  # the running variance of a new network
    }[norm]
    np.testing.assert_allclose(
        projected(subject, 'conv_0', 6 * 16 + 6, 3, image), scale * filters, rtol=1e-3, atol=1e-4
    )


def test_max_pooling_puts_the_signal_where_the_maximum_was():
    subject = subject_of(Plain(((2, 1, 1), (1, 1, 1)), pool=True), side=8)
    params = subject.variables['params']
    params['conv_0']['conv']['kernel'] = jnp.float32([[[[1, 0], [0, 1], [0, 0]]]])
    params['conv_1']['conv']['kernel'] = jnp.float32([[[[1], [2]]]])
    image = np.zeros((8, 8, 3), np.float32)
    image[4, 3, 0], image[5, 2, 1], image[0, 0, 0] = 0.5, 0.8, 1.0
    found = projected(subject, 'conv_1', 2 * 4 + 1, 0, image)
    wanted = np.zeros((8, 8, 3))
    wanted[4, 3, 0], wanted[5, 2, 1] = 1, 2  # each colour by its own switch
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def closed_form(layers, unit, side):
    """[from, to) of the pixels along an axis that a unit sees through SAME convolutions (channels, kernel, stride)."""
    sides = [side]
    for _, _, stride in layers:
        sides.append(-(-sides[-1] // stride))
    first = last = unit
    for (_, kernel, stride), extent, out in zip(layers[::-1], sides[-2::-1], sides[:0:-1], strict=True):
        before = max((out - 1) * stride + kernel - extent, 0) // 2
        first, last = max(first * stride - before, 0), min(last * stride - before + kernel - 1, extent - 1)
    return first, last + 1


STACKS = {
    'two': ((2, 3, 1), (2, 5, 2)),
    'strided': ((2, 5, 2), (2, 5, 2)),
    'even': ((2, 4, 2), (2, 3, 1)),
    'three': ((2, 3, 1), (2, 3, 2), (2, 3, 2)),
}


@pytest.mark.parametrize('name', STACKS)
def test_receptive_fields_are_those_of_the_closed_form(name):
    layers = STACKS[name]
    subject = subject_of(Plain(layers, norm='layer', kind='leaky_relu'), side=20)
    chosen = choose_layers(subject, [])
    for depth, found in enumerate(receptive_fields(subject, chosen, 16), 1):
        units = range(chosen[depth - 1].shape[0])
        wanted = [closed_form(layers[:depth], unit, 20) for unit in units]
        np.testing.assert_array_equal(found.rows, wanted)
        np.testing.assert_array_equal(found.columns, wanted)
    assert found.of(1 * len(found.columns) + 2) == (slice(*wanted[1]), slice(*wanted[2]))


def test_a_projection_covers_the_receptive_field_and_no_more():
    subject = subject_of(Plain(((6, 3, 1), (4, 5, 2))))
    (fields,) = receptive_fields(subject, choose_layers(subject, ['conv_1']), 16)
    for place in (0, 3 * 8 + 4, 7 * 8 + 7):
        found = projected(subject, 'conv_1', place, 1, RANDOM.uniform(-1, 1, (16, 16, 3))).any(axis=-1)
        wanted = np.zeros((16, 16), bool)
        wanted[fields.of(place)] = True
        np.testing.assert_array_equal(found, wanted)
    assert fields.size == (7, 7)


def test_max_pooling_is_seen_through_whole():
    subject = subject_of(Plain(((2, 3, 1), (2, 3, 1)), pool=True))
    (fields,) = receptive_fields(subject, choose_layers(subject, ['conv_1']), 16)
    assert fields.of(3 * 8 + 4) == (slice(3, 11), slice(5, 13))  # 3 units of 2 pixels, and one pixel around


def test_nothing_changes_where_no_rule_holds():
    x = jnp.linspace(-2, 2, 9)
    for name in ACTIVATIONS:
        found = jax.grad(lambda x, name=name: activation(name)(x).sum())(x)
        np.testing.assert_allclose(found, jax.grad(lambda x, name=name: getattr(nn, name)(x).sum())(x), atol=0.2)
    with pytest.raises(ZeroDivisionError), rules.using(rules.Rules(activation=lambda function: jnp.cos)):
        assert activation('relu') is jnp.cos
        raise ZeroDivisionError
    assert rules.current() is rules.DEFINED
    assert set(NORMS) == {'pixelwise', 'batch', 'layer', 'none'}  # those that the rules are for


class Block(nn.Module):
    """Two convolutions."""

    @nn.compact
    def __call__(self, x):
        return Conv(3, 3, name='b')(Conv(2, 3, name='a')(x))


class Branches(nn.Module):
    """Two convolutions in one block, one alone in its own, a projection, and one behind it."""

    @nn.compact
    def __call__(self, x):
        x = Block(name='block')(x)
        x = Superlayer(2, 3, name='alone')(x)
        x = Dense(16, name='project')(x.reshape(len(x), -1))
        return Conv(1, 3, name='behind')(x.reshape(-1, 4, 4, 1))


def test_layers_are_named_by_blocks_and_end_at_a_projection():
    found = layers_of(subject_of(Branches()))
    assert [layer.path for layer in found] == [
        'block', 'block/a', 'block/b', 'alone', 'alone/conv', 'project', 'behind',
    ]  # fmt: skip
    assert [layer.path for layer in convolutions(found)] == ['block/a', 'block/b', 'alone']
    assert found[2].shape == (16, 16, 3) and found[5].shape == (16,)


def test_of_many_convolutions_some_are_shown(monkeypatch):
    network = subject_of(Plain(((1, 3, 1),) * 5))
    monkeypatch.setattr(subjects, 'MOST_LAYERS', 3)
    assert [layer.path for layer in choose_layers(network, [])] == ['conv_0', 'conv_2', 'conv_4']
    assert [layer.path for layer in choose_layers(network, ['conv_1', 'conv_3', 'conv_1'])] == ['conv_1', 'conv_3']


CONDITIONAL = ('configs/colorize.py', 'configs/inpaint.py')
DISCRIMINATORS = [
    *(f'configs/{name}.py:tiny' for name in CONFIGS if name != 'inpaint'),
    'configs/mnist.py:tiny wide',
    'configs/inpaint.py:tiny bfloat16',
    'configs/progressive.py:tiny half',
]


def tiny_discriminator(name, tiny):
    """A new discriminator of a config, with images of its size."""
    path, _, other = name.partition(' ')
    config = tiny(path.removesuffix(':tiny'))
    if other == 'wide':
        config.discriminator = dict(name='wide', widths=(4, 4, 6), dilations=(2,), hidden=(5,), channels=1)
        with config.ignore_type():
            config.objective.terms = ()
        config.schedules = {key: x for key, x in config.schedules.items() if key not in ('moments', 'style')}
    config.dtype = other if other == 'bfloat16' else config.dtype
    game = build(config, 64)
    step = {'half': config.steps // 2}.get(other, config.steps)
    shapes = state_shapes(game, config)
    state = jax.tree.map(lambda x: (0.3 * RANDOM.standard_normal(x.shape)).astype(x.dtype), shapes.disc)
    state = shapes.replace(disc=jax.tree.map(jnp.abs, state), step=jnp.int32(step))
    trained = SimpleNamespace(game=game, folder=Path(name), step=step, state=state)
    source = Images(RANDOM.integers(0, 256, (2, *game.size, 3), np.uint8))
    return of_discriminator(trained, SimpleNamespace(source=source, test=np.arange(2), config=config))


@pytest.mark.parametrize('name', DISCRIMINATORS)
def test_every_discriminator_projects_within_its_receptive_fields(name, tiny):
    subject = tiny_discriminator(name, tiny)
    layers = choose_layers(subject, [])
    paths = [layer.path for layer in layers]
    fields = receptive_fields(subject, layers, 16)
    image = subject.source[0]

    @jax.jit
    def run(variables, numbers, places):
        inputs = subject.see(key_of(jnp.zeros(2, jnp.uint32)), image)
        return jax.vmap(lambda *unit: project(subject, paths, variables, inputs, *unit, 1))(numbers, places)

    places = np.array([np.prod(layer.shape[:-1], dtype=int) // 2 for layer in layers])
    found = run(subject.variables, np.arange(len(layers)), places)
    assert len(found) == len(subject.inputs()) == (2 if name.startswith(CONDITIONAL) else 1)
    for i, (layer, seen, place) in enumerate(zip(layers, fields, places, strict=True)):
        inside = np.zeros(found[0].shape[1:3], bool)
        inside[seen.of(place)] = True
        for projection in found:
            assert np.isfinite(projection[i]).all() and not np.asarray(projection[i])[~inside].any(), layer.path
        assert any(np.abs(projection[i]).max() > 0 for projection in found), layer.path
