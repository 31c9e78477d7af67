"""How fast training goes."""

import json

import pytest
from command_line import main

from gans.training import pace


def test_the_pace_counts_images_waiting_and_time_left(monkeypatch):
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(pace.time, 'perf_counter', lambda: next(clock))
    counted = pace.Pace(batch=16, steps=100, step=20)
    counted.waited(0.5)
    report = counted.report(40)
    assert report['images_per_second'] == pytest.approx(32)
    assert report['seconds_per_1000_images'] == pytest.approx(31.25)
    assert report['data_wait_fraction'] == pytest.approx(0.05)
    assert report['seconds_left'] == pytest.approx(30)


def test_what_compiled_is_told_and_not_expected_again(monkeypatch):
    clock = iter([0.0, 60.0, 70.0, 75.0])
    monkeypatch.setattr(pace.time, 'perf_counter', lambda: next(clock))
    counted = pace.Pace(batch=4, steps=111, step=0)
    counted.compiled(50.0, steps=1)
    first = counted.report(11)  # ten steps in the ten seconds that did not compile
    assert first['images_per_second'] == pytest.approx(44 / 60)
    assert first['compile_seconds'] == 50
    assert first['seconds_left'] == pytest.approx(100)
    told = pace.progress_line(11, 111, {'gen/loss': 1.0, 'disc/loss': 1.0}, first)
    assert told.endswith('left 0:01:40  (50.0 s were compiling)')
    second = counted.report(21)
    assert second['compile_seconds'] == 0
    assert second['seconds_left'] == pytest.approx(90)
    assert pace.progress_line(21, 111, {'gen/loss': 1.0, 'disc/loss': 1.0}, second).endswith('left 0:01:30')
    counted.compiled(4.0, steps=1)
    assert counted.report(22)['seconds_left'] == pytest.approx(89 * 5)  # nothing else is known yet


def test_a_training_tells_in_its_first_line_what_compiling_took_and_in_no_other(tmp_path):
    done = main('--config=configs/dcgan.py:tiny', '--config.devices=1', f'--workdir={tmp_path}/run')
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (tmp_path / 'run' / 'timing.jsonl').read_text().splitlines()]
    assert [row['step'] for row in rows] == [1, 2, 3, 4]
    assert rows[0]['compile_seconds'] > 0 and not any(row['compile_seconds'] for row in rows[1:])
