"""Train, evaluate and use image GANs: `python main.py --config=configs/colorize.py`. See README.md."""

import os
import sys

try:
    from gans import signals
    from gans.run import large_pages

    if __name__ == '__main__':
        large_pages.restart_with_large_pages()
        signals.own_process()  # before anything else is imported, so that Ctrl-C is heard from the beginning
except KeyboardInterrupt:  # in the milliseconds before that
    os.write(2, b'Stopped by SIGINT: there was nothing to save.\n')
    sys.exit(130)

import traceback  # noqa: E402

from gans.errors import Failure, UserError, refused  # noqa: E402
from gans.printing import draw_bar, say  # noqa: E402

_NO_HOME = 'Could not determine home directory.'  # of pathlib's expanduser


def main(arguments: list[str]) -> int:
    """Runs one verb; returns the exit code.

    0: done. 2: a sentence says what the user can mend. 3: a sentence says what has failed. 129, 130, 143: stopped by
    SIGHUP, SIGINT, SIGTERM.
    """
    with signals.stopping() as stop:
        try:
            from gans import startup
            from gans.cli import commands

            command = commands.read(arguments)
            if not command.flags['help']:
                startup.prepare()
                command = commands.with_config(command)
            return stop.finish(commands.run(command))
        except (UserError, Failure, OSError, RuntimeError, ModuleNotFoundError, signals.Stopped) as error:
            if isinstance(error, RuntimeError) and str(error) != _NO_HOME:
                raise
            if isinstance(error, ModuleNotFoundError) and str(error.name).partition('.')[0] == 'gans':
                raise
            stop.answer()
            draw_bar('')  # a signal may have come while it was taken away
            if '--debug' in arguments:
                say(traceback.format_exc(), sys.stderr)
            told = _in_words(error)
            say(told, sys.stderr)
            return stop.finish(told.code)


def _in_words(error):
    if isinstance(error, ModuleNotFoundError):
        return UserError(f'The Python module {error.name} is missing: pip install -r requirements.txt, beside main.py.')
    if isinstance(error, OSError):
        return refused(error)
    if isinstance(error, RuntimeError):
        return UserError('A path begins with ~, and no home folder is known (HOME is not set): write the path out.')
    return error


if __name__ == '__main__':
    signals.end(main(sys.argv))
