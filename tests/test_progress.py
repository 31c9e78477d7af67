"""How far a long work is: what a person sees on a terminal, and what a file or a notebook gets instead."""

import io
import logging
import os
import re
import sys
import threading

import numpy as np
import pytest
from command_line import config, main, run
from processes import heard
from saved_run import fake_run, make_config, save_images, save_run, smooth_images
from terminal import on_terminal, process_on_terminal, terminal

from gans import printing, signals
from gans.inference import translate as translate_module
from gans.printing import draw_bar, say
from gans.progress import progress, show_none


@pytest.fixture
def often(monkeypatch):
    """Every unit of every work is drawn, or told."""
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.delenv('COLUMNS', raising=False)
    for name in ('_DELAY', '_REDRAWN', '_EVERY'):
        monkeypatch.setattr(f'gans.progress.{name}', 0)


def draw(columns=100, encoding='utf-8', work=lambda advance: advance(1)):
    """The screen after a work of three steps."""
    with terminal(columns) as (near, screen), open(near, 'w', encoding=encoding, closefd=False) as err:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, 'stderr', err)
            patch.setattr(sys, 'stdout', err)
            with progress('drawing', 3, 'steps') as advance:
                work(advance)
    return screen


def masked(lines, folder):
    """Lines of training with every number as #, and the run's folder as RUN: those of speed differ from run to run.

    What compiling took is left out: a second training in a process has its programs already.
    """
    plain = [re.sub(r'  \([\d.]+ s were compiling\)$', '', line.replace(str(folder), 'RUN')) for line in lines]
    return [re.sub(r'\d[\d.:e+-]*', '#', line) for line in plain]


def training(folder, *more):
    return [config('dcgan:tiny'), '--config.devices=1', '--config.log.every=1', f'--workdir={folder}', *more]


def test_without_a_terminal_a_line_is_told_every_ten_seconds_and_none_at_the_end(capsys):
    now = [0]
    with progress('drawing', 5, clock=lambda: now[0]) as advance:
        for now[0] in (4, 11, 15, 22, 40):
            advance(1)
    assert capsys.readouterr().err.splitlines() == ['drawing: 2 of 5 images', 'drawing: 4 of 5 images']


def test_a_bar_is_drawn_in_place_and_wiped(often):
    screen = draw()
    assert [row.split('|')[0] for row in screen.bars('drawing')] == ['drawing:   0%', 'drawing:  33%']
    assert screen.lines() == [] and not screen.wrapped


def test_training_on_a_terminal_keeps_its_lines_above_a_bar(often, tmp_path):
    piped = main(*training(tmp_path / 'piped'))
    shown = on_terminal(*training(tmp_path / 'shown'), columns=1000)
    assert (piped.code, piped.err, shown.code) == (0, '', 0)
    lines = masked(shown.screen.lines(), tmp_path / 'shown')
    assert lines == masked(piped.out.splitlines(), tmp_path / 'piped') and not shown.screen.wrapped
    bars = shown.screen.bars('training')
    assert 'compiling' in bars[0] and '0/4 steps' in bars[0]
    assert any(re.search(r'gen/loss \S+  disc/loss \S+, [\d.]+ images/s', bar) for bar in bars), bars
    assert (tmp_path / 'shown' / 'metrics.jsonl').read_bytes() == (tmp_path / 'piped' / 'metrics.jsonl').read_bytes()


def test_only_standard_error_has_the_bar_where_standard_output_is_a_file(often, tmp_path):
    out = io.StringIO()
    with terminal() as (near, screen), open(near, 'w', closefd=False) as err:
        assert run(training(tmp_path / 'run'), out, err) == 0
    lines, _, _ = out.getvalue().partition('Report: ')
    assert re.fullmatch(r'(step \d/4  gen/loss.*\n){4}', lines), lines
    assert screen.lines() == [] and screen.bars('training')


def test_translate_tells_how_far_it_is_and_what_failed_on_lines_of_their_own(often, tmp_path, monkeypatch):
    trained = fake_run(
        tmp_path / 'run', make_config('colorize', tmp_path), lambda image, latent: np.repeat(image, 3, axis=-1)
    )
    monkeypatch.setattr(translate_module, 'load_run', lambda folder: trained)
    place = save_images(tmp_path / 'in', smooth_images(3))
    (place / '01.png').write_bytes(b'\x89PNG')
    words = ['--mode=translate', '--workdir=run', f'--input={place}', f'--output={tmp_path / "out"}']
    piped, shown = main(*words), on_terminal(*words, columns=200)
    told = [line for line in piped.err.splitlines() if not line.startswith('translating: ')]
    assert piped.code == shown.code == 2 and piped.out == '' and len(told) == 2
    assert piped.err.splitlines()[:2] == ['translating: 1 of 3 images', 'translating: 2 of 3 images']
    assert shown.screen.lines() == told and len(shown.screen.bars('translating')) == 4


def test_opening_and_measuring_are_shown_one_after_the_other(often, tmp_path):
    images = save_images(tmp_path / 'images', smooth_images(8))
    run_folder = save_run(tmp_path / 'run', make_config('colorize', images))
    shown = on_terminal('--mode=evaluate', f'--workdir={run_folder}', columns=1000)
    table = (tmp_path / 'run' / 'evaluation.json').read_bytes()
    piped = main('--mode=evaluate', f'--workdir={run_folder}')
    assert shown.screen.bars('opening')[-1].split('|')[0] == 'opening: 100%'
    assert shown.screen.bars('measuring') and not shown.screen.bars('searching')
    assert shown.code == piped.code == 0 and shown.screen.lines() == piped.out.splitlines()
    assert table == (tmp_path / 'run' / 'evaluation.json').read_bytes()
    assert 'opening: 7 of 8 files' in piped.err and 'step' not in piped.err


def test_a_study_shows_how_many_of_its_images_are_drawn(often, tmp_path):
    run_folder = save_run(
        tmp_path / 'run', make_config('colorize', save_images(tmp_path / 'images', smooth_images(20)))
    )
    words = ['--protocol=pairs', '--pairs=6', f'--output={tmp_path / "study"}']
    shown = on_terminal('--mode=study', f'--workdir={run_folder}', *words, columns=200)
    assert shown.code == 0 and (tmp_path / 'study' / 'index.html').is_file()
    assert shown.screen.bars('drawing')[-1].split('|')[0] == 'drawing: 100%'
    assert not [line for line in shown.screen.lines() if 'drawing' in line]


def test_log_lines_and_sentences_of_other_threads_stand_above_the_bar(often):
    def work(advance):
        advance(1)
        printing.Screen().handle(logging.makeLogRecord({'msg': 'a warning'}))
        words = threading.Thread(target=printing.say, args=['from a thread', sys.stderr])
        words.start()
        words.join()
        with progress('within', 2) as inner:
            inner(1)
        advance(1)
        raise KeyboardInterrupt

    def broken(advance):
        with pytest.raises(KeyboardInterrupt):
            work(advance)

    screen = draw(work=broken)
    assert screen.lines() == ['a warning', 'from a thread'] and not screen.bars('within')


@pytest.mark.parametrize('columns', [1, 7, 30, 0])
def test_a_narrow_terminal_has_a_short_bar(often, columns):
    screen = draw(columns=columns)
    assert not screen.wrapped and screen.lines() == [] and (columns in (1, 7)) == (not screen.bars('drawing'))


def test_columns_says_how_wide_a_bar_may_be(often, monkeypatch):
    monkeypatch.setenv('COLUMNS', '50')
    assert {len(bar) for bar in draw().bars('drawing')} == {47}


def test_a_terminal_that_is_not_utf_8_has_a_bar_of_what_it_can_hold(often):
    assert draw(encoding='ascii').bars('drawing')[-1].isascii() and not draw().bars('drawing')[-1].isascii()


def test_a_dumb_terminal_has_lines_and_none_at_all_has_nothing(often, monkeypatch):
    monkeypatch.setenv('TERM', 'dumb')
    assert draw().lines() == ['drawing: 1 of 3 steps']
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed):  # `2>&-`, or by somebody
        monkeypatch.setattr(sys, 'stderr', stream)
        with progress('drawing', 3) as advance:
            advance(1)


def test_a_terminal_that_has_gone_ends_no_work(often, monkeypatch):
    class Gone(io.StringIO):
        def isatty(self):
            return True

        def write(self, text):
            raise OSError(5, 'Input/output error')

        def fileno(self):
            raise OSError

    monkeypatch.setattr(sys, 'stderr', Gone())
    with progress('drawing', 3) as advance:
        advance(1)


def test_only_the_first_process_and_the_main_thread_show_how_far_they_are(often, monkeypatch):
    def elsewhere(advance):
        advance(3)
        thread = threading.Thread(target=lambda: progress('elsewhere', 2).__enter__()(1))
        thread.start()
        thread.join()

    assert not draw(work=elsewhere).bars('elsewhere')
    monkeypatch.setattr('gans.progress._shown', True)
    show_none()
    assert draw().seen == []


def test_a_signal_finds_the_bar_while_a_line_is_printed_above_it(often, monkeypatch):
    found = []

    class Stream(io.StringIO):
        def write(self, text):
            found.append((text, signals.bar_is_drawn))

    for name in ('stdout', 'stderr'):
        monkeypatch.setattr(sys, name, Stream())
    draw_bar('training: 3%')
    say('a line')
    draw_bar('')
    assert ('a line\n', True) in found and not signals.bar_is_drawn


@pytest.mark.usefixtures(heard.__name__)
def test_ctrl_c_while_the_bar_is_drawn_leaves_sentences_on_lines_of_their_own(tmp_path):
    pressed = []

    def press(screen, far):
        if screen.bars('training') and 'step 1/' in ''.join(screen.rows) and not pressed:
            pressed.append(os.write(far, b'\x03'))

    flags = ['--config.steps=500000', '--config.log.every=1', '--config.checkpoint.every=500000']
    shown = process_on_terminal(*training(tmp_path / 'run', *flags), columns=200, heard=press)
    lines = [line for line in shown.screen.lines() if not line.startswith('step ')]
    warned = [line for line in lines if not line.startswith('Stop')]  # a warning of a generator that has collapsed
    assert shown.code == 130 and all(re.match(r'Step \d+: samples differ ', line) for line in warned), lines
    stopping, stopped = [line for line in lines if line.startswith('Stop')]
    assert stopping.startswith('Stopping (SIGINT): ') and stopped.startswith('Stopped by SIGINT at step ')
