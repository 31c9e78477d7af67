'use strict';

/** Curves over steps, drawn by uPlot into the elements with data-chart; all of them show the same steps. */
class Curves {
  /** data: what gans/report/charts.py makes; shown: an element that is told which steps are shown. */
  constructor(data, shown) {
    Object.assign(this, { runs: data.runs, shown, range: null, all: [] });
    const steps = data.runs.flatMap((run) => [run.metrics.steps, run.timing.steps]).filter((own) => own.length);
    this.first = Math.min(...steps.map((own) => own[0]));
    this.last = Math.max(...steps.map((own) => own[own.length - 1]));
    document.querySelectorAll('[data-chart]').forEach((place) => {
      this.all.push(new Chart(this, place, data.charts[Number(place.dataset.chart)]));
    });
    this.show();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.all.forEach((one) => one.draw()));
    new ResizeObserver(() => this.all.forEach((one) => one.fit())).observe(document.querySelector('main'));
  }

  /** From where to where the curves are shown: a single step stands in the middle. */
  get window() {
    if (this.range) return this.range;
    return this.last > this.first ? [this.first, this.last] : [this.first - 1, this.first + 1];
  }

  /** Shows the steps from `from` to `to` in all charts; all of them where that is as much or more. */
  zoom(from, to) {
    if (this.last === this.first) return;
    const low = Math.max(from, this.first);
    const high = Math.min(to, this.last);
    if (high - low < Math.min(1, this.last - this.first)) return;
    this.range = low <= this.first && high >= this.last ? null : [low, high];
    this.all.forEach((one) => one.plot.setScale('x', { min: this.window[0], max: this.window[1] }));
    this.show();
  }

  /** Zooms by a factor around the middle, or moves by a part of what is shown. */
  change(factor, part = 0) {
    const [low, high] = this.window;
    const half = ((high - low) * factor) / 2;
    let middle = (low + high) / 2 + part * (high - low);
    middle = Math.min(Math.max(middle, this.first + half), Math.max(this.last - half, this.first + half));
    this.zoom(middle - half, middle + half);
  }

  reset() {
    this.range = null;
    this.zoom(this.first, this.last);
  }

  /** Puts the cursor of all charts to a step. */
  point(step) {
    this.all.forEach((one) => one.point(step));
  }

  show() {
    const inside = (step) => Math.round(Math.min(Math.max(step, this.first), this.last)).toLocaleString('en');
    const [low, high] = this.window.map(inside);
    if (this.shown) this.shown.textContent = low === high ? `step ${low}` : `steps ${low} to ${high}`;
  }
}

/** One chart with its legend. */
class Chart {
  constructor(curves, place, about) {
    Object.assign(this, { curves, place, about, log: about.log, off: new Set(), at: null });
    this.data = this.join();
    this.legend = document.createElement('div');
    this.legend.className = 'legend';
    place.after(this.legend);
    this.values = about.lines.map((line, i) => this.entry(line, i));
    if (about.wide && about.positive) this.legend.append(this.scale());
    Object.assign(place, { tabIndex: 0 });
    Object.entries({
      role: 'slider',
      'aria-label': `Curves of ${about.title}: arrow keys move along the steps, plus and minus zoom`,
      'aria-valuemin': this.data[0][0] ?? 0,
      'aria-valuemax': this.data[0][this.data[0].length - 1] ?? 0,
    }).forEach(([name, value]) => place.setAttribute(name, value));
    place.addEventListener('keydown', (event) => this.key(event));
    place.addEventListener('dblclick', () => curves.reset());
    this.draw();
  }

  /** [steps, values of line 0, ...] with common steps. A missing value is null where the line has a gap. */
  join() {
    const tables = this.about.lines.map(({ run, file, name }) => {
      const { steps, values } = this.curves.runs[run][file];
      return [steps, values[name]];
    });
    return tables.length ? uPlot.join(tables) : [[]];
  }

  /** An entry of the legend: a button that hides and shows the curve, if there are others. */
  entry(line, i) {
    const several = this.about.lines.length > 1;
    const item = document.createElement(several ? 'button' : 'span');
    const swatch = document.createElement('span');
    const value = document.createElement('span');
    const colour = this.colour(i);
    swatch.className = `swatch curve-${colour % 8}${colour > 7 ? ' second' : ''}`;
    value.className = 'value';
    item.append(swatch);
    if (several || this.curves.runs.length > 1) item.append(line.label);
    if (several) {
      item.type = 'button';
      item.setAttribute('aria-pressed', 'true');
      item.addEventListener('click', () => {
        const on = this.off.delete(i) || !this.off.add(i);
        item.setAttribute('aria-pressed', String(on));
        this.plot.setSeries(i + 1, { show: on });
      });
    } else {
      item.className = 'single';
    }
    item.append(value);
    this.legend.append(item);
    return value;
  }

  /** The number of a line's colour: a run has the same one in all charts. */
  colour(i) {
    return this.curves.runs.length > 1 ? this.about.lines[i].run : i;
  }

  scale() {
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'scale' });
    button.textContent = 'Logarithmic';
    button.setAttribute('aria-pressed', String(this.log));
    button.addEventListener('click', () => {
      this.log = !this.log;
      button.setAttribute('aria-pressed', String(this.log));
      this.draw();
    });
    return button;
  }

  get size() {
    return { width: Math.max(this.place.clientWidth, 200), height: this.about.wide ? 288 : 176 };
  }

  fit() {
    if (this.plot.width !== this.size.width) this.plot.setSize(this.size);
  }

  /** Draws anew, in the colours of the moment. */
  draw() {
    this.plot?.destroy();
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    const axis = { stroke: colour('faint'), grid: { stroke: colour('line'), width: 0.5 }, ticks: { show: false } };
    const steps = (plot, marks) => marks.map((step) => (Number.isInteger(step) ? step.toLocaleString('en') : ''));
    // As many digits as tell the marks apart.
    const plain = (marks) => marks.map((mark) => (mark === null ? '' : String(Number(mark.toPrecision(5)))));
    const few = (line) => this.curves.runs[line.run][line.file].steps.length < 40;
    const series = this.about.lines.map((line, i) => ({
      label: line.label,
      show: !this.off.has(i),
      stroke: colour(`curve-${this.colour(i) % 8}`),
      width: 1.5,
      dash: this.colour(i) > 7 ? [6, 4] : undefined,
      points: { show: few(line), size: 5, fill: colour(`curve-${this.colour(i) % 8}`) },
    }));
    const options = {
      ...this.size,
      scales: {
        x: { time: false, range: () => this.curves.window },
        y: this.log ? { distr: 3 } : {},
      },
      series: [{}, ...series],
      axes: [
        { ...axis, values: steps, size: 32 },
        { ...axis, values: (plot, marks) => plain(marks), size: (plot, values) => 16 + 7 * Math.max(3, ...(values ?? []).map((text) => `${text ?? ''}`.length)) },
      ],
      legend: { show: false },
      cursor: { sync: { key: 'steps', scales: ['x', null] }, drag: { x: true, y: false, setScale: false }, y: false },
      hooks: {
        setSelect: [(plot) => this.select(plot)],
        setCursor: [(plot) => this.tell(plot)],
        draw: [(plot) => this.mark(plot, colour('faint'))],
      },
    };
    this.plot = new uPlot(options, this.data, this.place);
    this.tell(this.plot);
  }

  /** A stretch that was drawn with the mouse becomes what all charts show. */
  select(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.curves.zoom(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
  }

  /** Dashed lines where training went on after it was stopped. */
  mark(plot, colour) {
    const { ctx, bbox } = plot;
    const runs = new Set(this.about.lines.map((line) => line.run));
    ctx.save();
    Object.assign(ctx, { strokeStyle: colour, lineWidth: 1 });
    ctx.setLineDash([4, 4]);
    runs.forEach((run) => this.curves.runs[run].marks.forEach((step) => {
      const x = Math.round(plot.valToPos(step, 'x', true));
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }));
    ctx.restore();
  }

  /** Says the values at the cursor; without one, the last ones. */
  tell(plot) {
    const length = this.data[0].length;
    const at = plot.cursor.idx ?? length - 1;
    this.at = at;
    const number = (value) => (Number.isFinite(value) ? Number(value.toPrecision(4)).toString() : '\u2013');
    const told = this.about.lines.map((line, i) => number(this.near(i + 1, at)));
    const step = this.data[0][at];
    const where = told.length === 1 && length ? ` at ${step.toLocaleString('en')}` : '';
    this.values.forEach((element, i) => { element.textContent = `${told[i]}${where}`; });
    if (!length) return;
    this.place.setAttribute('aria-valuenow', step);
    const words = this.about.lines.map((line, i) => `${line.label} ${told[i]}`);
    this.place.setAttribute('aria-valuetext', `step ${step}: ${words.join(', ')}`);
  }

  /** The value at a place, or the one before it where the steps of that place are another run's. */
  near(line, at) {
    let place = at;
    while (place > 0 && this.data[line][place] === undefined) place -= 1;
    return this.data[line][place];
  }

  point(step) {
    const { plot } = this;
    plot.setCursor({ left: plot.valToPos(step, 'x'), top: plot.over.clientHeight / 2 }, false);
    this.tell(plot);
  }

  key(event) {
    const last = this.data[0].length - 1;
    const by = event.shiftKey ? 10 : 1;
    const to = { ArrowLeft: this.at - by, ArrowRight: this.at + by, Home: 0, End: last }[event.key];
    const act = {
      '+': () => this.curves.change(0.5),
      '=': () => this.curves.change(0.5),
      '-': () => this.curves.change(2),
      0: () => this.curves.reset(),
    }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (to === undefined && !act)) return;
    event.preventDefault();
    if (act) act();
    else if (last >= 0) this.curves.point(this.data[0][Math.min(Math.max(to, 0), last)]);
  }
}
