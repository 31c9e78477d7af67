"""The commands that a training ends with are for the shell that it was started in, wherever that stands."""

import shlex
from pathlib import Path

from command_line import ROOT

from gans.cli.next_steps import next_steps
from gans.config.load import load
from gans.config.shipped import program
from gans.core.build import build


def test_commands_are_found_from_every_folder(tmp_path, monkeypatch):
    task = build(load('configs/dcgan.py:tiny'), images=8).task
    for folder, name in ((ROOT, 'main.py'), (tmp_path, str(ROOT / 'main.py')), (ROOT / 'docs', str(ROOT / 'main.py'))):
        monkeypatch.chdir(folder)
        assert program() == name
        told = next_steps(Path('runs/my run'), task, None)
        commands = [shlex.split(line) for line in told.splitlines() if line.startswith('  ')]
        assert [words[2] for words in commands] == [
            f'--mode={verb}' for verb in ('evaluate', 'sample', 'explore', 'app')
        ]
        assert all(words[:2] == ['python', name] and Path(words[1]).is_file() for words in commands)
        assert all(words[3] == '--workdir=runs/my run' for words in commands)
