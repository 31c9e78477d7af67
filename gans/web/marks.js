
'use strict';

const LABELS = ['acceptable', 'unacceptable'];

/** Which image has which label or answer, in which order they were given, and how that is undone. Nothing in here draws. */
class Marks {
  /**
   * files: the names of the images, in order; saved: what `text` gave once, or anything else, which is left aside;
   * known: the labels that there are.
   */
  constructor(files, saved, known = LABELS) {
    this.files = files;
    this.known = known;
    this.at = 0;
    this.labels = files.map(() => '');
    this.history = []; // [place, the label that it had]
    this.restore(saved);
  }

  get marked() {
    return this.labels.filter((label) => label).length;
  }

  count(label) {
    return this.labels.filter((own) => own === label).length;
  }

  /** Gives the present image a label and goes to the next one without any, if there is one. */
  mark(label) {
    this.history.push([this.at, this.labels[this.at]]);
    this.labels[this.at] = label;
    for (let step = 1; step < this.files.length; step += 1) {
      const place = (this.at + step) % this.files.length;
      if (!this.labels[place]) {
        this.at = place;
        return;
      }
    }
  }

  /** Takes the last label back and shows its image again; says whether there was one. */
  undo() {
    const last = this.history.pop();
    if (!last) return false;
    [this.at, this.labels[last[0]]] = last;
    return true;
  }

  /** Shows the image of a place; beyond the ends there is none. */
  go(place) {
    if (place >= 0 && place < this.files.length) this.at = place;
  }

  /** The labels as a table: a line `file,label`, then one for each image; without a label its field is empty. */
  csv() {
    return asCsv([['file', 'label'], ...this.files.map((file, i) => [file, this.labels[i]])]);
  }

  text() {
    return JSON.stringify({ at: this.at, labels: this.labels, history: this.history });
  }

  restore(saved) {
    try {
      const { at, labels, history } = JSON.parse(saved);
      const place = (i) => Number.isInteger(i) && i >= 0 && i < this.files.length;
      const label = (text) => text === '' || this.known.includes(text);
      const fits = labels.length === this.files.length && labels.every(label) && place(at);
      if (!fits || !history.every(([i, text]) => place(i) && label(text))) return;
      Object.assign(this, { at, labels, history });
    } catch {
      // Nothing was kept, or somebody else wrote it.
    }
  }
}
