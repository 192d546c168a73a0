# Records: lists of hashes, closures, sorting by several keys, a table.
use strict;

my @fields = qw(name pages faults disk);
my @runs;
for (split /\n/, <<"END") {
hello    2    3 laptop
perl   363  178 laptop
bash   306  117 desktop
dash   129   63 desktop
lua    221   95 flash
hello    2    3 flash
END
    my %run;
    @run{@fields} = split;
    push @runs, \%run;
}

my %by = (
    pages => sub { $_[1]{pages} <=> $_[0]{pages} },
    name  => sub { $_[0]{name} cmp $_[1]{name} || $_[0]{disk} cmp $_[1]{disk} },
);
sub table {
    my ($title, $order, @rows) = @_;
    my $n = 0;
    print "== $title ==\n";
    foreach my $r (sort { $order->($a, $b) } @rows) {
        printf "%2d %-8s|%5d|%5s|%7.2f|%s\n", ++$n, @$r{qw(name pages faults)},
            $r->{faults} / $r->{pages}, ucfirst $r->{disk};
    }
}
table("by pages", $by{pages}, @runs);
table("by name", $by{name}, grep { $_->{pages} > 2 } @runs);

my %disks;
push @{ $disks{ $_->{disk} } }, $_ foreach @runs;
foreach my $disk (sort { @{ $disks{$b} } <=> @{ $disks{$a} } or $a cmp $b } keys %disks) {
    my ($pages, $faults) = (0, 0);
    $pages += $_->{pages}, $faults += $_->{faults} for @{ $disks{$disk} };
    print "$disk: ", join(", ", map { $_->{name} } @{ $disks{$disk} }), " - $pages pages\n";
}

sub counter {
    my ($step) = @_;
    my $at = 0;
    return { next => sub { $at += $step }, reset => sub { $at = 0 } };
}
my ($one, $ten) = (counter(1), counter(10));
$one->{next}->() for 1 .. 3;
$ten->{next}->() while $ten->{next}->() < 60;
$one->{reset}->();
print $one->{next}->(), " ", $ten->{next}->(), "\n";
my $text = eval { die { code => 42 } if @runs > 5; "fine" };
print defined $text ? $text : "died with code $@->{code}", "\n";
