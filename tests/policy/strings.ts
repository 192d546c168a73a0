// Reference strings of textbooks, courses and exams, with the fault counts that their authors
// give. A count is listed only where the source states it, or shows it reference by reference;
// all others in strings.test.ts come from restating the algorithm.
//
// `opened` is what was read when the counts were entered: a page and its address, or a repository
// and the path in it. Policies in `unopened` are another matter: the book was not at hand, and no
// page that repeats the count was found, so that these counts are remembered.
//
// How many strings have a published count that was read, a policy (strings.test.ts counts them;
// what is only in `unopened` is beside these):
//
//   fifo            20   and 2 from memory
//   opt             19
//   lru             18   and 4 from memory
//   clock           12   2 of them tell policies not apart ("1 2 1 2" in one frame, "1 2 3 1 2 3" in
//                        three), and 3 come from pages whose clock loads a page with its bit clear:
//                        on these strings that makes no difference
//   sieve            5   as evictions, so with the pages that are left (PUBLISHED_PAGES)
//   lfu              2   others that were found break ties between equal counts by age or by frame
//                        number; ours does by last use, as a stack algorithm must
//   arc              1   as the contents of T1 and T2 at the end (PUBLISHED_PAGES)
//   mru              1
//   enhanced-clock   1   all references write, so only the bits are told apart, not the classes
//
// None: nbit-clock (OSTEP's clock of n bits starts each search at a page drawn at random),
// random, aging and nru (two solutions of a course at New York University were read, V22.0202 of
// 2002 and 2003: they take the lowest frame among equals, so that theirs need 10 faults for NRU's
// string where ours need 11), ws (joaomota59's and others' exercise in Portuguese counts 8 on
// Belady's string, with a tick of 4 and tau 3, and does not say which page of the set goes; ours
// take 7), wsclock, 2q (of the tests that were found none follows its full
// version), s3fifo (tests without a string), mglru and linux. For these the test is
// agree.test.ts, and BY_HAND in strings.test.ts.
//
// Read, and not entered, for they count something else:
//   - a clock whose pages are loaded with the bit clear, so that only a second use saves them:
//     UGC NET's "5 4 3 2 1 4 3 5 4 3 4 1 4" (8 second-chance faults after the first; 9 with the
//     bit set, as the hardware does that sets it when the faulting access is made again), and
//     EulerCauchyEquation/DataStructure's SCRTest.java (9, and 11 with the bit set);
//   - second chance with all bits cleared at ticks: V22.0202, and Rensselaer's
//     hw4/samples/clock-README (14 faults; without the tick 29).
// Read, and wrong:
//   - a student's table for UT Austin's CS439, "0 1 3 6 2 4 5 2 5 0 3 1 2 5 4 1 0" in four
//     frames: 15 clock faults. At the first eviction it clears one bit instead of all four; it is
//     14.
//   - a list of test cases for the clock at UFJF, Juiz de Fora: 11 FIFO faults on three rounds of
//     1 to 5 in four frames. FIFO hits nothing there: it is 15.
//   - Studyx on MRU's "A B C D E C D B" in four frames: 6 faults, which is right, but by putting
//     out E for D, where C was used last.

export interface PublishedString {
  source: string;
  /** Where the counts were read; what is not below is confirmed by it. */
  opened: readonly string[];
  /** Policies whose counts on this string were entered from memory and not seen again. */
  unopened?: readonly string[];
  pages: string;
  /** Policy, frames, faults; the first use of a page counts. */
  counts: readonly (readonly [policy: string, frames: number, faults: number])[];
}

/** Policies by the number of strings with published counts, or pages at the end; see above. */
export const NR_PUBLISHED: Readonly<Record<string, number>> = {
  fifo: 20,
  opt: 19,
  lru: 18,
  clock: 12,
  sieve: 5,
  lfu: 2,
  arc: 1,
  mru: 1,
  "enhanced-clock": 1,
};

const range = (from: number, to: number) =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => from + (to > from ? i : -i)).join(" ");

const BELADY = "1 2 3 4 1 2 5 1 2 3 4 5";
/** A course of operating systems in Japanese, chapter 4.2, tests of the exercise on replacement. */
const VMSIM = "GitHub, a Japanese course's test of vmsim.py, TestExercise3Replacement";
const CSCI430 = "GitHub csci430-os/assg04, src/assg04-tests.cpp";
const NEMOTRON = "nvidia/Nemotron-CC-Math-v1, copy of";

export const PUBLISHED: readonly PublishedString[] = [
  {
    source: "Silberschatz, Galvin, Gagne, Operating System Concepts, section on page replacement",
    opened: [
      VMSIM,
      "moj.naquadah.com.br/contests/ta_fso_t3_2023_1/fso-substituipaginas-fifo, and -otm",
      "GitHub, lru.cpp with its output (LRU, every step), and lecture notes (FIFO, every step)",
    ],
    pages: "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1",
    counts: [
      ["fifo", 3, 15],
      ["opt", 3, 9],
      ["lru", 3, 12],
      ["clock", 3, 14],
    ],
  },
  {
    source: "Belady, Nelson, Shedler, CACM 12(6), 1969; Silberschatz et al., Belady's anomaly",
    opened: [
      VMSIM,
      "GitHub, README of pagesim.cpp (CPSC 457, Calgary, assignment 5): OPT, LRU and clock",
      "GitHub, assignment with solution, TQ2: LRU, and clock with every bit and the hand",
    ],
    pages: BELADY,
    counts: [
      ["fifo", 3, 9],
      ["fifo", 4, 10],
      ["lru", 3, 10],
      ["lru", 4, 8],
      ["opt", 3, 7],
      ["opt", 4, 6],
      ["clock", 3, 9],
    ],
  },
  {
    source: "Silberschatz et al., exercise with one to seven frames, and its solution",
    opened: ["qammunity.org/12251292"],
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
    opened: ["quesba.com, question 424871, answered with every step"],
    pages: "7 2 3 1 2 5 3 4 6 7 7 1 0 5 4 6 2 3 0 1",
    counts: [
      ["lru", 3, 18],
      ["fifo", 3, 17],
      ["opt", 3, 13],
    ],
  },
  {
    source:
      "Silberschatz et al., exercise on frames with counters: the least faults with four frames",
    opened: ["cms.yvsou.com, 9.13 (two answers: 11 for the optimal strategy)"],
    pages: "1 2 3 4 5 3 4 1 6 7 8 7 8 9 7 8 9 5 4 5 4 2",
    counts: [["opt", 4, 11]],
  },
  {
    source: "Stallings, Operating Systems, four algorithms on one string (3 to fill, then F's)",
    opened: [
      `${CSCI430}: clock and FIFO, every step`,
      "GitHub JordanHaigh/COMP2240_PA3, ClockPolicyTests.java (clock: the pages at the end)",
      "GitHub, optimal.cpp with its results (OPT 6) and README with outputFIFO1.txt (FIFO 6 + 3)",
    ],
    unopened: ["lru"],
    pages: "2 3 2 1 5 2 4 5 3 2 5 2",
    counts: [
      ["opt", 3, 6],
      ["lru", 3, 7],
      ["fifo", 3, 9],
      ["clock", 3, 8],
    ],
  },
  {
    source: "CSCI 430, Texas A&M Commerce, assignment 4, page reference stream 02",
    opened: [`${CSCI430}: the faults are in the titles of its steps`],
    pages: "6 5 2 4 2 4 3 5 3 6 7 5 3 5 4 3 4 7 2 1 3 7 6 4 1 2 1 3 4 7",
    counts: [["clock", 5, 11]],
  },
  {
    source: "Tanenbaum, Modern Operating Systems, exercise with four frames, and its solution",
    opened: [
      "GitHub, notes in Polish with the traces of FIFO and LRU",
      `${NEMOTRON} EasyExamNotes, "Optimal Page Replacement Algorithm"`,
    ],
    pages: "0 1 7 2 3 2 7 1 0 3",
    counts: [
      ["fifo", 4, 6],
      ["lru", 4, 7],
      ["opt", 4, 6],
    ],
  },
  {
    source: "Tanenbaum, Modern Operating Systems, Belady's anomaly",
    opened: ["www.alecjacobson.com/weblog/746.html, every step"],
    pages: "0 1 2 3 0 1 4 0 1 2 3 4",
    counts: [
      ["fifo", 3, 9],
      ["fifo", 4, 10],
    ],
  },
  {
    source:
      "Arpaci-Dusseau, Operating Systems: Three Easy Pieces, Beyond Physical Memory: Policies",
    opened: [
      "fog.misty.com/perry/os/Chapters/22-vm-beyondphys-policy/notes_1.html (OPT)",
      "GitHub remzi-arpacidusseau/ostep-homework, vm-beyondphys-policy/README.md (LRU)",
    ],
    unopened: ["fifo"],
    pages: "0 1 2 0 1 3 0 3 1 2 1",
    counts: [
      ["opt", 3, 5],
      ["fifo", 3, 7],
      ["lru", 3, 5],
    ],
  },
  {
    source: "Arpaci-Dusseau, the same chapter: looping over 50 pages with 49 frames hits nothing",
    opened: [],
    unopened: ["fifo", "lru"],
    pages: Array.from({ length: 200 }, () => range(0, 49)).join(" "),
    counts: [
      ["fifo", 49, 10000],
      ["lru", 49, 10000],
    ],
  },
  {
    source: "Arpaci-Dusseau, the same chapter's homework, question 1, -s 0 -n 10",
    opened: [
      "GitHub xxyzz/ostep-hw, 22/README.md (the counts)",
      "GitHub thiswv/operating-systems, 22/22-answer.md (the pages)",
    ],
    pages: "8 7 4 2 5 4 7 3 4 5",
    counts: [
      ["fifo", 3, 9],
      ["lru", 3, 8],
      ["opt", 3, 6],
    ],
  },
  {
    source: "Arpaci-Dusseau, the same homework, question 3, one answer's random stream",
    opened: ["GitHub remzi-arpacidusseau/ostep-homework, vm-beyondphys-policy/SOLUTION.md"],
    pages: "3 4 2 5 0 5 3 0 0 1",
    counts: [
      ["fifo", 3, 7],
      ["lru", 3, 7],
      ["opt", 3, 6],
    ],
  },
  {
    source: "Arpaci-Dusseau, the same homework, question 4, one answer's stream with locality",
    opened: ["GitHub xxyzz/ostep-hw, 22/README.md"],
    pages: "3 0 6 6 6 6 7 0 6 6",
    counts: [["lru", 3, 4]],
  },
  {
    source: "Arpaci-Dusseau, the same homework, -m 6 -s 10",
    opened: ["fog.misty.com/perry/os/Chapters/22-vm-beyondphys-policy/notes_9.html"],
    pages: "3 2 3 1 4 4 3 0 3 1",
    counts: [["fifo", 3, 7]],
  },
  {
    source: "Wikipedia, Belady's anomaly",
    opened: ["wiki.av1.space/content/wikipedia_en_all_mini_2025-06/Bélády's_anomaly"],
    pages: "3 2 1 0 3 2 4 3 2 1 0 4",
    counts: [
      ["fifo", 3, 9],
      ["fifo", 4, 10],
    ],
  },
  {
    source: "GATE Computer Science 2007 (optimal 7, and LRU two more)",
    opened: [`${NEMOTRON} GATE Overflow, GATE2007-82 (OPT)`],
    unopened: ["lru"],
    pages: "1 2 1 3 7 4 5 6 3 1",
    counts: [
      ["opt", 3, 7],
      ["lru", 3, 9],
    ],
  },
  {
    source: "GATE Computer Science 2010 (pages 1 to 100 and back, FIFO)",
    opened: ["testbook.com, official paper of 2010, solution"],
    pages: `${range(1, 100)} ${range(100, 1)}`,
    counts: [["fifo", 4, 196]],
  },
  {
    source: "GATE Computer Science 2012 (optimal < FIFO < LRU)",
    opened: ["testbook.com, official paper of 2012, solution with every step"],
    pages: "1 2 3 2 4 1 3 2 4 1",
    counts: [
      ["opt", 3, 5],
      ["fifo", 3, 6],
      ["lru", 3, 9],
    ],
  },
  {
    source: "GATE Computer Science 2014, set 1 (optimal)",
    opened: ["www.geeksforgeeks.org/gate-gate-cs-2014-set-1-question-43/amp/"],
    pages: "1 2 3 4 2 1 5 3 2 4 6",
    counts: [["opt", 3, 7]],
  },
  {
    source: "GATE Computer Science 2014, set 2 (1 to 100 three times: MRU is as good as optimal)",
    opened: [
      `${NEMOTRON} GATE Overflow, GATE2014-2-33 (MRU and OPT)`,
      "cs.stackexchange.com/questions/97594 (OPT)",
    ],
    pages: Array.from({ length: 3 }, () => range(1, 100)).join(" "),
    counts: [
      ["mru", 20, 260],
      ["opt", 20, 260],
    ],
  },
  {
    source: "GATE Computer Science 2014 (LRU)",
    opened: [],
    unopened: ["lru"],
    pages: "4 7 6 1 7 6 1 2 7 2",
    counts: [["lru", 3, 6]],
  },
  {
    source: "GATE Computer Science 2015 (FIFO and LRU alike)",
    opened: ["www.geeksforgeeks.org/gate-gate-cs-2015-set-1-question-56/, every step"],
    pages: "3 8 2 3 9 1 6 3 8 9 3 6 2 1 3",
    counts: [
      ["fifo", 5, 9],
      ["lru", 5, 9],
    ],
  },
  {
    source: "GATE Computer Science 2016 (twenty pages twice in ten frames: optimal)",
    opened: [`${NEMOTRON} "GATE - 2016 [Operating System]"`],
    pages: `${range(1, 20)} ${range(1, 20)}`,
    counts: [["opt", 10, 30]],
  },
  {
    source: "UGC NET June 2014, paper III, question 35 (10 and 7 after the four that fill)",
    opened: [`${NEMOTRON} GATE Overflow, UGCNET-June2014-III: 35, every step`],
    pages: "1 2 3 2 5 6 3 4 6 3 7 3 1 5 3 6 3 4 2 4 3 4 5 1",
    counts: [
      ["lru", 4, 14],
      ["opt", 4, 11],
    ],
  },
  {
    source: "A question answered step by step, LRU with three frames",
    opened: ["www.doubtnut.com/user-asked-questions/sKNf5Ctk4F, every step"],
    pages: "4 3 2 1 4 3 5 4 3 2 1 5",
    counts: [["lru", 3, 10]],
  },
  {
    source: "An exam in Portuguese, LRU with three frames",
    opened: ["gabarite.com.br/questoes/121726-questao (answer b)"],
    pages: "1 2 3 1 4 2 5 1 2 5 2 1",
    counts: [["lru", 3, 7]],
  },
  {
    source: "Cnam, AMSI, exercise 4.15 (which of the two is FIFO, which LRU?)",
    opened: ["deptinfo.cnam.fr/Enseignement/CycleA/AMSI/exercices_systemes/physiq17.htm"],
    pages: "1 5 2 5 1 4 1 5 3",
    counts: [
      ["fifo", 3, 7],
      ["lru", 3, 5],
    ],
  },
  {
    source: "A course in French: LRU, and FINUFO, first in not used first out",
    opened: [
      "gitea.dariow.fr/oskar/cours, algorithme FINUFO (every step; FIFO is one more)",
      "gitea.dariow.fr/oskar/cours, algorithme LRU (every step; 25 % above optimal)",
    ],
    pages: "5 0 1 2 0 3 0 4 2 3 0 3 2 1 2",
    counts: [
      ["clock", 3, 11],
      ["fifo", 3, 12],
      ["lru", 3, 10],
      ["opt", 3, 8],
    ],
  },
  {
    source: "An answer on the clock's hand, with every bit drawn",
    opened: ["cs.stackexchange.com/questions/24011 (9 pages are loaded)"],
    pages: "3 2 3 0 8 4 2 5 0 9 8 3 2",
    counts: [["clock", 5, 9]],
  },
  {
    source: "A course in Japanese, the docstring and test of its exercise on the clock",
    opened: [VMSIM],
    pages: "1 2 3 1 4 5",
    counts: [["clock", 3, 5]],
  },
  {
    source: "The same course, all four policies alike in one frame",
    opened: [VMSIM],
    pages: "1 2 1 2",
    counts: [
      ["fifo", 1, 4],
      ["lru", 1, 4],
      ["opt", 1, 4],
      ["clock", 1, 4],
    ],
  },
  {
    source: "The same course, all four policies alike with a frame for each page",
    opened: [VMSIM],
    pages: "1 2 3 1 2 3",
    counts: [
      ["fifo", 3, 3],
      ["lru", 3, 3],
      ["opt", 3, 3],
      ["clock", 3, 3],
    ],
  },
  {
    source: "GeeksforGeeks, Second Chance (or Clock), first test (loads with the bit clear)",
    opened: [
      "www.geeksforgeeks.org/operating-systems/second-chance-or-clock-page-replacement-policy/",
      "GitHub, turtledb's clock_replacer test (the same count)",
    ],
    pages: "0 4 1 4 2 4 3 4 2 4 0 4 1 4 2 4 3 4",
    counts: [["clock", 3, 9]],
  },
  {
    source: "GeeksforGeeks, the same page, second test",
    opened: [
      "www.geeksforgeeks.org/operating-systems/second-chance-or-clock-page-replacement-policy/",
    ],
    pages: "2 5 10 1 2 2 6 9 1 2 10 2 6 1 2 1 6 9 5 1",
    counts: [["clock", 4, 11]],
  },
  {
    source: "An operating systems reference, the first test's beginning",
    opened: ["os-ref.netlify.app/virtual-memory/page-replacement-algorithm/clock, every step"],
    pages: "0 4 1 4 2 4 3 4 2 4 0 4 1",
    counts: [["clock", 3, 7]],
  },
  {
    source: "UC San Diego, CSE 120, spring 2002, LFU as a stack policy",
    opened: ["cseweb.ucsd.edu/classes/sp02/cse120_B/stack2.html"],
    pages: "1 2 3 2 4 3 5 1 3 2 3 5",
    counts: [
      ["lfu", 1, 12],
      ["lfu", 2, 9],
      ["lfu", 3, 7],
      ["lfu", 4, 6],
      ["lfu", 5, 5],
    ],
  },
  {
    source: "EulerCauchyEquation, tests of LFU, second example",
    opened: ["GitHub EulerCauchyEquation/DataStructure, src/test/java/com/page/LFU/LFUTest.java"],
    pages: "2 3 1 3 1 2 4 5",
    counts: [["lfu", 3, 5]],
  },
  {
    source: "Tsinghua, ucore, lab 3: four pages are loaded, then the kernel checks its FIFO",
    opened: ["GitHub, labcodes/lab3/kern/mm/swap_fifo.c, _fifo_check_swap"],
    pages: "1 2 3 4 3 1 4 2 5 2 1 2 3 4 5 1",
    counts: [["fifo", 4, 11]],
  },
  {
    source: "Tsinghua, ucore, lab 3, a solution of its extension (everything is written)",
    opened: ["GitHub, a solution's swap_fifo.c, _exclock_check_swap"],
    pages: "1* 2* 3* 4* 3* 1* 4* 2* 5* 1* 3* 2*",
    counts: [["enhanced-clock", 4, 7]],
  },
];

export interface PublishedPages {
  source: string;
  opened: string;
  policy: string;
  frames: number;
  pages: string;
  /** What is in memory at the end, ascending. */
  resident: readonly number[];
}

const MOSEC = "GitHub mosecorg/mosec, tests of its SieveCache (a is 1)";
const ARC_RECIPE = [range(0, 19), range(11, 14), range(0, 19), range(11, 39), range(39, 32)]
  .concat("16 17 11 41")
  .join(" ");

/** Published examples that give the pages in memory at the end, not a count. */
export const PUBLISHED_PAGES: readonly PublishedPages[] = [
  {
    source: "Adaptive replacement cache in Python, its doctest (T1 and T2 together)",
    opened: "GitHub reiv/cachelib, test.py, which adapts code.activestate.com/recipes/576532",
    policy: "arc",
    frames: 10,
    pages: ARC_RECIPE,
    resident: [11, 16, 17, 32, 33, 34, 35, 36, 37, 41],
  },
  {
    source: "CSCI 430, assignment 4, stream 02",
    opened: CSCI430,
    policy: "clock",
    frames: 5,
    pages: "6 5 2 4 2 4 3 5 3 6 7 5 3 5 4 3 4 7 2 1 3 7 6 4 1 2 1 3 4 7",
    resident: [1, 2, 3, 4, 7],
  },
  {
    source: "CSCI 430, assignment 4, stream 02",
    opened: CSCI430,
    policy: "clock",
    frames: 4,
    pages: "6 5 2 4 2 4 3 5 3 6 7 5 3 5 4 3 4 7 2 1 3 7 6 4 1 2 1 3 4 7",
    resident: [2, 3, 4, 7],
  },
  {
    source: "CSCI 430, assignment 4, stream 02",
    opened: CSCI430,
    policy: "fifo",
    frames: 5,
    pages: "6 5 2 4 2 4 3 5 3 6 7 5 3 5 4 3 4 7 2 1 3 7 6 4 1 2 1 3 4 7",
    resident: [1, 2, 4, 6, 7],
  },
  {
    source: "CSCI 430, assignment 4, stream 01 (Stallings's)",
    opened: CSCI430,
    policy: "clock",
    frames: 4,
    pages: "2 3 2 1 5 2 4 5 3 2 5 2",
    resident: [2, 3, 4, 5],
  },
  {
    source: "CSCI 430, assignment 4, stream 01 (Stallings's)",
    opened: CSCI430,
    policy: "fifo",
    frames: 3,
    pages: "2 3 2 1 5 2 4 5 3 2 5 2",
    resident: [2, 3, 5],
  },
  {
    source: "CPSC 457, Calgary, assignment 5, its example (Belady's)",
    opened: "GitHub, README of pagesim.cpp",
    policy: "clock",
    frames: 3,
    pages: BELADY,
    resident: [3, 4, 5],
  },
  {
    source: "CPSC 457, Calgary, assignment 5, its example (Belady's)",
    opened: "GitHub, README of pagesim.cpp",
    policy: "lru",
    frames: 3,
    pages: BELADY,
    resident: [3, 4, 5],
  },
  {
    source: "Mosec, SIEVE: what is not visited goes first",
    opened: MOSEC,
    policy: "sieve",
    frames: 2,
    pages: "1 2 1 3",
    resident: [1, 3],
  },
  {
    source: "Mosec, SIEVE: both visited, the second round takes the oldest",
    opened: MOSEC,
    policy: "sieve",
    frames: 2,
    pages: "1 2 1 2 3",
    resident: [2, 3],
  },
  {
    source: "Mosec, SIEVE: the hand stays between evictions",
    opened: MOSEC,
    policy: "sieve",
    frames: 3,
    pages: "1 2 3 4 5",
    resident: [3, 4, 5],
  },
  {
    source: "Mosec, SIEVE with one frame",
    opened: MOSEC,
    policy: "sieve",
    frames: 1,
    pages: "1 2",
    resident: [2],
  },
  {
    source: "A cache's tests: SIEVE's second chance outlives a scan",
    opened: "GitHub, test_sieve_second_chance_survives_scan (a is 1)",
    policy: "sieve",
    frames: 3,
    pages: "1 2 3 1 4",
    resident: [1, 3, 4],
  },
];
