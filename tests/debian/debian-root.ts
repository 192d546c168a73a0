// Unmodified riscv64 programs of Debian, fetched when a test needs them: apt downloads the
// packages from the mirror that this machine is configured to use, dpkg-deb unpacks them into a
// root directory, and both stay in a cache. Nothing of the machine's own apt state is touched.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { needs } from "../needs.ts";

const SUITE = "trixie";
const MINUTE = 60_000;

/** What the tests run, and the libraries that these name as NEEDED. */
export const PACKAGES = [
  "hello",
  "busybox-static",
  "dash",
  "bash",
  "lua5.4",
  "perl-base",
  "coreutils",
  "libc6",
  "libtinfo6",
  "libreadline8t64",
  "libcrypt1",
  "libacl1",
  "libattr1",
  "libselinux1",
  "libpcre2-8-0",
  "libgmp10",
  "libssl3t64",
  "libzstd1",
  "zlib1g",
  "libcap2",
  "libsystemd0",
];

/** A root directory that is there. */
export interface DebianRoot {
  path: string;
  /** Version by package. */
  versions: Record<string, string>;
}

function run(command: string, args: string[], cwd: string): string {
  const options = { cwd, encoding: "utf8", timeout: 5 * MINUTE, maxBuffer: 1 << 28 } as const;
  // An apt.conf that the environment names may point back at the machine's own state.
  const { APT_CONFIG: _, ...env } = process.env;
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, env });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command}: ${stderr.trim().split("\n").at(-1)}`);
  return stdout;
}

/** The mirrors of Debian that apt is configured with, as `deb` lines name them. */
function mirrors(cwd: string): string[] {
  const format = ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"];
  const lines = run("apt-get", [...format, "Created-By: Packages"], cwd).split("\n");
  const main = lines.filter((line) => / main$/.test(line) && !/security|updates/.test(line));
  const uris = main.map((line) => line.split(" ")[0] as string);
  return [...new Set(uris)].filter((uri) => /debian\/?$/.test(uri));
}

/** apt's settings for a world of its own below `folder`. */
function aptOptions(folder: string): string[] {
  const set = {
    "APT::Architecture": "riscv64",
    "APT::Architectures": "riscv64",
    "Dir::State": `${folder}/state`,
    "Dir::State::status": `${folder}/state/status`,
    "Dir::Cache": `${folder}/cache`,
    "Dir::Etc::sourcelist": `${folder}/sources.list`,
    "Dir::Etc::sourceparts": "/dev/null",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    ...(process.getuid?.() === 0 ? { "APT::Sandbox::User": "root" } : {}),
  };
  return Object.entries(set).map(([key, value]) => `-o${key}=${value}`);
}

/** Fetches and unpacks into `folder`, which is new. */
function fetchRoot(folder: string, wanted: readonly string[]): void {
  const apt = join(folder, "apt");
  for (const part of ["state/lists/partial", "cache/archives/partial", "packages"]) {
    mkdirSync(join(apt, part), { recursive: true });
  }
  const mirror = mirrors(folder)[0];
  if (mirror === undefined) throw new Error("apt is configured with no mirror of Debian");
  writeFileSync(join(apt, "state/status"), "");
  writeFileSync(join(apt, "sources.list"), `deb ${mirror} ${SUITE} main\n`);
  const options = aptOptions(apt);
  run("apt-get", [...options, "update", "-qq"], apt);
  const packages = join(apt, "packages");
  run("apt-get", [...options, "download", "-qq", ...wanted], packages);
  const root = join(folder, "root");
  mkdirSync(join(root, "usr"), { recursive: true });
  mkdirSync(join(root, "tmp"), { mode: 0o1777 });
  // What Debian's base-files would bring: /bin and /lib are names for parts of /usr.
  for (const name of ["bin", "lib", "sbin"]) {
    mkdirSync(join(root, "usr", name));
    symlinkSync(`usr/${name}`, join(root, name));
  }
  const versions: Record<string, string> = {};
  for (const file of readdirSync(packages).sort()) {
    const [name = "", version = ""] = file.split("_");
    versions[name] = decodeURIComponent(version);
    run("dpkg-deb", ["-x", join(packages, file), root], packages);
  }
  // Neither documentation nor the tables of other character sets take part in any test.
  for (const part of ["share", "lib/riscv64-linux-gnu/gconv", "lib/locale"]) {
    rmSync(join(root, "usr", part), { recursive: true, force: true });
  }
  writeFileSync(join(folder, "versions.json"), JSON.stringify(versions, null, 1));
  rmSync(apt, { recursive: true });
}

/** Whose lock is it? False when that process is gone, or never said. */
function isHeld(folder: string): boolean {
  try {
    process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Waits for whoever is fetching the same thing. */
async function lock(folder: string): Promise<void> {
  for (;;) {
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, "pid"), String(process.pid));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    await sleep(200);
    if (!isHeld(folder)) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A root directory with packages unpacked, from the cache or from Debian.
 *
 * @param checkout the folder that has node_modules
 * @param wanted other packages than PACKAGES
 * @returns the root, or the reason why there is none, for people to read
 * @throws instead of returning a reason when apt is missing and PAGEWALK_REQUIRE_ALL is set; a
 *   mirror that does not answer is always a reason to skip.
 */
export async function debianRoot(
  checkout: string,
  wanted: readonly string[] = PACKAGES,
): Promise<DebianRoot | string> {
  const missing = needs("apt-get", "dpkg-deb");
  if (missing) return missing;
  const cache = join(checkout, "node_modules/.cache");
  const home = join(cache, `debian-${SUITE}-${cacheKey(wanted)}`);
  mkdirSync(cache, { recursive: true });
  await lock(`${home}.lock`);
  try {
    if (!existsSync(home)) {
      const partial = `${home}.partial`;
      rmSync(partial, { recursive: true, force: true });
      mkdirSync(partial);
      fetchRoot(partial, wanted);
      renameSync(partial, home);
    }
  } catch (error) {
    const reason = `Debian's packages cannot be had: ${(error as Error).message}`;
    console.warn(`skipping tests: ${reason}`);
    return reason;
  } finally {
    rmSync(`${home}.partial`, { recursive: true, force: true });
    rmSync(`${home}.lock`, { recursive: true, force: true });
  }
  const versions = JSON.parse(readFileSync(join(home, "versions.json"), "utf8"));
  return { path: join(home, "root"), versions };
}

/** Another list of packages is another cache. */
function cacheKey(packages: readonly string[]): string {
  let hash = 2166136261;
  for (const byte of Buffer.from(packages.join(" "))) hash = Math.imul(hash ^ byte, 16777619);
  return (hash >>> 0).toString(16);
}
