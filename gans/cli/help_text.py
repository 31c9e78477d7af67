"""What the command line prints of itself."""

from collections.abc import Mapping

from gans.cli.flags import COMMON
from gans.cli.verbs import VERBS

NOTHING = """\
Nothing to train: give --config=configs/colorize.py, or --workdir of a run to go on with.

  python main.py --config=configs/colorize.py                   train; the run folder is runs/00000-colorize
  python main.py --config=configs/colorize.py:tiny              the same in a few steps, to see that all works
  python main.py --workdir=runs/00000-colorize                  go on with a run
  python main.py --mode=evaluate --workdir=runs/00000-colorize  measure it
  python main.py --help                                         all verbs; with --mode=VERB the flags of one"""


def describe(verb: str | None = None) -> str:
    """What --help prints: the verbs or, of one verb, the flags."""
    if verb is None:
        return '\n'.join(
            [
                'python main.py --config=CONFIG[:VARIANT] [--config.FIELD=VALUE ...]    train',
                'python main.py --mode=VERB --workdir=RUN [--FLAG=VALUE ...]            use what was trained',
                '',
                *rows({name: chosen.help for name, chosen in VERBS.items()}),
                '',
                'Flags of all verbs:',
                *rows({f'--{name}': flag.help for name, flag in COMMON.items()}),
                '',
                'python main.py --mode=VERB --help    the flags of one verb.',
                'configs/ has the configs; the first lines of each tell its variants. README.md tells the rest.',
            ]
        )
    flags = VERBS[verb].flags
    shown = {f'--{name}{"" if flag.kind == "switch" else "="}': _explain(flag) for name, flag in flags.items()}
    return '\n'.join([f'--mode={verb}: {VERBS[verb].help}.', '', *rows(shown)])


def _explain(flag):
    if flag.needed:
        return f'{flag.help}; needed'
    return flag.help if flag.default in (None, (), False) else f'{flag.help}; {flag.default} by default'


def rows(texts: Mapping[str, str]) -> list[str]:
    """Lines of two columns: {name: what it is}."""
    width = max(map(len, texts)) + 2
    return [f'  {name.ljust(width)}{text}' for name, text in texts.items()]
