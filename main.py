"""Train, evaluate and use image GANs: `python main.py --config=configs/colorize.py`. See README.md."""

import sys
import traceback

from absl import flags

from gans import commands, startup
from gans.errors import Failure, UserError

FLAGS = flags.FLAGS


def main(arguments: list[str]) -> int:
    """Runs one verb; returns the exit code: 0 done, 2 the user can mend it, others as `Failure` says."""
    debug = '--debug' in arguments
    try:
        startup.prepare()
        commands.define_flags()
        commands.parse(FLAGS, arguments)
        return commands.run(FLAGS)
    except (UserError, Failure) as error:
        if debug:
            traceback.print_exc()
        print(f'{error}', file=sys.stderr)
        return error.code


if __name__ == '__main__':
    sys.exit(main(sys.argv))
