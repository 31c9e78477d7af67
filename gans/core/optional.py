"""Fields that a config may lack and a flag may give: those of sources, options with defaults, terms, schedules."""

import contextlib
import inspect
from collections.abc import Mapping

import optax

from gans.config.registry import find_module, kind_of, parameters_of, section_of
from gans.config.texts import parse
from gans.core.build import term_makers
from gans.core.schedules import UNLESS_GIVEN
from gans.data.opening import fields_of
from gans.errors import UserError

# Sections that choose something by name: its package, and what makes it of the other fields.
_TAKERS = {
    'task': ('tasks', 'make'),
    'objective': ('objectives', 'make'),
    'generator': ('networks', 'Generator'),
    'discriminator': ('networks', 'Discriminator'),
}


def add(values: dict, name: str, fields: Mapping[str, str]) -> dict[str, type]:
    """Adds to a config what it may lack of the field that a flag names, with its defaults.

    These are the fields of a source of images (`data.folder.path`), `generator.name` and `discriminator.name`, what the
    task, the objective, the networks and Adam take by default, terms of the losses with their arguments, and
    schedules that may be left out or are the weights of what was added.

    Args:
      values: the config as nested dicts, which is changed.
      name: the dotted name of the flag's field.
      fields: all flags: {dotted name: text}. They may choose anew what takes the field.

    Returns:
      {field: kind of value} of what is None so far; {} where that is known from the config.

    Raises:
      UserError: what the section chooses does not exist.
    """
    section, _, field = name.partition('.')
    if not isinstance(values.get(section), dict):
        return {}
    if section == 'schedules':
        _add_schedule(values, field.partition('.')[0], fields)
        return {}
    if section == 'data':
        return _add_source(values, field, fields)
    if section == 'optimizer':
        _add_number_of_adam(values, field)
        return {}
    return _add_term(values, section, field) | _add_default(values, section, field, fields)


def _add_schedule(values, schedule, fields):
    """One that may be left out, as it then is; the weight of a term or of an option of the objective: 0."""
    found = values['schedules']
    if schedule in found:
        return
    options = _parameters(values, 'objective', fields)
    terms = term_makers().keys() | _terms_of_ones_own(values, fields)
    if schedule in UNLESS_GIVEN:
        found[schedule] = UNLESS_GIVEN[schedule]
    elif schedule in terms or (schedule in options and isinstance(options[schedule].default, bool)):
        found[schedule] = 0.0


def _terms_of_ones_own(values, fields):
    """The names of the terms that a config or its flags have from modules of one's own: {'smooth'} of 'mine.smooth'."""
    found: set[str] = set()
    for whose in ('terms', 'disc_terms'):
        given = values['objective'].get(whose) or ()
        if text := fields.get(f'objective.{whose}'):
            with contextlib.suppress(UserError):  # which is said where that flag's turn has come
                given = parse('', text, tuple)
        found |= {section_of(name) for name in given if isinstance(name, str) and '.' in name}
    return found


def _add_number_of_adam(values, field):
    """A number that Adam takes by default: `gen.eps` of the optimizer."""
    player, _, name = field.partition('.')
    found, parameter = values['optimizer'].get(player), inspect.signature(optax.scale_by_adam).parameters.get(name)
    if isinstance(found, dict) and parameter and isinstance(parameter.default, float):
        found.setdefault(name, parameter.default)


def _add_source(values, field, fields):
    source, _, field = field.partition('.')
    found = values['data']
    if not field or not isinstance(found.get(source, {}), dict):
        return {}
    chosen = fields.get('data.source') or found.get('source', '')
    module = chosen if section_of(chosen) == source else source
    known = fields_of(module, f'The source in config.data.{source}.{field}')
    filled = {name: None if one.default is one.empty else one.default for name, one in known.items()}
    found[source] = filled | found.get(source, {})
    return {name: kind_of(one.annotation) for name, one in known.items()}


def _add_term(values, section, field):
    """The term of which a flag names an argument, for example `objective.terms.chroma.gray`."""
    whose, _, rest = field.partition('.')
    term, _, argument = rest.partition('.')
    makers = term_makers()
    if section != 'objective' or not whose.endswith('terms') or not argument or term not in makers:
        return {}
    found = values[section]
    given = found.get(whose) or ()
    if not isinstance(given, dict):
        found[whose] = given = {section_of(one): {'name': one} if '.' in one else {} for one in given}
    arguments, known = given.setdefault(term, {}), inspect.signature(makers[term]).parameters
    for key in [argument] if argument in known else known:  # none of that name: the message looks for the nearest
        default = known[key].default
        arguments.setdefault(key, None if default is inspect.Parameter.empty else default)
    return {key: kind_of(one.annotation) for key, one in known.items()}


def _add_default(values, section, field, fields):
    """The field, if what its section chooses takes it by default."""
    found = values[section]
    if section in ('generator', 'discriminator') and field == 'name':
        found.setdefault('name', None)
    if field in (*found, 'parent'):
        return {}
    parameter = _parameters(values, section, fields).get(field)
    if parameter is None or parameter.default is parameter.empty:
        return {}
    found[field] = parameter.default
    return {field: tuple if field.endswith('terms') else kind_of(parameter.annotation)}


def _parameters(values, section, fields):
    """What the module that a section chooses takes, by name; {} where it chooses none or one that does not exist."""
    found = values.get(section)
    if section not in _TAKERS or not isinstance(found, dict):
        return {}
    package, wanted = _TAKERS[section]
    chosen = fields.get(f'{section}.name') or found.get('name')
    if package == 'networks':
        chosen = chosen or fields.get('networks') or values.get('networks')
    where = f'config.{section}.name' if found.get('name') or package != 'networks' else 'config.networks'
    if not isinstance(chosen, str):
        return {}  # the check of ranges says so
    return parameters_of(getattr(find_module(package, chosen, where, wanted), wanted))
