"""The one place where the names in a config become objects."""

import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from gans.config.registry import arguments_of, choose, find_module, section_of
from gans.config.shapes import shape_of
from gans.core import averages, schedules
from gans.errors import UserError, closest, placed
from gans.image import augment, ops
from gans.losses import terms
from gans.types import Game, Pair, Task, Term

_BLOCK = 2**14  # steps whose stages are computed together
_DTYPES = {'float32': jnp.float32, 'bfloat16': jnp.bfloat16}


def build(config: ConfigDict, images: int) -> Game:
    """Makes the game that a config describes.

    Args:
      config: an experiment config.
      images: the number of training images: schedules may count epochs, and nothing else follows from it.

    Raises:
      UserError: a name, an argument or a value that does not exist, by its place in the config.
    """
    task = make_task(config.task)
    dtype = choose(_DTYPES, config.dtype, 'config.dtype')
    given = {'dtype': dtype, 'shape': shape_of(config), 'distribution': task.latents.distribution}
    gen = _make_network('Generator', config, given)
    disc = _make_network('Discriminator', config, given)
    objective = _make_objective(config.objective)
    _check_pairs(task, objective)
    _check_masks(task, objective, config)
    clock = schedules.clock_of(config, images // task.parts)
    augmented = _make_augment(config.get('augment', ()), task)
    needs = {name for part in (gen, disc) for name in getattr(part, 'needs', ())}
    needs |= {'learning_rate_gen', 'learning_rate_disc', 'blur', *(('augment',) if augmented else ())}
    _check_names(objective, needs, config.objective)
    needs |= set(objective.needs)
    left_out = {name: value for name, value in schedules.UNLESS_GIVEN.items() if name in needs}
    scheduled = schedules.make(left_out | config.schedules.to_dict(), clock)
    for name in sorted(needs):
        if name not in scheduled:
            raise UserError(f'config.schedules.{name} is missing: this experiment reads it.')
    for name in scheduled:
        if name not in needs:
            raise UserError(f'config.schedules.{name} is read by nothing in this experiment.')
    if 'growth' in needs:
        _check_no_blur(config.schedules.blur)
    return Game(
        gen=gen,
        disc=disc,
        task=task,
        objective=objective,
        tx=Pair(*(_make_optimizer(config.optimizer[name], f'config.optimizer.{name}') for name in Pair._fields)),
        schedules=scheduled,
        turns=Pair(config.turns.gen, config.turns.disc),
        view=lambda images, hyper: ops.gaussian_blur(images, hyper['blur']),
        augment=augmented,
        average=_make_average(config),
        history=Pair(*(averages.running_mean() if asked else averages.none() for asked in objective.historical)),
        target=getattr(gen, 'target', lambda images, hyper: images),
        stage=_make_stage(scheduled['growth']) if 'growth' in needs else lambda step: None,
        batch_shape=_batch_shape(config, task),
    )


def make_task(section: ConfigDict) -> Task:
    """Makes the task that `config.task` describes: `make` of the module that its name chooses.

    Raises:
      UserError: a name or an argument that does not exist.
    """
    make = find_module('tasks', section.name, 'config.task.name', 'make').make
    return _call(make, section, 'config.task')


def _batch_shape(config, task):
    """The shape of the images that a step is fed with."""
    parts = (task.parts,) if task.parts > 1 else ()
    return (schedules.batches_per_step(config), config.batch, *parts, *shape_of(config), 3)


def _make_network(player, config, given):
    """A player's network: of the module that its section names or, without a name, of `config.networks`.

    Its fields are those that the section names and those that follow from the rest of the config.

    Args:
      player: 'Generator' or 'Discriminator', the class in that module.
      config: the config.
      given: the fields that follow.
    """
    where = f'config.{player.lower()}'
    section = config[player.lower()]
    own = section.get('name') if isinstance(section, ConfigDict) else None
    name, place = (own, f'{where}.name') if own else (config.networks, 'config.networks')
    kind = getattr(find_module('networks', name, place, player), player)
    follow = {name: value for name, value in given.items() if name in kind.__dataclass_fields__}
    return kind(**arguments_of(kind, section, where, given=tuple(given)), **follow)


def _make_augment(names, task):
    """(key, probability, image) -> image, for `config.augment`; None where it names nothing."""
    vary = augment.compose(names)
    if 'colour' in names and not task.from_noise:
        others = ' and '.join(name for name in augment.AUGMENTATIONS if name != 'colour')
        raise UserError(
            "config.augment has 'colour', which is for generators from noise alone: here an image is given, and what "
            f'is made of it must have the colours that belong to it. Leave it out; {others} are for every task.'
        )
    return vary if names else None


def _make_average(config):
    half_life, ramp = (config.get(name, 0.0) for name in ('ema_half_life', 'ema_ramp'))
    return averages.make(config.ema, half_life, ramp, config.batch)


def _make_stage(growth):
    """The stage of networks that grow: the highest level that `growth` has begun with, looked up by the step."""

    @functools.cache
    def block(number):  # not all at once: training may have 10^8 steps
        return np.ceil(jax.vmap(growth)(number * _BLOCK + jnp.arange(_BLOCK))).astype(int)

    return lambda step: int(block(step // _BLOCK)[step % _BLOCK])


def _check_pairs(task, objective):
    if task.from_noise and objective.paired:
        raise UserError(
            f'config.objective has the term {objective.paired!r}, which compares an image with what is made of it, '
            'but config.task makes images from noise alone: leave the term out, or train a task with an image in.'
        )
    if task.parts > 1 and objective.paired:
        raise UserError(
            f'config.objective has the term {objective.paired!r}, which compares an image with what is made of it, '
            'but config.task.unpaired=True takes them from different images: leave out one of the two.'
        )


def _check_no_blur(schedule):
    """Raises UserError if there is a blur with networks that grow.

    Its radius is in pixels. Training would blur a stage's small image, and whatever shows the discriminator's view the
    same image in full size, where that radius is another part of it and every pixel a square.
    """
    values = schedule['value'] if isinstance(schedule, Mapping | ConfigDict) else [schedule]
    if max(values) > 0:
        raise UserError(
            f'config.schedules.blur has {max(values)}, but the networks grow, from small images to large ones: give 0, '
            'or networks that do not grow.'
        )


def _check_masks(task, objective, config):
    """Raises UserError if a loss looks at where the task hid the image, and it hides nothing."""
    terms = [name for own in objective.terms for name, term in own.items() if term.masked]
    if not terms and not objective.masked:
        return
    image = jax.ShapeDtypeStruct((*shape_of(config), 3), jnp.float32)
    if jax.eval_shape(task.draw, jax.random.key(0), image).mask is None:
        what = f'weights for hole and rest in the term {terms[0]!r}' if terms else 'fake_in_hole=True'
        raise UserError(
            f'config.objective has {what}, but the task {config.task.name!r} hides no part of an image: leave it out.'
        )


def _check_names(objective, scheduled, section):
    """Raises UserError for a term with the name of another schedule or metric: one of the two would be lost."""
    module = find_module('objectives', section.name, 'config.objective.name', 'make')
    taken = {'loss', *schedules.UNLESS_GIVEN, *scheduled, *getattr(module, 'METRICS', ())}
    for where, terms_of_player in zip(('terms', 'disc_terms'), objective.terms, strict=True):
        for name in terms_of_player:
            if name in taken:
                raise UserError(
                    f'config.objective.{where} has a term called {name!r}, as a schedule or a metric of this '
                    'experiment is called already: give it another name, for example with '
                    f"{where}=dict(my_{name}=dict(name='my_package.{name}'))."
                )


def _make_objective(section):
    module = find_module('objectives', section.name, 'config.objective.name', 'make')
    arguments = arguments_of(module.make, section, 'config.objective')
    for player in ('terms', 'disc_terms'):
        if player in arguments:
            arguments[player] = _make_terms(arguments[player], f'config.objective.{player}')
    return module.make(**arguments)


def _make_terms(section, where):
    """Terms by name; `section` has their arguments by name, or the names alone where none takes any.

    A term elsewhere is a module with `make`, by its dotted path. It has the last part of that path as its name or,
    where it takes arguments, that of its section, whose entry `name` is the path.
    """
    names = isinstance(section, (list, tuple)) and all(isinstance(name, str) for name in section)
    if not names and not isinstance(section, ConfigDict):
        raise UserError(f"{where} is {section!r}: give a tuple of terms' names, ('l1',) for example, or a section.")
    sections = {section_of(name): {'name': name} for name in section} if names else section
    if len(sections) < len(section):
        raise UserError(f'{where} is {tuple(section)}, in which two terms have one name: leave one out.')
    made = {name: _term(name, sections[name], where) for name in sections}
    return {name: _call(make, sections[name], f'{where}.{name}') for name, make in made.items()}


def _call(make, section, where):
    """What `make` makes of the arguments in a section; its mistakes are told with the section's place."""
    arguments = arguments_of(make, section, where)
    with placed(where):
        return make(**arguments)


def term_makers() -> dict[str, Callable[..., Term]]:
    """The functions of gans/losses/terms.py that make a term, by its name."""
    own = {name: one for name, one in vars(terms).items() if getattr(one, '__module__', '') == terms.__name__}
    return {name: make for name, make in own.items() if not name.startswith('_')}


def _term(name, section, where):
    """The function that makes a term."""
    name = section.get('name', name) if isinstance(section, (dict, ConfigDict)) else name
    if '.' in name:
        return find_module('losses', name, where, 'make').make
    known = term_makers()
    if name not in known:
        raise UserError(f'{where} has {name!r}, which is not in gans/losses/terms.py{closest(name, known)}.')
    return known[name]


def _make_optimizer(section, where):
    """Adam without a learning rate: the step multiplies by the schedule, which counts steps and not updates."""
    arguments = arguments_of(optax.scale_by_adam, section, where)  # of SGD too, so that one flag changes to it
    if section.name == 'adam':
        return optax.scale_by_adam(**arguments)
    if section.name == 'sgd':
        return optax.identity()
    raise UserError(f"{where}.name is {section.name!r}: choose 'adam' or 'sgd'.")
