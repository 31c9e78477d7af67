"""docs/extending.md to the letter: its files in a copy of the project, its commands as they are printed."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from command_line import ROOT
from PIL import Image
from printed_commands import blocks

TEXT = (ROOT / 'docs' / 'extending.md').read_text()


# Runs the commands that it reads, one after the other in one process, which saves imports; prints (code, text) of each.
DRIVER = """
import contextlib, io, json, sys
import main
ends = []
for words in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main.main(words)
    ends.append((code, said.getvalue()))
print(json.dumps(ends))
"""


@pytest.fixture
def project(tmp_path):
    """A copy with the files of the document; those that are at the end of a file that exists are appended to it."""
    project = tmp_path / 'a copy'
    for name in ('gans', 'configs', 'docs'):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns('__pycache__'))
    shutil.copy(ROOT / 'main.py', project)
    for kind, code in blocks(TEXT):
        if kind == 'python':
            path, end, text = re.match(r'# ([\w/]+\.py)(, at the end)?\n(.*)', code, re.DOTALL).groups()
            assert (project / path).exists() == bool(end), path
            with open(project / path, 'a') as file:
                file.write(text)
    return project


def test_every_example_runs_as_it_is_printed(project):
    text = '\n'.join(code for kind, code in blocks(TEXT) if kind == 'bash').replace('\\\n', ' ')
    lines = [shlex.split(line) for line in text.splitlines() if line.strip()]
    assert len(lines) == 12 and {' '.join(words[:2]) for words in lines} == {'python main.py'}
    child = subprocess.run(
        [sys.executable, '-c', DRIVER],
        input=json.dumps([words[1:] for words in lines]),
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    ends = json.loads(child.stdout.splitlines()[-1])
    assert [code for code, _ in ends] == [0] * len(lines), ends
    runs = {path.name for path in (project / 'runs').iterdir()}
    assert runs == {'hinge', 'plain', 'smooth', 'averaged', 'deblur', 'stripes'}
    for name in runs:
        assert (project / 'runs' / name / 'samples' / 'step_000002.png').exists()
    assert 'gen/total_variation' in (project / 'runs' / 'smooth' / 'metrics.jsonl').read_text()
    before, after = (
        np.asarray(Image.open(path)) for path in (project / 'docs/inpaint.png', project / 'sharp/inpaint.png')
    )
    assert before.shape == after.shape and (before != after).any()
    assert re.search('generator: [1-9][0-9,]* parameters', ends[-2][1])
