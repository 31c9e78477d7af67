"""The model card of a run: what it is, what it was trained on, its numbers, its limits; for people who get the model.

Source of the idea: Mitchell et al. 2019, "Model Cards for Model Reporting". What nobody wrote down is called not
stated. The card is made of a few kinds of blocks, so that the report shows it too.
"""

import html
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gans.data.files import open_regular, printable
from gans.errors import UserError
from gans.evaluation.stored import Stored, measure_rows, read_evaluation
from gans.run.facts import Facts, data_in_words, parameter_count, parameters, read_facts, task_in_words, terms_of_data
from gans.types import PairedEvaluation

_LONGEST_LOG = 2**40  # bytes of log.txt
_MOST_LOG = 2**20  # bytes of it that are read
_MOST_WARNINGS = 5


class Text(NamedTuple):
    """A paragraph."""

    text: str


class Items(NamedTuple):
    """A list."""

    items: Sequence[str]


class Table(NamedTuple):
    """A table: the names of the columns, and rows of as many texts."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Code(NamedTuple):
    """A command for a shell."""

    text: str


class Part(NamedTuple):
    """A part of the card with its heading."""

    title: str
    blocks: Sequence[Text | Items | Table | Code]


def model_card(folder: Path, step: int | None = None) -> str:
    """The model card of a run.

    Args:
      folder: the run's folder.
      step: of which checkpoint; None for the newest.

    Returns:
      Markdown. Whatever names and files of the run hold is shown as text.

    Raises:
      UserError: it is no run, or there is no checkpoint of `step`.
    """
    facts = read_facts(folder, step)
    stored, _ = read_evaluation(facts.folder)
    lines = [f'# Model card: {_escaped(printable(facts.folder.resolve().name))}', '']
    for part in card(facts, stored):
        lines += [f'## {part.title}', '']
        for block in part.blocks:
            lines += [*_MARKDOWN[type(block)](block), '']
    return '\n'.join(lines).rstrip() + '\n'


def card(facts: Facts, stored: Stored | None) -> list[Part]:
    """The parts of the card, of a run's facts and its evaluation."""
    return [
        Part('Model', [Text(what(facts)), Items(_model(facts))]),
        Part('Training data', [Items(_data(facts))]),
        Part('Numbers', _numbers(facts, stored)),
        Part('Limits', [Items(_limits(facts, stored))]),
        Part('Versions', _versions(facts, stored)),
        Part('Command', _command(facts)),
    ]


def what(facts: Facts) -> str:
    """One sentence on what the model is and what it was trained on."""
    config = facts.config
    height, width = facts.size
    steps = 'no checkpoint so far' if facts.step is None else f'{facts.step:,} of {config.steps:,} steps'
    return (
        f'{task_in_words(config)}. A GAN of the experiment {printable(config.name)}, trained on '
        f'{data_in_words(facts)} at {height} x {width} pixels, {config.batch} images per step: {steps}.'
    )


def _model(facts):
    config = facts.config
    names = {name: config.get(name, {}).get('name') or config.networks for name in ('generator', 'discriminator')}
    items = [
        f'Networks: {" and ".join(dict.fromkeys(map(str, names.values())))}, objective {config.objective.name}',
        f'Seed {config.seed}, computed in {config.dtype}',
    ]
    for name, player in (('discriminator', 'disc'), ('generator', 'gen')):
        if arrays := parameters(facts, player):
            items.insert(1, f'Parameters of the {name}: {parameter_count(arrays):,}')
    if config.ema:
        items.append(f"The generator's weights are averaged over the steps (decay {config.ema})")
    if half_life := config.get('ema_half_life'):
        items.append(f"The generator's weights are averaged over the steps (half-life {half_life:g} images)")
    if names := config.get('augment'):
        items.append(f'What the discriminator saw was augmented: {", ".join(map(str, names))}')
    return [printable(item) for item in items]


def _data(facts):
    counts = f'{facts.train_images:,} images trained on' if facts.train_images else ''
    if facts.sitting.held_out_images:
        counts += f', {facts.sitting.held_out_images:,} held out'
    return [
        f'Images: {data_in_words(facts)}',
        *([counts] if counts else []),
        f'Licence or terms: {terms_of_data(facts.config)}',
    ]


def _numbers(facts, stored):
    if stored is None:
        return [Text('This run was not evaluated.'), Code(evaluate_command(facts.folder))]
    said = f'Measured at step {stored.step:,} with {stored.images:,} held-out images'
    said += f' and the features {stored.features}.' if stored.features else '.'
    if facts.step is not None and stored.step != facts.step:
        said += f' The model is of step {facts.step:,}: these numbers are not its own.'
    if isinstance(facts.task.evaluation, PairedEvaluation):
        said += ' Beside the output stand baselines, which need no network.'
    else:
        said += ' Beside the samples stand real images in their place: what a perfect generator would get.'
    said += ' In brackets: 95 % bootstrap interval of means over images; of distances between sets the lowest and the '
    said += 'highest of some sets.'
    return [Text(said), Table(*measure_rows(stored)), *([Items(stored.notes)] if stored.notes else [])]


def _limits(facts, stored):
    height, width = facts.size
    task, config = facts.task, facts.config
    items = [f'The network knows nothing finer than {height} x {width} pixels, at which it was trained.']
    if task.from_noise:
        items.append('Images are invented. They may resemble training images.')
    else:
        items.append('What the input does not show is invented, not recovered: outputs are no evidence of anything.')
    items += [
        'It was trained on one kind of images. On others its outputs are likely to be worse; that was not measured.',
        'One training with one seed: another one gives other images and other numbers.',
        'Whether it treats groups of people or things differently was not examined.',
    ]
    if facts.step is not None and facts.step < config.steps:
        items.append(f'Training is not finished: {facts.step:,} of {config.steps:,} steps are done.')
    if stored is None:
        items.append('Nothing was measured.')
    return items + [f'Warning in training: {line}' for line in (warnings_of(facts.folder) or [])[:_MOST_WARNINGS]]


def warnings_of(folder: Path) -> list[str] | None:
    """The lines of a run's log.txt, of a very long one the newest; without control characters.

    [] where there is no such file, None where it cannot be read.
    """
    try:
        with open_regular(folder / 'log.txt', _LONGEST_LOG) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _MOST_LOG))
            text = file.read(_MOST_LOG).decode('utf-8', 'replace')
    except FileNotFoundError:
        return []
    except (OSError, UserError):
        return None
    return [printable(line.strip()) for line in text.splitlines() if line.strip()]


def _versions(facts, stored):
    found = dict(facts.sitting.versions) or (dict(stored.versions) if stored else {})
    items = [f'{name} {number}' for name, number in found.items() if number]
    if not items:
        return [Text('Not stated.')]
    return [Text(f'{"Trained" if facts.sitting.versions else "Measured"} with {", ".join(items)}.')]


def _command(facts):
    if facts.command:
        return [Code(facts.command)]
    return [Text('Not stated: the config of the checkpoint has all values.')]


def evaluate_command(folder: Path) -> str:
    """What evaluates a run, for a shell."""
    return printable(shlex.join(['python', 'main.py', '--mode=evaluate', f'--workdir={folder}']))


def _escaped(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    return re.sub(r'([\\`*_{}\[\]<>#|~$])', r'\\\1', html.escape(' '.join(text.split()), quote=False))


def _table(block):
    lines = [[*block.columns], ['---'] * len(block.columns), *block.rows]
    return [f'| {" | ".join(cell if i == 1 else _escaped(cell) for cell in line)} |' for i, line in enumerate(lines)]


_MARKDOWN = {
    Text: lambda block: [_escaped(block.text)],
    Items: lambda block: [f'- {_escaped(item)}' for item in block.items],
    Table: _table,
    Code: lambda block: ['```bash', ' '.join(block.text.split()).replace('```', "'''"), '```'],
}
