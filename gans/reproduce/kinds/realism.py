"""How real images look to people: not measured here, but how to ask them."""

from gans.reproduce.types import Drawn, Place


def draw(place: Place, count: int) -> Drawn:
    """Says how a study of the runs is made and read.

    Args:
      place: the runs that are judged.
      count: how many images of each are judged.
    """
    runs, output = ','.join(map(str, place.runs)), place.folder.parents[1] / 'study'
    make = ['--mode=study', f'--workdir={runs}', '--protocol=realistic', f'--count={count}', f'--output={output}']
    return Drawn(
        numbers={'rate': 'not measured'},
        commands=[make, ['--mode=study', f'--answers={output}']],
        notes=[
            'Not measured: this needs people. The first command makes a study of these runs as an HTML file, which '
            'anybody can answer in a browser; the second, when their files of answers are beside it, tells the rates '
            'with intervals. How such a study is made, and what its rates mean, is in docs/study.md, beside main.py.',
        ],
    )
