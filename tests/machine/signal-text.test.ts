// How strace shows signals.
import { expect, test } from "vitest";
import { callText, enter, signalText } from "../../web/machine/strace-format.ts";

const what = (signo: number, code: number, pid = 7) =>
  BigInt(signo) | (BigInt(pid) << 8n) | (BigInt.asUintN(32, BigInt(code)) << 32n);
const told = (pid: number, uid: number, status = 0) =>
  BigInt(pid) | (BigInt(uid) << 32n) | (BigInt(status) << 48n);

test.each([
  [11, 1, 8n, "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---"],
  [14, 128, 0n, "--- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---"],
  [
    10,
    0,
    told(1, 1000),
    "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=1, si_uid=1000} ---",
  ],
  [11, -6, told(1, 0), "--- SIGSEGV {si_signo=SIGSEGV, si_code=SI_TKILL, si_pid=1, si_uid=0} ---"],
  [
    17,
    1,
    told(9, 0, 3),
    "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=9, si_uid=0, si_status=3} ---",
  ],
])("signal %i with si_code %i says who or where", (signo, code, b, text) => {
  expect(signalText(what(signo, code), b)).toBe(text);
});

test("a call that a signal has interrupted says whether it would be made again", () => {
  const nothing = () => new Uint8Array(0);
  const call = enter("read", [3n, 0x1000n, 1n, 0n, 0n, 0n], nothing);
  expect(callText(call, -512n, nothing)).toMatch(
    /= \? ERESTARTSYS \(To be restarted if SA_RESTART/,
  );
  expect(callText(call, -514n, nothing)).toMatch(/= \? ERESTARTNOHAND \(To be restarted if no/);
});
