// Addresses as the reader sees them: grouped in fours, and cut into sign, three indices, offset.

/** One stretch of an Sv39 virtual address. */
export interface AddressPart {
  /** "sign", "2", "1", "0" or "offset"; the middle three are the levels of the walk. */
  part: "sign" | "2" | "1" | "0" | "offset";
  /** The bits, grouped in fours from the right. */
  bits: string;
  /** The same as a number. */
  value: number;
  label: string;
}

const fours = (digits: string): string => digits.replace(/\B(?=(.{4})+$)/g, " ");

/** The address as a BigInt; 0 when the text is no number. */
export function parseAddress(text: string): bigint {
  const plain = text.replace(/\s/g, "");
  return /^(0x[0-9a-f]+|\d+)$/i.test(plain) ? BigInt(plain) : 0n;
}

/** "0x10168" as "0x0001 0168": hexadecimal, padded to whole groups of four, two groups at least. */
export function groupHex(value: string | bigint | number): string {
  const number = typeof value === "string" ? parseAddress(value) : BigInt(value);
  const digits = number.toString(16);
  const width = Math.max(8, Math.ceil(digits.length / 4) * 4);
  return `0x${fours(digits.padStart(width, "0"))}`;
}

/** An address the way /proc/PID/maps has it, grouped, without 0x. */
export const groupBare = (value: string | bigint): string => groupHex(value).slice(2);

/** The address of page `vpn` (its number, not negative). */
export const pageAddress = (vpn: number): string => `0x${(BigInt(vpn) << 12n).toString(16)}`;

/** The page number of an address. */
export const pageOf = (va: string): number => Number(parseAddress(va) >> 12n);

/** Sign, three 9-bit indices and 12-bit offset of an Sv39 address (privileged spec 10.4.1). */
export function addressParts(va: string): AddressPart[] {
  const address = BigInt.asUintN(64, parseAddress(va));
  const take = (low: bigint, width: number) =>
    Number((address >> low) & ((1n << BigInt(width)) - 1n));
  const binary = (value: number, width: number) => fours(value.toString(2).padStart(width, "0"));
  const sign = take(39n, 25);
  const index = (level: 2 | 1 | 0): AddressPart => {
    const value = take(BigInt(12 + 9 * level), 9);
    return {
      part: `${level}`,
      bits: binary(value, 9),
      value,
      label: `level ${level}: ${value}`,
    };
  };
  const offset = take(0n, 12);
  return [
    {
      part: "sign",
      bits: sign === 0 ? "0 … 0" : sign === (1 << 25) - 1 ? "1 … 1" : "mixed",
      value: sign,
      label: "sign, 25 bits",
    },
    index(2),
    index(1),
    index(0),
    {
      part: "offset",
      bits: binary(offset, 12),
      value: offset,
      label: `offset 0x${offset.toString(16)}`,
    },
  ];
}
