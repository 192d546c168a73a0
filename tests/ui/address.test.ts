import { describe, expect, it } from "vitest";
import {
  addressParts,
  groupHex,
  pageAddress,
  pageOf,
  parseAddress,
} from "../../web/ui/draw/address.ts";

describe("addresses", () => {
  it("are grouped in fours, two groups at least", () => {
    expect(groupHex("0x10168")).toBe("0x0001 0168");
    expect(groupHex("0x3fffffe000")).toBe("0x003f ffff e000");
    expect(groupHex("0xffffffffffffffff")).toBe("0xffff ffff ffff ffff");
    expect(groupHex(0)).toBe("0x0000 0000");
  });

  it("are read back from what a reader was shown", () => {
    expect(parseAddress("0x0001 0168")).toBe(0x10168n);
    expect(parseAddress("no address")).toBe(0n);
  });

  it("are cut at bits 12, 21, 30 and 39", () => {
    const va = (3n << 30n) | (5n << 21n) | (511n << 12n) | 0x168n;
    const [sign, l2, l1, l0, offset] = addressParts(`0x${va.toString(16)}`);
    expect([sign, l2, l1, l0, offset].map((part) => part?.value)).toEqual([0, 3, 5, 511, 0x168]);
    expect(l0?.bits).toBe("1 1111 1111");
    expect(offset?.bits).toBe("0001 0110 1000");
  });

  it("show whether bits 63 to 39 are all alike", () => {
    expect(addressParts("0xffffffc000000000")[0]?.bits).toBe("1 … 1");
    expect(addressParts("0x8000000000")[0]?.bits).toBe("mixed");
  });

  it("of the upper half keep their page number", () => {
    expect(pageOf(pageAddress(0x3ffffff))).toBe(0x3ffffff);
  });
});
