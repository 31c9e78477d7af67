"""Run folders for tests of what is on disk: looked at, hurt, and changed as somebody would who knows the format."""

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

from command_line import Ended, config, main
from PIL import Image


def train(folder: Path, *words: object, config_file: str = 'colorize:tiny') -> Ended:
    """Trains a few steps with a checkpoint every three of them, through main.py."""
    flags = ['--config.devices=1', '--config.log.every=2', '--config.checkpoint.every=3', '--config.log.grids=1']
    return main(config(config_file), *flags, f'--workdir={folder}', *words)


def use(folder: Path) -> Ended:
    """Lets a verb read the run: one image is colorized."""
    image = folder.parent / 'gray.png'
    Image.new('RGB', (40, 30), 'gray').save(image)
    return main('--mode=translate', f'--workdir={folder}', f'--input={image}', f'--output={folder.parent / "out"}')


def refused(ended: Ended, *words: str) -> None:
    """Holds that a command ended with one sentence, these words in it, and exit code 2."""
    assert ended.code == 2, ended
    assert 'Traceback' not in ended.err and ended.err.strip(), ended
    for word in words:
        assert word in ended.err, ended


def contents(folder: Path) -> dict[str, bytes | str]:
    """Everything below a folder: names, bytes (of huge files the size), and the kind of what is no regular file."""
    found = {}
    for path in sorted(folder.rglob('*')):
        state = path.lstat()
        small = stat.S_ISREG(state.st_mode) and state.st_size < 2**30
        found[str(path.relative_to(folder))] = path.read_bytes() if small else f'{state.st_mode:o} {state.st_size}'
    return found


def steps_of(folder: Path) -> list[str]:
    """The names in a run's checkpoints/."""
    return sorted(os.listdir(folder / 'checkpoints'))


def data_of(checkpoint: Path) -> Path:
    """The largest file of a checkpoint: the numbers of its arrays, as Orbax has packed them."""
    return max(checkpoint.glob('state/**/*'), key=lambda path: path.stat().st_size)


def rewrite(checkpoint: Path, change: Callable[[dict], object]) -> None:
    """Changes about.json and gives it a right digest again, as a stranger can who has read the code."""
    path = checkpoint / 'about.json'
    whole = json.loads(path.read_text())
    change(whole)
    whole.pop('digest', None)
    digest = hashlib.blake2b(json.dumps(whole, sort_keys=True).encode(), digest_size=16).hexdigest()
    path.write_text(json.dumps({**whole, 'digest': digest}))


def rewrite_config(checkpoint: Path, change: Callable[[dict], object]) -> None:
    """The same for the config inside; `change` returns what it is to be, or None if it changed it in place."""

    def inside(whole):
        found = json.loads(whole['about']['config'])
        changed = change(found)
        whole['about']['config'] = json.dumps(found if changed is None else changed)

    rewrite(checkpoint, inside)
