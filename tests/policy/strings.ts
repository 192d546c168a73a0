// Reference strings of textbooks and exams, with the fault counts that their authors give. A count
// is listed only where the source states it (or its solution does); all others in strings.test.ts
// come from restating the algorithm.

export interface PublishedString {
  source: string;
  pages: string;
  /** Policy, frames, faults; the first use of a page counts. */
  counts: readonly (readonly [policy: string, frames: number, faults: number])[];
}

const range = (from: number, to: number) =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => from + (to > from ? i : -i)).join(" ");

export const PUBLISHED: readonly PublishedString[] = [
  {
    source: "Silberschatz, Galvin, Gagne, Operating System Concepts, section on page replacement",
    pages: "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1",
    counts: [
      ["fifo", 3, 15],
      ["opt", 3, 9],
      ["lru", 3, 12],
    ],
  },
  {
    source: "Belady, Nelson, Shedler, CACM 12(6), 1969; Silberschatz et al., Belady's anomaly",
    pages: "1 2 3 4 1 2 5 1 2 3 4 5",
    counts: [
      ["fifo", 3, 9],
      ["fifo", 4, 10],
    ],
  },
  {
    source: "Silberschatz et al., exercise with one to seven frames, and its solution",
    pages: "1 2 3 4 2 1 5 6 2 1 2 3 7 6 3 2 1 2 3 6",
    counts: [
      ["lru", 1, 20],
      ["lru", 2, 18],
      ["lru", 3, 15],
      ["lru", 4, 10],
      ["lru", 5, 8],
      ["lru", 6, 7],
      ["lru", 7, 7],
      ["fifo", 1, 20],
      ["fifo", 2, 18],
      ["fifo", 3, 16],
      ["fifo", 4, 14],
      ["fifo", 5, 10],
      ["fifo", 6, 10],
      ["fifo", 7, 7],
      ["opt", 1, 20],
      ["opt", 2, 15],
      ["opt", 3, 11],
      ["opt", 4, 8],
      ["opt", 5, 7],
      ["opt", 6, 7],
      ["opt", 7, 7],
    ],
  },
  {
    source: "Silberschatz et al., practice exercise with three frames, and its solution",
    pages: "7 2 3 1 2 5 3 4 6 7 7 1 0 5 4 6 2 3 0 1",
    counts: [
      ["lru", 3, 18],
      ["fifo", 3, 17],
      ["opt", 3, 13],
    ],
  },
  {
    source: "Stallings, Operating Systems, four algorithms on one string (3 to fill, then F's)",
    pages: "2 3 2 1 5 2 4 5 3 2 5 2",
    counts: [
      ["opt", 3, 6],
      ["lru", 3, 7],
      ["fifo", 3, 9],
      ["clock", 3, 8],
    ],
  },
  {
    source: "Tanenbaum, Modern Operating Systems, exercise with four frames, and its solution",
    pages: "0 1 7 2 3 2 7 1 0 3",
    counts: [
      ["fifo", 4, 6],
      ["lru", 4, 7],
    ],
  },
  {
    source: "Tanenbaum, Modern Operating Systems, Belady's anomaly",
    pages: "0 1 2 3 0 1 4 0 1 2 3 4",
    counts: [
      ["fifo", 3, 9],
      ["fifo", 4, 10],
    ],
  },
  {
    source:
      "Arpaci-Dusseau, Operating Systems: Three Easy Pieces, Beyond Physical Memory: Policies",
    pages: "0 1 2 0 1 3 0 3 1 2 1",
    counts: [
      ["opt", 3, 5],
      ["fifo", 3, 7],
      ["lru", 3, 5],
    ],
  },
  {
    source: "Arpaci-Dusseau, the same chapter: looping over 50 pages with 49 frames hits nothing",
    pages: Array.from({ length: 200 }, () => range(0, 49)).join(" "),
    counts: [
      ["fifo", 49, 10000],
      ["lru", 49, 10000],
    ],
  },
  {
    source: "Wikipedia, Belady's anomaly",
    pages: "3 2 1 0 3 2 4 3 2 1 0 4",
    counts: [
      ["fifo", 3, 9],
      ["fifo", 4, 10],
    ],
  },
  {
    source: "GATE Computer Science 2007 (optimal 7, and LRU two more)",
    pages: "1 2 1 3 7 4 5 6 3 1",
    counts: [
      ["opt", 3, 7],
      ["lru", 3, 9],
    ],
  },
  {
    source: "GATE Computer Science 2010 (pages 1 to 100 and back, FIFO)",
    pages: `${range(1, 100)} ${range(100, 1)}`,
    counts: [["fifo", 4, 196]],
  },
  {
    source: "GATE Computer Science 2012 (optimal < FIFO < LRU)",
    pages: "1 2 3 2 4 1 3 2 4 1",
    counts: [
      ["opt", 3, 5],
      ["fifo", 3, 6],
      ["lru", 3, 9],
    ],
  },
  {
    source: "GATE Computer Science 2014 (LRU)",
    pages: "4 7 6 1 7 6 1 2 7 2",
    counts: [["lru", 3, 6]],
  },
  {
    source: "GATE Computer Science 2015 (FIFO and LRU alike)",
    pages: "3 8 2 3 9 1 6 3 8 9 3 6 2 1 3",
    counts: [
      ["fifo", 5, 9],
      ["lru", 5, 9],
    ],
  },
];
