// resident in the terminal: the saved images of the running machine, and page by page what the
// programs that began as copies of them still share. Images are made by a program on the machine,
// /bin/resident; this only looks.
import { Conf, VM } from "../../../assembly/abi.ts";
import { count, plural } from "../format.ts";
import { namer } from "../snapshot.ts";
import { escapeName } from "../terminal-filter.ts";
import { CommandError, type Word } from "../tokenize.ts";
import * as views from "../views.ts";
import type { Command } from "./index.ts";
import { atMost, countOf, result, type Session } from "./session.ts";

const OFF = "no program can be resident: vm.resident_enabled is 0 (set vm.resident_enabled=1)";
const HOW =
  "Images are made by a program on the machine, as root:\n  set uid=0\n  set vm.resident_enabled=1\n  exec resident hello-dynamic -- again 3 hello-dynamic";

function pathOf(session: Session, image: views.ResidentImage): string {
  return escapeName(namer(session.running).path(image.ino));
}

/** Each image in a line; how many pages each copy of it has made its own. */
function list(session: Session): string {
  const { core } = session.running;
  const images = views.residentImages(core);
  if (images.length === 0) {
    return core.conf(Conf.vm_resident_enabled) === 0 ? OFF : "no image";
  }
  const cell = (text: string | number, width: number) => String(text).padStart(width);
  const rows = images.map((image) => {
    const { id, anon, swapped, tables, execs, copies } = image;
    const state = [image.changed ? " (a file has changed)" : "", image.emptied ? " (emptied)" : ""];
    const cells = [cell(id, 4), cell(views.hex(image.entry), 14), cell(anon, 6), cell(swapped, 5)];
    const more = [cell(tables, 7), cell(execs, 7), cell(copies.length, 7)];
    return `${[...cells, ...more].join(" ")}  ${pathOf(session, image)}${state.join("")}`;
  });
  return ["  ID          ENTRY  PAGES  SWAP  TABLES  STARTS  ALIVE  PROGRAM", ...rows].join("\n");
}

/** One letter a page of the image, or of a copy. */
function letter(state: "shared" | views.Whereabouts, own: views.Whereabouts): string {
  if (state === "absent") return ".";
  if (state === "file" || (state === "shared" && own === "file")) return "f";
  if (state === "shared") return "=";
  return state === "swap" ? "s" : "C";
}

const OWN = { absent: ".", file: "f", private: "#", swap: "s" };
const LEGEND =
  "# the image's own page   s in swap   f the file's page   . nowhere yet\n= shared with the image  C copied: this process has written to it";

function areaLines(
  image: views.ResidentImage,
  { vma, length, pages }: views.ResidentArea,
  name: string,
): string[] {
  const row = (letterOf: (page: views.ResidentPage) => string) => {
    const line = Array.from({ length: Math.min(length, 64) }, () => ".");
    for (const page of pages) if (page.index < 64) line[page.index] = letterOf(page);
    return line.join("") + (length > 64 ? ` ... ${count(length - 64)} more` : "");
  };
  const perms = views.perms(vma.flags);
  const range = `${views.hex(vma.start)}-${views.hex(vma.end)} ${perms} ${name}`;
  const copies = image.copies.map(
    ({ pid }, i) => `  ${`pid ${pid}`.padEnd(9)}${row((p) => letter(p.copies[i]!, p.saved))}`,
  );
  return [range, `  ${"image".padEnd(9)}${row(({ saved }) => OWN[saved])}`, ...copies];
}

function show(session: Session, word: Word): string {
  const { core } = session.running;
  const id = countOf(word);
  const images = views.residentImages(core).filter((one) => one.id === id);
  if (images.length === 0) throw new CommandError(`there is no image ${id}`, word.column);
  const paths = namer(session.running);
  const texts = images.map((image) => {
    const areas = views.residentAreas(core, image);
    const counts = image.copies.map(({ pid, name }, i) => {
      const { shared, copied, file } = views.residentCounts(areas, i);
      const pages = `${plural(shared, "page")} shared, ${copied} copied, ${file} of files`;
      return `  pid ${pid} ${escapeName(name)}: ${pages}`;
    });
    const lines = areas
      .filter(({ vma, pages }) => pages.length > 0 && (vma.flags & VM.PFNMAP) === 0)
      .flatMap((area) => {
        const { ino } = area.vma;
        return areaLines(image, area, ino === 0 ? "" : escapeName(paths.path(ino)));
      });
    const head = `image ${id} of ${pathOf(session, image)}, entered at ${views.hex(image.entry)}`;
    return [head, ...counts, ...lines, LEGEND].join("\n");
  });
  return texts.join("\n\n");
}

export const RESIDENT_COMMANDS: Command[] = [
  {
    name: "resident",
    usage: "resident [-l]    resident ID",
    help: `The saved images of resident programs: number, entry, private pages in memory and in swap, page
tables, starts, living copies. ID: what each copy still shares with the image, page by page.
${HOW}`,
    complete: (session) =>
      session.machine ? views.residentImages(session.machine.core).map(({ id }) => `${id}`) : [],
    async run(session, args) {
      atMost(args, 1);
      const [word] = args;
      if (!word || word.text === "-l") return result(list(session));
      if (/^\d+$/.test(word.text)) return result(show(session, word));
      throw new CommandError(`resident takes -l or the number of an image. ${HOW}`, word.column);
    },
  },
];
