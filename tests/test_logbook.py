"""Run folders and the files in them."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from gans.errors import UserError
from gans.training import logbook


def test_folders_are_numbered_even_when_many_start_at_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: logbook.new_run_folder(tmp_path / 'runs', 'x').name, range(20)))
    assert sorted(made) == [f'{i:05d}-x' for i in range(20)]
    assert logbook.next_run_name(tmp_path / 'runs', 'y').endswith('00020-y')
    assert not (tmp_path / 'runs' / '00020-y').exists()


def test_no_permission_is_a_sentence(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='choose another --workdir'):
        logbook.new_run_folder(tmp_path / 'file', 'x')


def lines(path):
    return [json.loads(line)['step'] for line in path.read_text().splitlines()]


def test_a_resumed_logbook_forgets_what_came_after_the_checkpoint(tmp_path):
    book = logbook.Logbook(tmp_path, 0)
    for step in (10, 20, 30, 40):
        book.metrics(step, {'loss': 1.0 / step})
    book.close()
    logbook.Logbook(tmp_path, 20).close()
    assert lines(tmp_path / 'metrics.jsonl') == [10, 20]


def test_a_line_cut_off_by_a_kill_is_dropped(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    for end in ('{"ste', '{"step": 3}'):  # the second would run into the next line
        path.write_text('{"step": 1}\n{"step": 2}\n' + end)
        logbook.cut_after(path, 99)
        assert lines(path) == [1, 2]


def test_events_can_be_read_back(tmp_path):
    from tensorboardX.proto import event_pb2
    from tensorboardX.record_writer import masked_crc32c

    book = logbook.Logbook(tmp_path, 0)
    book.metrics(7, {'gen/loss': 0.25})
    book.close()
    (path,) = (tmp_path / 'tensorboard').glob('*tfevents*')
    data, found = path.read_bytes(), {}
    while data:
        length = int.from_bytes(data[:8], 'little')
        record, data = data[12 : 12 + length], data[16 + length :]
        assert masked_crc32c(record)
        event = event_pb2.Event.FromString(record)
        found |= {value.tag: (event.step, value.simple_value) for value in event.summary.value}
    assert found == {'gen/loss': (7, 0.25)}


def test_the_pace_counts_images_waiting_and_time_left(monkeypatch):
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(logbook.time, 'perf_counter', lambda: next(clock))
    pace = logbook.Pace(batch=16, steps=100, step=20)
    pace.waited(0.5)
    report = pace.report(40)
    assert report['images_per_second'] == pytest.approx(32)
    assert report['seconds_per_1000_images'] == pytest.approx(31.25)
    assert report['data_wait_fraction'] == pytest.approx(0.05)
    assert report['seconds_left'] == pytest.approx(30)
