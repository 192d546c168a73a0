// MAP_NOZERO: the kernel's side, with a program that says what is in the pages it was given.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import {
  CLOCK_SPLIT,
  type Conf,
  CostKind,
  Ev,
  FRAMES,
  MMS,
  MM_OWNER,
  MM_SIZE_OF,
  MM_USERS,
  NR_KERNEL,
  NR_MMS,
  NozeroDefect,
  NozeroList,
  NozeroOwner,
  NozeroTag,
  PAGE_FLAGS,
  PAGE_SIZE_OF,
  PG,
  RAM_BASE,
  VM,
  VM_EVENTS,
  VmEvent,
} from "../../assembly/abi.ts";
import { directory, type FileNode, file, place } from "../../web/machine/mkfs.ts";
import { provenance } from "../../web/machine/views.ts";
import { violations } from "../kernel/invariants.ts";
import { Linux, loadCore } from "../kernel/linux.ts";
import { needs } from "../needs.ts";

const NOZERO = 0x04000000;
const GCC = "riscv64-linux-gnu-gcc";
const root = inject("root");
const folder = mkdtempSync(join(tmpdir(), "pagewalk-nozero-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const machine = new Linux(loadCore(inject("core")));
let program = file(new Uint8Array(0));

beforeAll(() => {
  if (needs(GCC)) return;
  const path = join(folder, "nozero");
  const from = join(root, "tests/guests/nozero.c");
  const { stderr } = spawnSync(GCC, ["-static", "-O1", "-o", path, from], { encoding: "utf8" });
  expect(stderr).toBe("");
  program = file(readFileSync(path), 0o755);
});

type Settings = Partial<Record<keyof typeof Conf, number>>;

/** Runs the lists of steps as root. @returns what was printed, by lines */
function run(
  lists: string[],
  conf: Settings = {},
  files: Record<string, FileNode> = {},
  look = () => {},
) {
  const tree = directory();
  place(tree, "/nozero", program);
  place(tree, "/setuid", { ...program, mode: 0o4755, uid: 0 });
  for (const [path, node] of Object.entries(files)) place(tree, path, node);
  machine.boot({
    root: tree,
    path: "/nozero",
    argv: ["/nozero", ...lists],
    conf: { uid: 0, gid: 0, vm_nozero_enabled: 1, ...conf },
  });
  const wrong: string[] = [];
  const sweep = () => {
    if (!machine.started || wrong.length > 0) return;
    wrong.push(...violations(machine.core));
    look();
  };
  const end = machine.run({ limit: 100_000_000, between: sweep });
  wrong.push(...violations(machine.core));
  expect(wrong).toEqual([]);
  expect(end.verdict).toBe("exit 0");
  return end.stdout.trimEnd().split("\n");
}
const pageFlags = (pfn: number) => machine.core.getU32(FRAMES + pfn * PAGE_SIZE_OF + PAGE_FLAGS);
const counted = (event: VmEvent) => machine.core.getNumber(VM_EVENTS + 8 * event);

describe.skipIf(needs(GCC))("a write to memory mapped with MAP_NOZERO", () => {
  test("gets the frame that the process gave back, as it is", () => {
    expect(run(["as 1000;fill A 8;look 8"])).toEqual(["look AAAAAAAA"]);
    expect(counted(VmEvent.CLEAR_AVOIDED)).toBe(8);
  });

  test("gets one that another process of the same user gave back", () => {
    expect(run(["as 1000;keep A 64", "as 1000;look 64"])[0]).toContain("AAAAAAAA");
  });

  test("gets a cleared one when another user gave it back", () => {
    expect(run(["as 1000;fill A 8", "as 2000;look 8"])).toEqual(["look ........"]);
    expect(counted(VmEvent.CLEAR_AVOIDED)).toBe(0);
    expect(counted(VmEvent.NOZERO_MISS)).toBe(8);
  });

  test("gets zeros when the page was read before", () => {
    expect(run(["as 1000;fill A 8;read-first 8"])).toEqual(["read-first ........"]);
    expect(counted(VmEvent.CLEAR_AVOIDED)).toBe(0);
  });

  test("is worth nothing to shared memory, as the flag is ignored there", () => {
    expect(run(["as 1000;fill A 8;shared 8"])).toEqual(["shared ........"]);
  });
});

describe.skipIf(needs(GCC))("everything else is always zeros", () => {
  test.each(["plain", "brk", "stack"])("%s", (what) => {
    expect(run([`as 1000;fill A 8;${what} 8`])).toEqual([`${what} ........`]);
    expect(counted(VmEvent.CLEAR_AVOIDED)).toBe(0);
  });

  test("and brk2 is not, which asks for it", () => {
    expect(run(["as 1000;fill A 8;brk2 8"])).toEqual(["brk2 AAAAAAAA"]);
    const lines = run(["brk2-flags 1", `brk2-flags ${NOZERO + 1}`, "brk2-flags 0"]);
    expect(lines).toEqual(["brk2-flags 22", "brk2-flags 22"]);
  });

  test("with the proposal off the flag means nothing, and there is no brk2", () => {
    const lines = run(["as 1000;fill A 8;look 8;brk2 8;areas"], { vm_nozero_enabled: 0 });
    expect(lines.slice(0, 2)).toEqual(["look ........", "brk2 38"]);
    expect(lines.slice(2).every((line) => line.endsWith(" none"))).toBe(true);
  });
});

test.skipIf(needs(GCC))("areas keep VM_NOZERO, and never merge with others", () => {
  expect(run(["areas"])).toEqual([
    "mapped 16",
    "cut 4 4 8",
    "joined 16",
    "plain between 8 4",
    "moved 64 4",
    "child 64 4",
  ]);
});

describe.skipIf(needs(GCC))("whose memory it was", () => {
  const SECRET = ["as 1000;run /setuid;keep S 64", "as 1000;look 64"];
  const LOGIN = ["fork;keep S 64;setuid 1000;exec /nozero;look 64"];
  const race = { vm_nozero_defects: NozeroDefect.setuid_race };

  test("a set-user-id program's is nobody's", () => {
    expect(run(SECRET)[0]).not.toContain("S");
  });

  test("defect setuid_race: what such a program leaves is its caller's", () => {
    expect(run(SECRET, race)[0]).toContain("SSSSSSSS");
  });

  test("of one that became another user, it is nobody's", () => {
    expect(run(LOGIN)[0]).not.toContain("S");
  });

  test("defect setuid_race: what root had before it became the user is the user's", () => {
    expect(run(LOGIN, race)[0]).toContain("SSSSSSSS");
  });

  test("who says that nobody may look gives nothing", () => {
    expect(run(["as 1000;dumpable 0;keep D 64", "as 1000;look 64"])[0]).not.toContain("D");
    expect(run(["as 1000;dumpable 1;keep D 64", "as 1000;look 64"])[0]).toContain("DDDD");
  });

  test("nor does who was root, and says that everybody may", () => {
    const lists = ["fork;keep R 64;setuid 1000;dumpable 1", "as 1000;look 64"];
    expect(run(lists)[0]).not.toContain("R");
  });

  test("a program that may only be executed gives nothing", () => {
    const only = { "/only": { ...program, mode: 0o711, uid: 0 } };
    const lists = ["as 1000;run /only;keep X 64", "as 1000;look 64"];
    expect(run(lists, {}, only)[0]).not.toContain("X");
    expect(run(lists, {}, { "/only": { ...program, mode: 0o755, uid: 0 } })[0]).toContain("XXXX");
  });

  test("a frame that reclaim took is nobody's, whatever it holds", () => {
    let seen = 0;
    const lives = () => {
      const mms = Array.from({ length: NR_MMS }, (_, i) => MMS + i * MM_SIZE_OF);
      const { core } = machine;
      return mms.some((mm) => core.getU32(mm + MM_USERS) && core.getU32(mm + MM_OWNER) === 1001);
    };
    const look = () => {
      if (!lives()) return;
      for (let pfn = 0; pfn < 768; pfn++) {
        const at = RAM_BASE + pfn * 4096;
        const left = machine.core.getU32(at) === 0x41414141 && pageFlags(pfn) & PG.free;
        if (!left) continue;
        seen++;
        expect(provenance(machine.core, pfn)).toEqual({ owner: null, left: { uid: 1000 } });
      }
    };
    // It unmaps nothing before it ends: what is free now, reclaim has freed.
    const lists = ["as 1000;keep A 900"];
    run(lists, { ram_frames: 768 }, {}, look);
    expect(counted(VmEvent.PSWPOUT)).toBeGreaterThan(100);
    expect(seen).toBeGreaterThan(100);
  });

  test("what a debugger of another user has written into, is nobody's", () => {
    const alone = ["as 1000;keep P 64", "as 1000;look 64"];
    expect(run(alone)[0]).toContain("PPPP");
    expect(run(["poked 1000;keep P 64;stop", "as 1000;look 64"])[0]).not.toContain("P");
    expect(run(["as 1000;poked 1000;keep P 64;stop", "as 1000;look 64"])[0]).toContain("PPPP");
  });
});

describe.skipIf(needs(GCC))("pages of files", () => {
  const letter = () => ({
    "/hidden/letter": { ...file(new Uint8Array(64 * 4096).fill(0x4c), 0o600), uid: 1000 },
  });
  const hidden = (steps: string[], conf: Settings = {}) => {
    const files = letter();
    return run(["chmod /hidden 0700", ...steps], conf, files);
  };
  const READ = ["read /hidden/letter;sysctl drop_caches 1", "as 1000;look 64"];
  const owns = { vm_nozero_defects: NozeroDefect.owns_files };

  test("are never had as they are", () => {
    expect(hidden(READ)[0]).not.toContain("L");
  });

  test("defect owns_files: a user sees his file that he cannot reach", () => {
    expect(hidden(["as 1000;read /hidden/letter"])).toEqual(["open 13"]);
    expect(hidden(READ, owns)[0]).toContain("LLLL");
  });

  test("defect owns_files: and what root wrote before it gave the file away", () => {
    const lists = ["write /note W 64;chmod /note 0;chown /note 1000;unlink /note"];
    expect(run([...lists, "as 1000;look 64"])[0]).not.toContain("W");
    expect(run([...lists, "as 1000;look 64"], owns)[0]).toContain("WWWW");
  });
});

describe.skipIf(needs(GCC))("by control group, as in 2012", () => {
  const memcg = { vm_nozero_owner: NozeroOwner.memcg };
  const inGroup = (group: number, steps: string) => `fork;sysctl nozero_cgroup ${group};${steps}`;

  test("Kamezawa 1: a process that is moved into the group sees what others left", () => {
    const lists = [inGroup(7, "as 1000;fill A 64"), inGroup(7, "as 2000;look 64")];
    expect(run(lists, memcg)[0]).toContain("AAAA");
    expect(run(lists)[0]).not.toContain("A");
  });

  test("a process of another group does not", () => {
    const lists = [inGroup(7, "as 1000;fill A 64"), inGroup(8, "as 1000;look 64")];
    expect(run(lists, memcg)[0]).not.toContain("A");
  });

  test("Kamezawa 2: nor does a new group, unless it has an old number", () => {
    // Nobody is in group 7 any more when the second one of that number begins.
    const old = inGroup(7, "as 1000;keep A 64");
    expect(run([old, inGroup(9, "as 2000;look 64")], memcg)[0]).not.toContain("A");
    expect(run([old, inGroup(7, "as 2000;look 64")], memcg)[0]).toContain("AAAA");
  });

  test("Kamezawa 3: what they see is of processes that never asked for it", () => {
    run([inGroup(7, "as 1000;fill A 64"), inGroup(7, "as 2000;look 64")], memcg);
    const areas = machine.events.filter(({ kind, c }) => {
      return kind === Ev.Vma && Number(c & 0xffffffffn) & VM.NOZERO && c >> 32n === 1n;
    });
    expect(areas.length).toBe(1);
    expect(counted(VmEvent.CLEAR_AVOIDED)).toBeGreaterThan(0);
  });

  test("Kamezawa 4: and pages of files that they may not read", () => {
    const letter = file(new Uint8Array(64 * 4096).fill(0x4c), 0o600);
    const lists = [inGroup(7, "read /letter;sysctl drop_caches 1"), inGroup(7, "as 2000;look 64")];
    expect(run(["as 2000;read /letter"], memcg, { "/letter": letter })).toEqual(["open 13"]);
    expect(run(lists, memcg, { "/letter": letter })[0]).toContain("LLLL");
  });

  test("a set-user-id program's memory is the group's, too: there are no checks of users", () => {
    const lists = [inGroup(7, "as 1000;run /setuid;keep S 64"), inGroup(7, "as 1000;look 64")];
    expect(run(lists, memcg)[0]).toContain("SSSS");
  });
});

describe.skipIf(needs(GCC))("by process, as Kamezawa would have allowed it", () => {
  const task = { vm_nozero_owner: NozeroOwner.task };

  test("a process gets its own frames back", () => {
    expect(run(["as 1000;fill A 8;look 8"], task)).toEqual(["look AAAAAAAA"]);
  });

  test("but no other process of its user", () => {
    expect(run(["as 1000;keep A 64", "as 1000;look 64"], task)[0]).not.toContain("A");
  });

  test("nor the program that it becomes", () => {
    expect(run(["as 1000;keep A 64;exec /nozero;look 64"], task)[0]).not.toContain("A");
  });
});

describe.skipIf(needs(GCC))("where the tag is", () => {
  const lists = ["as 1000;fill A 8;look 8;fill B 4", "as 2000;look 16", "as 1000;look 32"];

  test("changes nothing but the size of struct page: v1 leaves fewer frames", () => {
    const field = run(lists, { vm_nozero_tag: NozeroTag.field });
    const kernel = machine.core.getU32(NR_KERNEL);
    const events = machine.events.length;
    expect(run(lists)).toEqual(field);
    expect(machine.events.length).toBe(events);
    // 8 bytes a frame: one frame in 512.
    expect(kernel - machine.core.getU32(NR_KERNEL)).toBe(16384 / 512);
  });

  test("cannot be changed while the machine runs", () => {
    expect(run(["sysctl nozero_tag 1"])).toEqual(["sysctl 22"]);
  });
});

describe.skipIf(needs(GCC))("the order of free frames", () => {
  // 1000 works, 2000 makes noise, 1000 comes back.
  const lists = ["as 1000;keep A 64", "as 2000;keep B 200", "as 1000;look 64"];
  const avoided = (conf: Settings) => {
    const lines = run(lists, conf);
    expect(lines[0]).not.toMatch(/[^A.? a-z]/);
    return counted(VmEvent.CLEAR_AVOIDED);
  };

  test("last in, first out: a noisy neighbour takes one's frames away", () => {
    expect(avoided({ ram_frames: 1024 })).toBeLessThan(32);
  });

  test("owner_aware: they are found, whoever was busy in between", () => {
    expect(avoided({ ram_frames: 1024, vm_nozero_list: NozeroList.owner_aware })).toBe(64);
  });

  test("owner_aware: who has no frames of his own takes those that are nobody's first", () => {
    const lines = run(["as 1000;fill A 8;brk 8;look 8"], {
      vm_nozero_list: NozeroList.owner_aware,
    });
    expect(lines).toEqual(["brk ........", "look AAAAAAAA"]);
  });

  test("owner_aware: no frame is lost when the order changes while the machine runs", () => {
    const lines = run(
      ["as 1000;fill A 64", "sysctl nozero_list 0", "as 1000;look 8", "sysctl nozero_enabled 0"],
      { vm_nozero_list: NozeroList.owner_aware },
    );
    expect(lines[0]).toBe("look ........");
  });
});

describe.skipIf(needs(GCC))("a tag that would mean something else", () => {
  test("is forgotten when the owners change while the machine runs", () => {
    // Of task 1001, or of user 1000? Nobody may take the one for the other.
    const lists = ["as 1000;fill A 64", "sysctl nozero_owner 2", "sysctl nozero_owner 0"];
    expect(run([...lists, "as 1000;look 64"])[0]).not.toContain("A");
  });

  test("or while the proposal is off", () => {
    const lists = ["as 1000;fill A 64", "sysctl nozero_enabled 0", "sysctl nozero_enabled 1"];
    expect(run([...lists, "as 1000;look 64"])[0]).not.toContain("A");
  });

  test("groups cannot be asked for on a machine that was started without records", () => {
    const lists = ["sysctl nozero_owner 1", "sysctl nozero_enabled 1", "as 1000;fill A 8;look 8"];
    expect(run(lists, { vm_nozero_enabled: 0 })).toEqual(["sysctl 22", "look AAAAAAAA"]);
  });
});

test.skipIf(needs(GCC))("clearing is a part of time of its own, and avoided where it is", () => {
  const clear = () => machine.core.getNumber(CLOCK_SPLIT + 8 * CostKind.Clear);
  run(["as 1000;fill A 100;plain 100"]);
  const [ps, clears] = [clear(), counted(VmEvent.CLEAR_PAGE)];
  expect(ps % clears).toBe(0);
  run(["as 1000;fill A 100;look 100"]);
  expect(clears - counted(VmEvent.CLEAR_PAGE)).toBe(100);
  expect(ps - clear()).toBe((ps / clears) * 100);
});

test.skipIf(needs(GCC))("what is left in frames is told of each: zeros, kernel, file, user", () => {
  run(["as 1000;keep A 64", "as 2000;keep B 8"]);
  const { core } = machine;
  const left = new Map<string, number>();
  for (let pfn = 0; pfn < 16384; pfn++) {
    const of = provenance(core, pfn);
    const page = core.bytes.subarray(RAM_BASE + pfn * 4096, RAM_BASE + (pfn + 1) * 4096);
    const key = typeof of?.left === "string" ? of.left : `uid ${of?.left?.uid}`;
    left.set(key, (left.get(key) ?? 0) + 1);
    if (page.every((byte) => byte === 0x41))
      expect(of).toEqual({ owner: 1000, left: { uid: 1000 } });
    if (page.every((byte) => byte === 0x42))
      expect(of).toEqual({ owner: 2000, left: { uid: 2000 } });
    if (of?.left === "zero" && pageFlags(pfn) & PG.free) {
      expect(page.every((byte) => byte === 0)).toBe(true);
    }
  }
  for (const key of ["zero", "kernel", "file", "uid 0", "uid 1000", "uid 2000"]) {
    expect(left.get(key)).toBeGreaterThan(4);
  }
});
