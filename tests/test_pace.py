"""How fast training goes."""

import pytest

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
