"""What is free for a run, and the warning before a step that will hardly fit."""

import jax
import numpy as np
import psutil
import pytest
from command_line import config, main
from generators import generator_game

from gans.core.state import init
from gans.run import memory
from gans.run.parallel import lay_out


@pytest.mark.parametrize('kind', ['jit', 'pmap'])
def test_asking_what_a_step_needs_compiles_it_once(kind):
    game, images = generator_game()
    layout, compiled = lay_out(kind, game, len(images[0]), 1), []
    key, state = jax.random.key(0), layout.place(jax.jit(lambda key: init(game, key, images[0, :1]))(jax.random.key(1)))
    fed = layout.feed(images)
    layout.fetch(state)  # what it compiles is no part of this
    needed = layout.needs(key, state, fed, number=0)

    def listen(name, *_, **__):
        compiled.append(name)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        layout.step(key, state, fed, number=0)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert needed > images[0].size  # activations of the batch
    # One more under `pmap`: what takes the numbers of the first device.
    assert len([name for name in compiled if 'backend_compile' in name]) == (kind == 'pmap')


def test_a_step_that_will_hardly_fit_is_warned_of_and_tried(tmp_path, monkeypatch):
    monkeypatch.setattr('gans.training.loop.free_memory', lambda: 1000)
    ended = main(config('dcgan:tiny'), '--config.devices=1', f'--workdir={tmp_path}')
    assert ended.code == 0, ended.err
    told = [line for line in (tmp_path / 'log.txt').read_text().splitlines() if 'GiB of memory' in line]
    assert len(told) == 1 and 'lower --config.batch or --config.size' in told[0]


def write(folder, **files):
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace('__', '.')).write_text(text)


def test_the_limits_of_all_control_groups_around_the_process_count(tmp_path):
    write(tmp_path / 'proc/self', cgroup='0::/outer/inner\n')
    place = tmp_path / 'sys/fs/cgroup/outer'
    write(place, memory__max='1000\n', memory__current='900\n', memory__stat='anon 5\ninactive_file 50\n')
    write(place / 'inner', memory__max='max\n', memory__current='400\n', memory__stat='inactive_file 0\n')
    assert list(memory._left_by_groups(tmp_path)) == [150]
    (tmp_path / 'proc/self/cgroup').write_text('9:cpuset:/\n4:cpu,memory:/there\n0::/\n')  # version 1
    files = dict(memory__limit_in_bytes='70', memory__usage_in_bytes='60', memory__stat='total_inactive_file 1\n')
    write(tmp_path / 'sys/fs/cgroup/memory', **files)
    assert list(memory._left_by_groups(tmp_path)) == [11]
    assert list(memory._left_by_groups(tmp_path / 'nowhere')) == []


def test_what_is_free_is_the_least_of_what_machine_and_groups_have(monkeypatch):
    monkeypatch.setattr(memory, '_left_by_groups', lambda: [5000, -3])
    assert memory.free_memory() == 0
    monkeypatch.setattr(memory, '_left_by_groups', lambda: [2**62])
    assert 0 < memory.free_memory() <= psutil.virtual_memory().total
    assert isinstance(memory.free_memory(), int | np.integer)
