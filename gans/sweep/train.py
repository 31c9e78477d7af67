"""The runs of a sweep, trained and evaluated one after the other or in turns, with one display for all."""

import gc
import time
from collections.abc import Callable
from pathlib import Path

import jax

from gans import startup
from gans.printing import say, tell
from gans.progress import progress
from gans.run.experiment import Experiment
from gans.sweep.plan import Plan, Run
from gans.sweep.runs import complete, is_done, steps_done
from gans.training.loop import Diverged

_KEPT = 8  # cells and evaluations whose programs stay in memory
_SLICES = (2, 8)  # the fewest and the most parts of each run that take turns, where wall time is to be equal


def slices(minutes: float | None) -> int:
    """How many parts of each run take turns; 1 without minutes. A part is a minute or longer if there are more than 2.

    Each part begins by opening its run's newest checkpoint, and ends by writing one.
    """
    fewest, most = _SLICES
    return 1 if minutes is None else int(min(max(minutes, fewest), most))


def free_programs() -> None:
    """Frees all compiled programs; one that is needed again is compiled again."""
    jax.clear_caches()
    gc.collect()
    startup.trim_heap()


class Trainer:
    """Completes the runs of a plan; what is done already is not done again. `done` counts those that are."""

    def __init__(self, plan: Plan, evaluated: Callable[[Path], None] = lambda folder: None):
        """Nothing is trained yet.

        Args:
          plan: what to complete; a run that diverges and the times of all are noted there.
          evaluated: is given the folder of each run that has an evaluation, as soon as it has one.
        """
        self._plan, self._runs, self._evaluated = plan, plan.runs(), evaluated
        self._doing, self.done, self._programs = '', 0, set()

    def run(self) -> None:
        """Trains and evaluates all runs.

        Raises:
          UserError: whatever stops a training or an evaluation. A run that diverges is noted, and stops no other.
          gans.signals.Stopped: a signal; everything is saved.
        """
        total = sum(run.config.steps for run in self._runs)
        done = sum(min(steps_done(run.folder), run.config.steps) for run in self._runs)
        with progress('sweep', total, 'steps', done, note=self._note, only_bar=True) as advance:
            parts = slices(self._plan.minutes)
            for part in range(1, parts + 1):
                trained = False
                for run in self._runs:
                    if run.title not in self._plan.diverged:
                        trained |= self._go_on(run, round(run.config.steps * part / parts), advance)
                if trained and part < parts:
                    tell(f'Part {part} of {parts} of all runs is trained.')

    def _go_on(self, run: Run, last: int, advance) -> bool:
        """Trains a run up to the step `last`, and evaluates it if that is its end; False if that was done before."""
        if last < run.config.steps and steps_done(run.folder) >= last:
            return False
        if is_done(run.folder, run.config, self._plan.features):
            self.done += 1
            self._evaluated(run.folder)
            return False

        def doing(what):
            self._doing = f'{run.title}: {what}'
            advance(0)

        watch = _Watch(last, advance)
        try:
            done = complete(
                run.config, run.config_text, run.fields, run.folder, watch, self._plan.features, doing, watch.opened
            )
        except Diverged as error:
            self._plan.diverged[run.title] = f'{error}'
            self._plan.write()
            tell(f'{run.title} diverged: {error}')
            return True
        self._plan.took(run.title, watch.steps, watch.seconds)
        self._forget(f'training of {run.label}', f'evaluation of {run.title}' if done else '')
        if done:
            watch.finish()
            self.done += 1
            self._evaluated(run.folder)
            say(f'{run.title} is done, {self.done} of {len(self._runs)} runs.')
        return True

    def _forget(self, *programs):
        """Frees all programs when there are many: those of tiny networks left 10 to 60 MiB each.

        Args:
          programs: what was done just now; seeds of one cell train by one program. '' is nothing.
        """
        self._programs |= set(filter(None, programs))
        if len(self._programs) >= _KEPT:
            self._programs = set()
            free_programs()

    def _note(self, speed):
        return ', '.join(filter(None, [self._doing, f'{self.done} of {len(self._runs)} runs done']))


class _Watch:
    """The `pause` of a training: at its last step. Counts the time of all steps but those that compile."""

    def __init__(self, last: int, advance: Callable[[int], None], clock: Callable[[], float] = time.perf_counter):
        self._last, self._advance, self._clock = last, advance, clock
        self._step = self._since = self._program = None
        self._compiled = set()  # programs: networks that grow have several, and so have penalties in some steps only
        self.steps, self.seconds = 0, 0.0

    def opened(self, experiment: Experiment) -> None:
        """Is given what is going to be trained."""
        self._program = experiment.game.program

    def __call__(self, step: int) -> bool:
        now = self._clock()
        if self._step is not None:
            self._advance(step - self._step)
            program = self._program(self._step)
            if program in self._compiled:
                self.steps += step - self._step
                self.seconds += now - self._since
            self._compiled.add(program)
        self._step, self._since = step, now
        return step >= self._last

    def finish(self) -> None:
        """Says that the last step, before which alone it was asked, is done."""
        if self._step is not None:
            self._advance(self._last - self._step)
