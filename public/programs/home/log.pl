# Patterns: takes a kernel log apart, and puts it together in another way.
use strict;
use warnings;

my (%faults, %time, @slow);
while (my $line = <DATA>) {
    next if $line =~ /^\s*(?:#|$)/;
    unless ($line =~ /^\[\s*(?<s>\d+)\.(?<us>\d{6})\]\s+(\w+)\[(\d+)\]:\s+(.*?)\s*$/) {
        print "cannot read: $line";
        next;
    }
    my ($s, $us, $name, $pid, $text) = ($1, $2, $3, $4, $5);
    if ($text =~ /^(major|minor) fault at (0x[0-9a-f]+)(?: in (\S+))?/i) {
        my ($kind, $va, $where) = (lc $1, hex $2, defined $3 ? $3 : "anonymous memory");
        $faults{$name}{$kind}++;
        $faults{$name}{pages}{$va >> 12} = $where;
        push @slow, sprintf("%d.%03d s %s", $s, $us / 1000, $where) if $kind eq "major";
    } elsif (my @pairs = $text =~ /(\w+)=(\d+)/g) {
        my %of = @pairs;
        $time{$name} += $of{utime} + $of{stime};
    }
}
for my $name (sort keys %faults) {
    my $f = $faults{$name};
    my $pages = join ",", map { sprintf "%x", $_ } sort { $a <=> $b } keys %{ $f->{pages} };
    printf "%-6s major %d minor %d pages %s time %d\n", $name, $f->{major} || 0,
        $f->{minor} || 0, $pages, $time{$name} // 0;
}
(my $list = join "; ", @slow) =~ s/(\d+)\.(\d+) s/$1,$2 sec/g;
$list =~ s{/(?:usr/)?lib/(\w+)\.so(?:\.\d+)*}{<\U$1>}g if 0;
$list =~ s{/lib/(\w+)\.so(?:\.\d+)*}{"<" . uc($1) . ">"}ge;
(my $upper = $list) =~ tr/a-z/A-Z/;
print "$list\n", length($list), " ", ($upper =~ tr/A//), "\n";
__DATA__
# seconds, program[pid]: what happened
[    0.010500] init[1]: major fault at 0x10000 in /bin/init
[    0.021250] init[1]: minor fault at 0x11008
[    0.035000] perl[7]: Major fault at 0x2aaaab3f in /bin/perl5
[    0.047125] perl[7]: major fault at 0x3ff7f10a0 in /lib/libscalar.so.1
[    0.047130] perl[7]: minor fault at 0x3ff7f1ff8 in /lib/libscalar.so.1
[    1.500000] perl[7]: major fault at 0x3ff7e0000 in /lib/libpattern.so.1
this line is of another kind
[    1.600000] perl[7]: exit utime=12 stime=30
[    1.700001] init[1]: exit utime=1 stime=2
