"""Train, evaluate and use image GANs: `python main.py --config=configs/colorize.py`. See README.md."""

import sys
import traceback

from gans import commands, startup
from gans.errors import Failure, UserError
from gans.printing import say


def main(arguments: list[str]) -> int:
    """Runs one verb; returns the exit code: 0 done, 2 the user can mend it, others as `Failure` says."""
    debug = '--debug' in arguments
    try:
        startup.prepare()
        return commands.run(commands.parse(arguments))
    except (UserError, Failure) as error:
        if debug:
            say(traceback.format_exc(), sys.stderr)
        say(error, sys.stderr)
        return error.code


if __name__ == '__main__':
    sys.exit(main(sys.argv))
