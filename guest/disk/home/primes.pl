# Numbers: a sieve, greatest common divisors, powers, and sums that do not fit.
use strict;
use warnings;

my $limit = shift // 1000;
my @composite;
my @primes;
for (my $n = 2; $n <= $limit; $n++) {
    next if $composite[$n];
    push @primes, $n;
    for (my $m = $n * $n; $m <= $limit; $m += $n) { $composite[$m] = 1 }
}
print scalar(@primes), " primes up to $limit, the last is $primes[-1]\n";

sub gcd {
    my ($m, $n) = @_;
    return $n == 0 ? $m : gcd($n, $m % $n);
}
my $coprime = 0;
for my $i (1 .. 30) {
    for my $j (1 .. 30) { $coprime++ if gcd($i, $j) == 1 }
}
printf "%d of 900 pairs have no common divisor: pi is about %.4f\n", $coprime,
    sqrt(6 * 900 / $coprime);

my ($sum, $product, $count) = (0, 1, 0);
for my $p (@primes) {
    $sum += 1 / $p;
    last if ($product *= $p) > 1e15 && !$count++;
}
printf "sum of reciprocals %.9f, product %.6e\n", $sum, $product;
print join(" ", map { 2**$_ } 10, 31, 53, 62, 63, 64, 70), "\n";
print 9223372036854775807 + 1, " ", -7 % 3, " ", 7 % -3, " ", 7 / 2, " ", int(-7 / 2), "\n";
my ($x, $y) = (1, 0);
($x, $y) = ($x + $y, $x) for 1 .. 90;
print "fib(90) = $y, in hexadecimal ", sprintf("%x", $y), ", bits ", sprintf("%b", $y) =~ tr/1//, "\n";
printf "%.6f %.6f %.6f %.6f\n", sin(1), cos(1), exp(1), atan2(1, 1) * 4;
