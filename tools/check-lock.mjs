// What must hold of package.json and package-lock.json, so that every clone installs the same
// bytes, on every platform, and nothing runs or binds us that we did not agree to.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { root } from "./fresh.mjs";

const PERMISSIVE = ["MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"];
/** For tools that are never shipped: their licence is not the licence of what they make. */
const DEVELOPMENT = [...PERMISSIVE, "MPL-2.0"];

/** Whether one of an SPDX expression's alternatives consists of allowed licences only. */
function allowed(expression, list) {
  const alternatives = (expression ?? "").replace(/[()]/g, "").split(" OR ");
  return alternatives.some((all) => all.split(" AND ").every((one) => list.includes(one)));
}

/** Whether `name` resolves from the folder `from` of the lock, as Node would look it up. */
function resolves(packages, from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    if (packages[`${at ? `${at}/` : ""}node_modules/${name}`]) return true;
    if (!at) return false;
  }
}

/**
 * Everything that is wrong with a manifest and its lock.
 *
 * @param {object} manifest package.json, parsed.
 * @param {object} lock package-lock.json, parsed.
 * @returns {string[]} one line for each fault; empty when all is well.
 */
export function faults(manifest, lock) {
  const found = [];
  const top = lock.packages[""];
  for (const kind of ["dependencies", "devDependencies"]) {
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
      if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        found.push(`${name}: ${version} is not exact`);
      if (top[kind]?.[name] !== version) found.push(`${name}: the lock is older than package.json`);
    }
  }
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === "") continue;
    const list = entry.dev ? DEVELOPMENT : PERMISSIVE;
    if (!allowed(entry.license, list))
      found.push(`${path}: licence ${entry.license ?? "not given"}`);
    if (entry.hasInstallScript) found.push(`${path}: has an install script`);
    if (!entry.integrity) found.push(`${path}: no integrity hash`);
    if (entry.resolved) found.push(`${path}: names a registry`);
    // npm drops a platform's package when its mirror lacks it; the next `npm ci` then fails there.
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      if (!resolves(lock.packages, path, name)) found.push(`${path}: ${name} is not in the lock`);
    }
  }
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const read = (name) => JSON.parse(readFileSync(`${root}/${name}`, "utf8"));
  const lock = read("package-lock.json");
  const found = faults(read("package.json"), lock);
  const count = Object.keys(lock.packages).length - 1;
  console.log([...found, `${count} packages, ${found.length} faults`].join("\n"));
  process.exitCode = found.length > 0 ? 1 : 0;
}
