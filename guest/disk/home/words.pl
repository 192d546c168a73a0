# Which words does a text use most? A hash of counts, sorted by count and word.
use strict;
use warnings;

my $file = shift || "/home/words.txt";
open(my $in, "<", $file) or die "$file: $!\n";
my (%count, %length);
my ($lines, $words) = (0, 0);
while (my $line = <$in>) {
    chomp $line;
    $lines++;
    for my $word (map { lc } $line =~ /[A-Za-z]+/g) {
        $count{$word}++;
        $words++;
    }
}
close($in);

my @common = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
printf "%d lines, %d words, %d different\n", $lines, $words, scalar(@common);
for my $word (@common[0 .. 9]) {
    printf "%-10s %3d %s\n", $word, $count{$word}, "*" x $count{$word};
}

push @{ $length{length $_} }, $_ for sort keys %count;
for my $n (sort { $a <=> $b } keys %length) {
    my @all = @{ $length{$n} };
    my $shown = @all > 4 ? join(" ", @all[0 .. 3]) . " ..." : "@all";
    print "$n: ", scalar(@all), " ($shown)\n";
}
