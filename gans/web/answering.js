
/** A text that the browser keeps under a name; `works` says whether it does. */
class Kept {
  constructor(name) {
    this.name = name;
    this.works = true;
  }

  /** What was kept; null if there is nothing. */
  read() {
    try {
      return localStorage.getItem(this.name);
    } catch {
      this.works = false;
      return null;
    }
  }

  write(text) {
    try {
      localStorage.setItem(this.name, text);
    } catch {
      this.works = false;
    }
  }

  /** Calls `changed` with the new text when another window with the same file has kept something. */
  onOtherWindow(changed) {
    addEventListener('storage', (event) => event.key === this.name && changed(event.newValue));
  }
}

/** Rows of texts as CSV. */
const asCsv = (rows) => {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => `${row.map((field) => quoted(String(field))).join(',')}\n`).join('');
};

/** Lets the browser save a text as a file. */
const giveFile = (name, text) => {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
};

/**
 * Calls keys[key] when a key is pressed. A key that is held down counts once, also Enter on a button, which the browser
 * would click again and again. Ctrl and Command are the browser's, but with what `undo` does. What is typed into a field
 * is its own, and so are Space and Enter on a button.
 */
const onKeys = (keys, undo) => document.addEventListener('keydown', (event) => {
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const commands = (event.ctrlKey || event.metaKey) && act !== undo;
  const onButton = (event.key === ' ' || event.key === 'Enter') && event.target.closest?.('button, a, summary');
  if (event.repeat && onButton) event.preventDefault();
  if (!act || event.altKey || commands || event.repeat || event.target.closest?.('input') || onButton) return;
  event.preventDefault();
  act();
});
