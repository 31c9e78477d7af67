"""A study of runs: one HTML file for people to answer, and the key that says what was real."""

import hashlib
import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gans.config.shipped import program
from gans.data.files import printable, read_regular
from gans.errors import UserError
from gans.image.files import check_folder, write_whole
from gans.run.folder import repeated
from gans.run.generate import check_seed
from gans.study.images import Pool
from gans.study.key import FILE as KEY
from gans.study.key import FORMAT
from gans.study.trials import KINDS, PAIRS, REALISTIC, Trial, counted, draw
from gans.web.documents import data_uri, document

FILE = 'index.html'
PROTOCOLS = {'both': (REALISTIC, PAIRS), REALISTIC: (REALISTIC,), PAIRS: (PAIRS,)}
_MOST = 128 * 2**20  # bytes of images in the HTML file, which a browser has to hold


class Wishes(NamedTuple):
    """What the flags ask for.

    Attributes:
      protocol: a key of `PROTOCOLS`.
      count: how many images are judged one by one; None for 180, or as many as there are.
      pairs: how many pairs, a sixth of them practice; None for 60, or as many as there are.
      seed: samples, the choice of held-out images and the order follow from it.
      input: where the images of the training are now, if they were moved.
    """

    protocol: str = 'both'
    count: int | None = None
    pairs: int | None = None
    seed: int = 0
    input: str | None = None


def make(workdirs: Sequence[str | Path], output: str | Path, wishes: Wishes) -> str:
    """Writes `index.html` and `key.json` into a folder.

    The same runs and wishes give the same bytes. A folder that has them is left as it is.

    Args:
      workdirs: the folders of the runs.
      output: the folder; made if need be.
      wishes: what is to be shown.

    Returns:
      what to do next, for people.

    Raises:
      UserError: anything that the user can mend; another study in the folder is left as it is.
    """
    folder = _checked(workdirs, output, wishes)
    pools = _open(workdirs, wishes)
    sizes = {REALISTIC: wishes.count, PAIRS: wishes.pairs}
    study = {name: draw(name, pools, sizes[name], wishes.seed) for name in PROTOCOLS[wishes.protocol]}
    total = sum(len(image) for trials in study.values() for trial in trials.values() for image in trial.images)
    if total > _MOST:
        raise UserError(
            f'The images have {total / 2**20:.0f} MiB, and a browser should not be given more than {_MOST // 2**20} in '
            'one file: give smaller --count and --pairs, or one --protocol.'
        )
    key = _key(study, pools, wishes.seed)
    contents = {KEY: f'{json.dumps(key, indent=1)}\n'.encode(), FILE: _page(study, key['study']).encode()}
    _write(folder, contents)
    return _told(folder, study, pools)


def _checked(workdirs, output, wishes):
    if wishes.protocol not in PROTOCOLS:
        raise UserError(f'--protocol={wishes.protocol} is not known: choose {", ".join(PROTOCOLS)}.')
    if wishes.count is not None and wishes.protocol == PAIRS:
        raise UserError(f'--count is for {REALISTIC}, and --protocol={PAIRS} has none: leave it out, or give --pairs.')
    if wishes.pairs is not None and wishes.protocol == REALISTIC:
        raise UserError(f'--pairs is for {PAIRS}, and --protocol={REALISTIC} has none: leave it out, or give --count.')
    check_seed(wishes.seed)
    if (twice := repeated(workdirs)) is not None:
        raise UserError(f"--workdir has '{printable(str(twice))}' twice: give each run once.")
    folder = Path(output).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"'{printable(str(folder))}' is a file: give a folder as --output.")
    # Drawing takes minutes; nothing is made yet, since other mistakes may be found.
    check_folder(next(place for place in (folder, *folder.absolute().parents) if place.is_dir()))
    return folder


def _open(workdirs, wishes) -> list[tuple[str, Pool]]:
    shown_before: Counter = Counter()
    pools = [Pool(workdir, wishes.seed, shown_before, wishes.input) for workdir in workdirs]
    names, found = Counter(), []
    for pool in pools:
        name = printable(pool.run.name)
        names[name] += 1
        found.append((name if names[name] == 1 else f'{name} ({names[name]})', pool))
    return found


def _key(study: Mapping[str, Mapping[str, Trial]], pools, seed) -> dict:
    """The key as JSON has it: no place and no date, so that equal studies have equal keys."""
    runs = {
        name: {
            'experiment': pool.run.config.name,
            'step': pool.run.step,
            'size': list(pool.run.game.size),
            'weights': pool.sampler.digest,
            'held_out': pool.most,
        }
        for name, pool in pools
    }
    protocols = {
        protocol: {name: {'kind': trial.kind, 'run': trial.run, 'right': trial.right} for name, trial in trials.items()}
        for protocol, trials in study.items()
    }
    key = {'format': FORMAT, 'seed': seed, 'runs': runs, 'protocols': protocols}
    digest = hashlib.blake2b(json.dumps(key).encode(), digest_size=8)
    for trials in study.values():
        for trial in trials.values():
            for image in trial.images:
                digest.update(f'{len(image)} '.encode() + image)
    # With a letter first, so that no spreadsheet takes it for a number.
    return {'study': f's{digest.hexdigest()}', **key}


def _page(study, digest) -> str:
    """The HTML file: of what is real it tells for practice pairs alone."""
    protocols = {}
    for protocol, trials in study.items():
        items = [
            {'name': name, 'images': [data_uri(image) for image in trial.images]}
            | ({'right': trial.right} if trial.kind == 'practice' else {})
            for name, trial in trials.items()
        ]
        protocols[protocol] = items
    return document(
        'study',
        ['marks', 'answering', 'order', 'part', 'study'],
        {'title': 'Real or generated?'},
        {'study': digest, 'protocols': protocols},
    )


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Writes the files that are not there; raises UserError, before anything is written, if another one is."""
    shown = printable(str(folder))
    missing = []
    for name, content in contents.items():
        path = folder / name
        try:
            there = read_regular(path, max(2 * len(content), 2**20))
        except FileNotFoundError:
            missing.append(name)
            continue
        except UserError:
            there = None
        if there != content:
            raise UserError(
                f"'{shown}' has another {name}, and answers may belong to it: choose another folder as --output."
            )
    check_folder(folder)
    for name in missing:
        write_whole(folder / name, lambda file, name=name: file.write(contents[name]))


def _told(folder, study, pools) -> str:
    shown = printable(str(folder))
    lines = [f'A study of {", ".join(name for name, _ in pools)}, in {shown}:']
    for protocol, trials in study.items():
        counts = counted(trials)
        lines.append(f'  {protocol}: {", ".join(f"{counts[kind]} {kind}" for kind in KINDS[protocol])}')
    return '\n'.join(
        [
            *lines,
            f'Give {shown}/{FILE} to people: a double click opens it. Keep {KEY}, which says what is real.',
            f'Put the files that they send back, answers-NAME.csv, into {shown}. Then:',
            printable(shlex.join(['python', program(), '--mode=study', f'--answers={folder}'])),
        ]
    )
