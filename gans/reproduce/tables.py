"""Tables that several kinds have: measures of runs."""

from collections.abc import Mapping

from gans.evaluation.tables import cell, spread
from gans.reproduce.types import Table

_ARROWS = {'lower': ' (lower is better)', 'higher': ' (higher is better)', '': ''}


def of_measures(rows: Mapping[str, Mapping], measures: Mapping[str, Mapping]) -> Table:
    """Means with their intervals: a line for each row, a column for each measure.

    Args:
      rows: {row: {measure: {'mean', 'low', 'high'}}}, as in evaluation.json and compare.json.
      measures: {measure: {'better', 'digits'}}.
    """
    columns = ['', *(f'{name}{_ARROWS.get(measure["better"], "")}' for name, measure in measures.items())]
    lines = [
        [
            row,
            *(
                f'{cell(own.get(name), measure["digits"])} {spread(own.get(name), measure["digits"])}'.rstrip()
                for name, measure in measures.items()
            ),
        ]
        for row, own in rows.items()
    ]
    return Table(columns, lines)


def means(rows: Mapping[str, Mapping], measures: Mapping[str, Mapping]) -> dict[str, float]:
    """{'ROW: MEASURE': its mean} of all that have one."""
    return {
        f'{row}: {name}': own[name]['mean']
        for row, own in rows.items()
        for name in measures
        if own.get(name) and own[name]['mean'] is not None
    }
