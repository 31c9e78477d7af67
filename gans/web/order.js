
/** Numbers that look random and follow from a text: xorshift32 (Marsaglia 2003), begun from its FNV-1a digest. */
class Draws {
  constructor(text) {
    this.state = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) this.state = Math.imul(this.state ^ byte, 0x01000193);
    this.state = this.state || 1;
    for (let i = 0; i < 16; i += 1) this.next(); // texts that differ little begin alike
  }

  /** A whole number of 32 bits. */
  next() {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }

  /** A whole number from 0 to below `count`. */
  below(count) {
    return Math.floor((this.next() / 2 ** 32) * count);
  }

  /** The list in another order, all orders as likely. */
  shuffled(list) {
    const found = [...list];
    for (let i = found.length - 1; i > 0; i -= 1) {
      const other = this.below(i + 1);
      [found[i], found[other]] = [found[other], found[i]];
    }
    return found;
  }
}
