"""Train, evaluate and use image GANs: `python main.py --config=configs/colorize.py`. See README.md."""

from gans import signals

if __name__ == '__main__':
    signals.own_process()  # before anything else is imported, so that Ctrl-C is heard from the beginning

import sys  # noqa: E402
import traceback  # noqa: E402

from gans import screen  # noqa: E402
from gans.errors import Failure, UserError, refused  # noqa: E402

_NO_READER = 141  # what a shell says of a program that SIGPIPE has ended


def main(arguments: list[str]) -> int:
    """Runs one verb; returns the exit code.

    0: done. 2: a sentence says what the user can mend. 3: a sentence says what has failed. 129, 130, 143: stopped by
    SIGHUP, SIGINT, SIGTERM. 141: nobody reads the output.
    """
    with signals.stopping() as stop:
        try:
            from gans import commands, startup

            startup.prepare()
            code = commands.run(commands.parse(arguments))
            sys.stdout.flush()
            return stop.finish(code)
        except (UserError, Failure, OSError, signals.Stopped) as error:
            stop.answer()
            if '--debug' in arguments:
                traceback.print_exc()
            if not screen.flush() and isinstance(error, BrokenPipeError):
                return stop.finish(_NO_READER)
            told = refused(error) if isinstance(error, OSError) else error
            print(told, file=sys.stderr)
            return stop.finish(told.code)


if __name__ == '__main__':
    sys.exit(main(sys.argv))
