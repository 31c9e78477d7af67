"""The files of numbers in a run's folder, and TensorBoard's."""

import json

import numpy as np
import pytest
from tensorboardX.proto import event_pb2
from tensorboardX.record_writer import masked_crc32c

from gans.errors import UserError
from gans.training import metrics_files, tensorboard


def write(path, steps):
    path.write_text(''.join(json.dumps({'step': step, 'loss': 1 / step}) + '\n' for step in steps))


def lines(path):
    return [json.loads(line)['step'] for line in path.read_text().splitlines()]


def test_what_came_after_a_step_is_cut_off(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    write(path, (10, 20, 30, 40))
    before = path.read_bytes()
    metrics_files.cut_after(path, 20)
    assert lines(path) == [10, 20] and before.startswith(path.read_bytes())
    metrics_files.cut_after(tmp_path / 'none.jsonl', 20)
    assert [found.name for found in tmp_path.iterdir()] == ['metrics.jsonl']


def test_metrics_are_read_back_and_none_is_a_sentence(tmp_path):
    write(tmp_path / 'metrics.jsonl', (1, 2))
    assert metrics_files.read_metrics(tmp_path) == [{'step': 1, 'loss': 1.0}, {'step': 2, 'loss': 0.5}]
    (tmp_path / 'metrics.jsonl').write_text('{"step": 1')
    with pytest.raises(UserError, match='has no line yet'):
        metrics_files.read_metrics(tmp_path)
    with pytest.raises(UserError, match='Cannot read'):
        metrics_files.read_metrics(tmp_path / 'nothing')


def test_a_line_cut_off_by_a_kill_is_dropped(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    for end in ('{"ste', '{"step": 3}'):  # the second would run into the next line
        path.write_text('{"step": 1}\n{"step": 2}\n' + end)
        metrics_files.cut_after(path, 99)
        assert lines(path) == [1, 2]


def test_events_can_be_read_back(tmp_path):
    events = tensorboard.Events(tmp_path, 0)
    events.numbers(7, {'gen/loss': 0.25})
    events.image(7, 'held_out', np.zeros((4, 4, 3), np.uint8))
    events.close()
    data, found = events.path.read_bytes(), {}
    while data:
        length = int.from_bytes(data[:8], 'little')
        record, data = data[12 : 12 + length], data[16 + length :]
        assert masked_crc32c(record)
        event = event_pb2.Event.FromString(record)
        found |= {value.tag: (event.step, value.simple_value) for value in event.summary.value}
    assert found == {'gen/loss': (7, 0.25), 'held_out': (7, 0.0)}
