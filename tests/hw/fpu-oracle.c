/*
 * Runs the F and D extensions of whatever executes it (qemu-riscv64) on edge operands
 * and on pseudo-random ones, and writes one record a vector to standard output:
 *
 *	u64 op | rm << 8 | fflags << 16, u64 a, b, c, result
 *
 *	fpu-oracle SEED RANDOM_VECTORS [GRID]
 *
 * GRID 0 leaves out the edge grid. The op numbers are those of fpu-shim.ts; + 32 is the
 * binary32 form. Records say what was run, so the reader needs no copy of this generator.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t u64;

enum op {
	ADD, SUB, MUL, DIV, SQRT, MADD, MSUB, NMSUB, NMADD, MIN, MAX, EQ, LT, LE, CLASS,
	CONVERT, TO_I32, TO_U32, TO_I64, TO_U64, FROM_I32, FROM_U32, FROM_I64, FROM_U64,
	OPS
};

#define SINGLE 32

#define RUN(in, out, result, insn)                                                  \
	__asm__ volatile(in " ft0, %2\n" in " ft1, %3\n" in " ft2, %4\n"            \
			 "fsrm %5\nfsflags zero\n" insn "\nfrflags %1\nfsrm zero\n" \
			 out " %0, " result                                         \
			 : "=&r"(r), "=&r"(flags)                                   \
			 : "r"(a), "r"(b), "r"(c), "r"(rm)                          \
			 : "ft0", "ft1", "ft2", "ft3", "t0", "memory")

#define FLOAT64(insn) RUN("fmv.d.x", "fmv.x.d", "ft3", insn)
#define INT64(insn) RUN("fmv.d.x", "mv", "t0", insn)
#define FLOAT32(insn) \
	do { RUN("fmv.w.x", "fmv.x.w", "ft3", insn); r = (uint32_t)r; } while (0)
#define INT32(insn) RUN("fmv.w.x", "mv", "t0", insn)

#define CASES(base, T, I, s)                                                        \
	case base + ADD: T("fadd." s " ft3, ft0, ft1"); break;                      \
	case base + SUB: T("fsub." s " ft3, ft0, ft1"); break;                      \
	case base + MUL: T("fmul." s " ft3, ft0, ft1"); break;                      \
	case base + DIV: T("fdiv." s " ft3, ft0, ft1"); break;                      \
	case base + SQRT: T("fsqrt." s " ft3, ft0"); break;                         \
	case base + MADD: T("fmadd." s " ft3, ft0, ft1, ft2"); break;               \
	case base + MSUB: T("fmsub." s " ft3, ft0, ft1, ft2"); break;               \
	case base + NMSUB: T("fnmsub." s " ft3, ft0, ft1, ft2"); break;             \
	case base + NMADD: T("fnmadd." s " ft3, ft0, ft1, ft2"); break;             \
	case base + MIN: T("fmin." s " ft3, ft0, ft1"); break;                      \
	case base + MAX: T("fmax." s " ft3, ft0, ft1"); break;                      \
	case base + EQ: I("feq." s " t0, ft0, ft1"); break;                         \
	case base + LT: I("flt." s " t0, ft0, ft1"); break;                         \
	case base + LE: I("fle." s " t0, ft0, ft1"); break;                         \
	case base + CLASS: I("fclass." s " t0, ft0"); break;                        \
	case base + TO_I32: I("fcvt.w." s " t0, ft0, dyn"); break;                  \
	case base + TO_U32: I("fcvt.wu." s " t0, ft0, dyn"); break;                 \
	case base + TO_I64: I("fcvt.l." s " t0, ft0, dyn"); break;                  \
	case base + TO_U64: I("fcvt.lu." s " t0, ft0, dyn"); break;                 \
	case base + FROM_I32: T("fcvt." s ".w ft3, %2"); break;                     \
	case base + FROM_U32: T("fcvt." s ".wu ft3, %2"); break;                    \
	case base + FROM_I64: T("fcvt." s ".l ft3, %2"); break;                     \
	case base + FROM_U64: T("fcvt." s ".lu ft3, %2"); break

static u64 vectors;

static void run(int op, u64 rm, u64 a, u64 b, u64 c)
{
	u64 r = 0, flags = 0;

	switch (op) {
	CASES(0, FLOAT64, INT64, "d");
	CASES(SINGLE, FLOAT32, INT32, "s");
	case CONVERT:
		RUN("fmv.d.x", "fmv.x.w", "ft3", "fcvt.s.d ft3, ft0, dyn");
		r = (uint32_t)r;
		break;
	case SINGLE + CONVERT:
		RUN("fmv.w.x", "fmv.x.d", "ft3", "fcvt.d.s ft3, ft0");
		break;
	default:
		abort();
	}
	u64 record[5] = { op | rm << 8 | flags << 16, a, b, c, r };
	fwrite(record, sizeof record, 1, stdout);
	vectors++;
}

/* xorshift64*: Marsaglia 2003, Vigna 2016. */
static u64 state;

static u64 next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1d;
}

static u64 below(u64 n) { return (next() >> 33) % n; }

struct format { int fraction; int exponent; };
static const struct format formats[2] = { { 52, 11 }, { 23, 8 } };

static u64 pack(const struct format *f, u64 sign, int64_t exponent, u64 fraction)
{
	int64_t top = (1 << f->exponent) - 1;
	if (exponent < 0) exponent = 0;
	if (exponent > top) exponent = top;
	return sign << (f->fraction + f->exponent) | (u64)exponent << f->fraction
		| (fraction & (((u64)1 << f->fraction) - 1));
}

/* Operands at which something changes, for a format; both signs are made from these. */
static int edges(const struct format *f, u64 *out, int fine)
{
	int bias = (1 << (f->exponent - 1)) - 1, top = 2 * bias + 1, p = f->fraction, n = 0;
	u64 ones = ~(u64)0, half = (u64)1 << (p - 1);

#define EDGE(e, m) out[n++] = pack(f, 0, e, m), out[n++] = pack(f, 1, e, m)
	EDGE(0, 0);			/* zero */
	EDGE(0, 1);			/* least subnormal */
	EDGE(0, ones);			/* greatest subnormal */
	EDGE(1, 0);			/* least normal */
	EDGE(bias, 0);			/* 1 */
	EDGE(bias, 1);			/* 1 + eps */
	EDGE(bias - 1, ones);		/* 1 - eps/2 */
	EDGE(bias - p - 1, 0);		/* half an ulp of 1 */
	EDGE(bias - p - 1, 1);		/* a little more */
	EDGE(top - 1, ones);		/* greatest */
	EDGE(top, 0);			/* infinity */
	EDGE(top, half);		/* quiet NaN */
	EDGE(top, 1);			/* signalling NaN */
	if (!fine) return n;
	EDGE(0, half);
	EDGE(0, half + 1);
	EDGE(1, 1);
	EDGE(bias - 1, 0);		/* 0.5 */
	EDGE(bias - 2, half);		/* 0.375 */
	EDGE(bias, half);		/* 1.5 */
	EDGE(bias + 1, 0);		/* 2 */
	EDGE(bias + 1, half >> 1);	/* 2.5 */
	EDGE(bias + 1, half);		/* 3 */
	EDGE(bias - p, 0);		/* eps */
	EDGE(bias + p, 1);		/* 2^p + 1 */
	EDGE(bias + p + 1, 0);		/* 2^(p+1) */
	EDGE(bias / 2, 0);		/* roots of the least normal */
	EDGE(bias / 2 + 1, ones);
	EDGE(bias + bias / 2, ones);	/* roots of the greatest */
	EDGE(top - 2, 0);		/* 1 / least normal */
	EDGE(top - 1, 0);
	EDGE(top - 1, half);
	for (int k = 31; k <= 64; k += k == 31 ? 1 : k == 32 ? 21 : k == 53 ? 10 : 1) {
		EDGE(bias + k, 0);	/* 2^31, 2^32, 2^53, 2^63, 2^64 */
		EDGE(bias + k, 1);
		EDGE(bias + k - 1, ones);
	}
	if (p == 52) {
		EDGE(bias + 30, ones << 21);		/* 2^31 - 1 */
		EDGE(bias + 30, ones << 20);		/* 2^31 - 0.5 */
		EDGE(bias + 31, ones << 21);		/* 2^32 - 1 */
		EDGE(bias + 31, ones << 20);		/* 2^32 - 0.5 */
		EDGE(bias + 31, (u64)1 << 20);		/* 2^31 + 0.5 */
		EDGE(bias - 126, 0);			/* least normal binary32 */
		EDGE(bias - 127, ones);			/* just below it */
		EDGE(bias - 127, ones << 28);		/* rounds up to it */
		EDGE(bias - 127, ones << 27);
		EDGE(bias - 149, 0);			/* least subnormal binary32 */
		EDGE(bias - 150, 0);			/* half of it */
		EDGE(bias + 127, ones << 29);		/* greatest binary32 */
		EDGE(bias + 127, ones << 28);		/* half way to 2^128 */
		EDGE(bias, (u64)1 << 28);		/* half way in binary32 */
		EDGE(bias, (u64)3 << 28);
	}
	return n;
}

static const u64 integers[] = {
	0, 1, 2, 3, 0xffffff, 0x1000000, 0x1000001, 0x1000002, 0x1000003, 0x1fffffe, 0x1ffffff,
	0x7fffff80, 0x7fffffbf, 0x7fffffc0, 0x7fffffff, 0x80000000, 0x80000001, 0xffffff7f,
	0xffffff80, 0xffffffff, 0x100000000, 0x1fffffffffffff, 0x20000000000000, 0x20000000000001,
	0x20000000000002, 0x20000000000003, 0x3ffffffffffffe, 0x3fffffffffffff,
	0x7ffffffffffffdff, 0x7ffffffffffffe00, 0x7ffffffffffffe01, 0x7fffffbfffffffff,
	0x7fffffc000000000, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001,
	0x80000000000003ff, 0x8000000000000400, 0x8000000000000401, 0x8000008000000000,
	0xfffffffffffffbff, 0xfffffffffffffc00, 0xffffff7fffffffff, 0xffffff8000000000,
	0xffffffffffffffff, 0xffffffff00000000, 0xffffffff80000000, 0xffffffff7fffffff,
};

#define INTEGERS (int)(sizeof integers / sizeof *integers)

static void grid(int single)
{
	const struct format *f = &formats[single];
	int base = single ? SINGLE : 0;
	u64 edge[160], few[64];
	int n = edges(f, edge, 1), m = edges(f, few, 0);

	for (u64 rm = 0; rm < 5; rm++) {
		for (int op = 0; op < OPS; op++) {
			if (op >= FROM_I32) {
				for (int i = 0; i < INTEGERS; i++)
					run(base + op, rm, integers[i], 0, 0);
			} else if (op == SQRT || (op >= CLASS && op <= TO_U64)) {
				for (int i = 0; i < n; i++)
					run(base + op, rm, edge[i], 0, 0);
			} else if (op < MADD || (op > NMADD && rm == 0)) {
				for (int i = 0; i < n; i++)
					for (int j = 0; j < n; j++)
						run(base + op, rm, edge[i], edge[j], 0);
			}
		}
		for (int i = 0; i < m; i++)
			for (int j = 0; j < m; j++)
				for (int k = 0; k < m; k++)
					run(base + MADD + (i + j + k) % 4, rm, few[i], few[j], few[k]);
	}
}

/* A number of format f; seven kinds, each made to hit one sort of rounding. */
static u64 number(const struct format *f)
{
	int bias = (1 << (f->exponent - 1)) - 1, p = f->fraction;
	u64 sign = below(2), fraction = next(), edge[160];

	if (below(2))	/* sparse: exact results and ties */
		fraction = ((u64)1 << below(p)) * (below(2) ? 1 : below(16)) + (below(2) ? 1 : 0);
	else if (below(4) == 0)	/* dense: carries */
		fraction = ~fraction >> below(p) << below(p);
	switch (below(8)) {
	case 0: return pack(f, 0, 0, 0) | (next() >> (63 - p - f->exponent));
	case 1: return edge[below(edges(f, edge, 1))];
	case 2: return edge[below(edges(f, edge, 1))] + below(5) - 2;
	case 3: return pack(f, sign, below(p + 4), fraction >> below(p));
	case 4: return pack(f, sign, 2 * bias - below(p + 4), fraction);
	case 5: return pack(f, sign, bias + below(70) - 2, fraction);
	default: return pack(f, sign, bias + below(2 * p + 8) - p - 4, fraction);
	}
}

static int exponent_of(const struct format *f, u64 a)
{
	return a >> f->fraction & ((1 << f->exponent) - 1);
}

static void random_vector(void)
{
	int single = below(2), op = below(OPS);
	if (op > NMADD && below(2)) op = below(NMADD + 1);
	const struct format *f = &formats[single];
	int bias = (1 << (f->exponent - 1)) - 1, top = 2 * bias + 1, p = f->fraction;
	u64 mask = ~(u64)0 >> (63 - p - f->exponent), sign = (mask >> 1) + 1, a, b, c;

	a = number(f), b = number(f), c = number(f);
	if (op >= FROM_I32) {
		a = below(2) ? next() >> below(64) : integers[below(INTEGERS)] + below(5) - 2;
		if (below(2)) a = -a;
	} else if (op < MUL && below(3) == 0) {	/* cancellation */
		b = ((a ^ (below(2) ? sign : 0)) + below(9) - 4) & mask;
	} else if (op >= MUL && op <= NMADD && op != SQRT && below(3) == 0) {
		/* aim at the ends of the range */
		int want = below(3) ? below(p + 6) - p - 3 : top - 3 + below(5);
		int e = op == DIV ? exponent_of(f, a) - want + bias : want - exponent_of(f, a) + bias;
		b = pack(f, below(2), e, b);
	}
	if (op >= MADD && op <= NMADD && below(2)) {	/* c near -a * b, or far by about p bits */
		u64 rm = 0, r = 0, flags;
		if (single) FLOAT32("fmul.s ft3, ft0, ft1");
		else FLOAT64("fmul.d ft3, ft0, ft1");
		int e = exponent_of(f, r);
		switch (below(4)) {
		case 0: c = r ^ (below(2) ? sign : 0); break;
		case 1: c = ((r ^ (below(2) ? sign : 0)) + below(5) - 2) & mask; break;
		case 2: c = pack(f, below(2), e + below(2 * p + 8) - p - 4, c); break;
		default: c = pack(f, below(2), e + below(7) - 3, c);
		}
	}
	if (op == SQRT && below(2)) {
		u64 rm = 0, r = 0, flags;
		b = a & ~sign;
		a = b;
		if (single) FLOAT32("fmul.s ft3, ft0, ft1");
		else FLOAT64("fmul.d ft3, ft0, ft1");
		a = r + below(3) - 1;
		/* a subnormal that is the rounded square of its inexact root */
		if (!single && below(8) == 0) {
			u64 odd = 67108865 + 2 * below(13898700);
			a = (odd * odd - 1) / 4;
		}
	}
	run(single ? SINGLE + op : op, below(5), a & (op >= FROM_I32 ? ~(u64)0 : mask), b & mask,
	    c & mask);
}

int main(int argc, char **argv)
{
	static char buffer[1 << 20];

	if (argc < 3) return 2;
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	state = strtoull(argv[1], 0, 0) * 2 + 1;
	u64 random = strtoull(argv[2], 0, 0);
	if (argc < 4 || atoi(argv[3])) grid(0), grid(1);
	while (random--) random_vector();
	fflush(stdout);
	fprintf(stderr, "%llu\n", (unsigned long long)vectors);
	return 0;
}
