# Regular expressions, sorting, hashes and a string of a megabyte.
use strict;
use warnings;

my $text = join " ", map { my $n = $_; map { chr(97 + ($n * 7 + $_ * 3) % 26) x (1 + $_ % 3) } 1 .. 5 } 1 .. 40;
my %count;
$count{$1}++ while $text =~ /(\w)\1/g;
printf "%s=%d\n", $_, $count{$_} for sort keys %count;

(my $swapped = "first second third") =~ s/(\w+) (\w+)/$2 $1/;
print "$swapped\n";
print join("|", "2024-02-29T12:34:56" =~ /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)$/), "\n";
print join(",", split /\s*;\s*/, "a ; b;c  ;  d"), "\n";
(my $nested = "f(g(h(x)))") =~ s/\((?=[^()]*\))/[/g;
print "$nested\n";

my @numbers = map { ($_ * 7919) % 10007 } 1 .. 2000;
my @sorted = sort { $a <=> $b } @numbers;
print "$sorted[0] $sorted[999] $sorted[1999]\n";
my @records = sort { $a->{k} cmp $b->{k} or $b->{v} <=> $a->{v} }
  map { { k => chr(97 + $_ % 5), v => $_ * $_ % 31 } } 1 .. 20;
print join(" ", map { "$_->{k}$_->{v}" } @records), "\n";

my $big = "0123456789abcdef" x 65536;
print length($big), "\n";
substr($big, 524288, 5) = "HELLO";
print index($big, "HELLO"), "\n";
my $digits = ($big =~ tr/0-9//);
print "$digits\n";
my $upper = reverse uc $big;
print substr($upper, 0, 16), " ", ($upper =~ /OLLEH/ ? $-[0] : -1), "\n";
my $sum = unpack "%32C*", $big;
print "$sum\n";
print sprintf("%.6f %e %x", 3.14159265, 12345.678, 48879), "\n";
exit 7;
