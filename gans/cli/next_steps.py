"""What a person can do with a run that has just been trained: commands for the shell that it was trained in."""

import shlex
from pathlib import Path

from gans.config.shipped import program
from gans.data.files import printable
from gans.types import Task


def next_steps(folder: Path, task: Task, report: Path | None) -> str:
    """The commands for a run, a line each with what it is for.

    Args:
      folder: the run's, as it was given or made.
      task: what it was trained for.
      report: the report that was written; None if there is none.
    """
    run = f'{folder}'
    uses = []
    if task.evaluation:
        uses.append(('Measure it on its held-out images', ['evaluate', f'--workdir={run}']))
    if task.on_files:
        place = [f'--workdir={run}', '--input=PHOTOS', f'--output={run}-results']
        uses.append((f'Use it on a folder of images{" with masks" * task.on_files.masked}', ['translate', *place]))
    if task.from_noise:
        uses.append(('Draw images', ['sample', f'--workdir={run}', '--count=1000', f'--output={run}-samples']))
        uses.append(('Walk its latent space', ['explore', f'--workdir={run}', f'--output={run}-explored']))
    uses.append(('Use it in a browser', ['app', f'--workdir={run}']))
    said = [] if report is None else [f'Report: {printable(f"{report}")}']
    for what, (verb, *flags) in uses:
        said += [f'{what}:', f'  {printable(shlex.join(["python", program(), f"--mode={verb}", *flags]))}']
    return '\n'.join(said)
