"""One HTML file that shows a run, or several side by side."""

from gans.cli.flags import Flag, Verb
from gans.data.files import printable
from gans.printing import say


def _run(flags, config) -> int:
    from gans.report.report import report

    say(printable(str(report(flags['workdir'], flags['output']))))
    return 0


VERB = Verb(
    'one HTML file that shows a run, or several side by side',
    {
        'workdir': Flag('paths', 'the run folder, or several, separated by commas', (), needed=True),
        'output': Flag('file', 'the file; report.html in the folder of a single run by default'),
    },
    _run,
)
