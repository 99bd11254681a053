/**
 * A source file as a rule sees it: three views of one text, equally long and with the same line
 * breaks.
 *
 *     text      const url = "a // b"; // why
 *     code      const url = "      ";
 *     comments                        // why
 *
 * A rule about code looks at `code`, so that nothing said in a comment or held in a string can
 * trigger it; since the views line up, a position found in one may be read in another. The scanner
 * knows comments, quotes, templates with their `${}` nesting, and regular expressions. Whether a
 * slash divides or opens an expression is decided by the token before it, which is right for all
 * code a formatter has been over.
 */
export interface SourceText {
  readonly path: string;
  readonly text: string;
  readonly code: string;
  readonly comments: string;
}

export function readSource(path: string, text: string): SourceText {
  const scanner = new Scanner(text);
  scanner.scanCode(false);
  return { path, text, code: scanner.code(), comments: scanner.comments() };
}

export function lineOf(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < position; at = text.indexOf("\n", at + 1)) {
    line += 1;
  }
  return line;
}

const CODE = 0;
const HIDDEN = 1;
const COMMENT = 2;

/** After one of these words a slash opens a regular expression. */
const WORDS_BEFORE_EXPRESSION = new Set(
  "return typeof case in of delete void throw new do else yield await instanceof".split(" "),
);

class Scanner {
  readonly #text: string;
  readonly #kinds: Uint8Array;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#kinds = new Uint8Array(text.length);
  }

  code(): string {
    return this.#view(CODE);
  }

  comments(): string {
    return this.#view(COMMENT);
  }

  /** Walks code up to the end, or up to the brace that closes a `${` of a template. */
  scanCode(insideTemplate: boolean): void {
    let depth = 0;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at];
      const next = this.#text[this.#at + 1];
      if (char === "/" && next === "/") this.#mark(COMMENT, this.#find("\n", this.#at));
      else if (char === "/" && next === "*") this.#mark(COMMENT, this.#findClosing());
      else if (char === '"' || char === "'") this.#scanQuoted(char);
      else if (char === "`") this.#scanTemplate();
      else if (char === "/" && this.#opensExpression()) this.#scanExpression();
      else {
        if (char === "{") depth += 1;
        if (char === "}" && insideTemplate && depth === 0) return;
        if (char === "}") depth -= 1;
        this.#at += 1;
      }
    }
  }

  #scanQuoted(quote: string): void {
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== quote && this.#text[end] !== "\n") {
      end += this.#text[end] === "\\" ? 2 : 1;
    }
    this.#at += 1;
    this.#mark(HIDDEN, end);
    this.#at += 1;
  }

  #scanTemplate(): void {
    this.#at += 1;
    while (this.#at < this.#text.length && this.#text[this.#at] !== "`") {
      if (this.#text[this.#at] === "\\") this.#mark(HIDDEN, this.#at + 2);
      else if (this.#text.startsWith("${", this.#at)) {
        this.#at += 2;
        this.scanCode(true);
        this.#at += 1;
      } else this.#mark(HIDDEN, this.#at + 1);
    }
    this.#at += 1;
  }

  #scanExpression(): void {
    let end = this.#at + 1;
    let insideClass = false;
    while (end < this.#text.length && this.#text[end] !== "\n") {
      const char = this.#text[end];
      if (char === "/" && !insideClass) break;
      if (char === "[") insideClass = true;
      if (char === "]") insideClass = false;
      end += char === "\\" ? 2 : 1;
    }
    this.#at += 1;
    this.#mark(HIDDEN, end);
    this.#at += 1;
  }

  #opensExpression(): boolean {
    let before = this.#at - 1;
    while (
      before >= 0 &&
      (this.#kinds[before] === COMMENT || /\s/.test(this.#text[before] ?? ""))
    ) {
      before -= 1;
    }
    const char = this.#text[before];
    if (char === undefined) return true;
    if (/[\w$]/.test(char)) {
      const word = /[\w$]+$/.exec(this.#text.slice(0, before + 1))?.[0] ?? "";
      return WORDS_BEFORE_EXPRESSION.has(word);
    }
    return !`)]}"'\``.includes(char);
  }

  #findClosing(): number {
    return this.#find("*/", this.#at + 2) + 2;
  }

  #find(mark: string, from: number): number {
    const found = this.#text.indexOf(mark, from);
    return found === -1 ? this.#text.length : found;
  }

  #mark(kind: number, end: number): void {
    this.#kinds.fill(kind, this.#at, end);
    this.#at = Math.min(end, this.#text.length);
  }

  #view(kind: number): string {
    let view = "";
    for (let at = 0; at < this.#text.length; at += 1) {
      const char = this.#text[at] ?? "";
      view += this.#kinds[at] === kind || char === "\n" ? char : " ";
    }
    return view;
  }
}
