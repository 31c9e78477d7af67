
const ANSWERS = { realistic: ['no', 'yes'], pairs: ['a', 'b'] };

/** One protocol of a study as one person sees it: the order, the sides, and what was answered. Nothing here draws. */
class Part {
  /**
   * protocol: a key of ANSWERS; items: what the file holds, in any order but with those first that are practice;
   * seed: a text that order and sides follow from; saved: what `state` gave once.
   */
  constructor(protocol, items, seed, saved) {
    const draws = new Draws(`${seed} ${protocol}`);
    const practice = items.filter((item) => item.right);
    this.protocol = protocol;
    this.items = [...draws.shuffled(practice), ...draws.shuffled(items.filter((item) => !item.right))];
    this.practice = practice.length;
    this.lefts = items.map(() => 'ab'[draws.below(2)]); // which image of a pair is on the left
    this.marks = new Marks(this.items.map((item) => item.name), saved?.marks, ANSWERS[protocol]);
    this.times = this.items.map((_, i) => (Number.isFinite(saved?.times?.[i]) ? saved.times[i] : 0));
    this.asked = Number.isInteger(saved?.asked) ? saved.asked : -1; // the place of the pair that was shown last
  }

  get at() {
    return this.marks.at;
  }

  get answered() {
    return this.marks.marked;
  }

  get done() {
    return this.answered === this.items.length;
  }

  /** The images of the present item, from left to right. */
  get images() {
    const { images } = this.items[this.at];
    return this.protocol === 'pairs' && this.lefts[this.at] === 'b' ? [images[1], images[0]] : images;
  }

  /** Answers the present item by a side, 'left' or 'right'; says, of practice, whether that is right, else null. */
  answer(side, milliseconds) {
    const { at } = this;
    const [first, second] = ANSWERS[this.protocol];
    const isFirst = this.protocol === 'pairs' ? (side === 'left') === (this.lefts[at] === 'a') : side === 'left';
    this.times[at] = Math.round(milliseconds);
    this.marks.mark(isFirst ? first : second);
    const { right } = this.items[at];
    return right ? this.marks.labels[at] === right : null;
  }

  /** The rows of what was answered, as CSV has them behind the study and the person. */
  rows() {
    const row = (item, i) => {
      const left = this.protocol === 'pairs' ? this.lefts[i] : '';
      return [this.protocol, i + 1, item.name, left, this.marks.labels[i], this.times[i]];
    };
    return this.items.map(row).filter((_, i) => this.marks.labels[i]);
  }

  state() {
    return { marks: this.marks.text(), times: this.times, asked: this.asked };
  }
}
