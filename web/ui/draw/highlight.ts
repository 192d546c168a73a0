// Colours for a line of TypeScript or C, enough for the first drawing and for small screens.

export interface Token {
  text: string;
  kind: "plain" | "keyword" | "type" | "comment" | "number" | "string";
}

const KEYWORDS = new Set(
  (
    "as break case class const continue default do else enum export extends false for from " +
    "function if import in let new null return static struct switch this true type typedef " +
    "union unsigned void volatile while extern inline int char long short sizeof"
  ).split(" "),
);
const TYPES = /^(?:[iu](?:8|16|32|64)|usize|isize|bool|f32|f64|u?int\d+_t|size_t)$/;
const PIECES =
  /\/\/.*|\/\*.*?(?:\*\/|$)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\b0x[\da-fA-F_]+\b|\b\d[\d_.]*\b|[A-Za-z_$][\w$]*|[^\w"'/]+|./g;

/**
 * Splits one line into coloured pieces.
 *
 * @param inComment the line starts inside a block comment.
 * @returns the pieces, and whether the next line starts inside one.
 */
export function highlight(
  line: string,
  inComment = false,
): { tokens: Token[]; inComment: boolean } {
  if (inComment) {
    const end = line.indexOf("*/");
    if (end < 0) return { tokens: [{ text: line, kind: "comment" }], inComment: true };
    const rest = highlight(line.slice(end + 2));
    return {
      tokens: [{ text: line.slice(0, end + 2), kind: "comment" }, ...rest.tokens],
      inComment: rest.inComment,
    };
  }
  const tokens: Token[] = [];
  let open = false;
  for (const [text] of line.matchAll(PIECES)) {
    let kind: Token["kind"] = "plain";
    if (text.startsWith("//") || text.startsWith("/*")) {
      kind = "comment";
      open = text.startsWith("/*") && !text.endsWith("*/");
    } else if (/^["']./.test(text)) kind = "string";
    else if (/^\d/.test(text)) kind = "number";
    else if (KEYWORDS.has(text)) kind = "keyword";
    else if (TYPES.test(text)) kind = "type";
    tokens.push({ text, kind });
  }
  return { tokens, inComment: open };
}
