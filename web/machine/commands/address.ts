// Addresses as readers write them: a number, a register, a symbol, and sums of these.
import * as views from "../views.ts";
import { CommandError, type Word } from "../tokenize.ts";
import { escapeName } from "../terminal-filter.ts";
import type { Session } from "./session.ts";

/**
 * The value of "0x11000", "$sp+16", "$pc".
 *
 * @throws CommandError for anything else.
 */
export function addressOf(session: Session, word: Word): bigint {
  let sum = 0n;
  const parts = word.text.match(/[+-]?[^+-]+/g) ?? [];
  if (parts.join("") !== word.text || parts.length === 0) throw bad(word);
  for (const part of parts) {
    const negative = part.startsWith("-");
    const text = part.replace(/^[+-]/, "");
    const value = term(session, text, word);
    sum += negative ? -value : value;
  }
  return BigInt.asUintN(64, sum);
}

function term(session: Session, text: string, word: Word): bigint {
  if (/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text)) return BigInt(text);
  if (!text.startsWith("$")) return symbol(session, text, word);
  const { core } = session.running;
  const name = text.slice(1);
  if (name === "pc") return views.pc(core);
  const n = /^x\d+$/.test(name)
    ? Number(name.slice(1))
    : views.REGISTERS.indexOf(name === "fp" ? "s0" : name);
  if (n < 0 || n > 31) throw bad(word);
  return views.register(core, n);
}

function symbol(session: Session, name: string, word: Word): bigint {
  const address = session.program?.code.find(name);
  if (address === null || address === undefined) throw bad(word);
  return address;
}

function bad(word: Word): CommandError {
  const text = escapeName(word.text);
  return new CommandError(`"${text}" is no address: 0x11000, $sp+16, main`, word.column);
}
