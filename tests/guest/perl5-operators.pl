# Every operator with every pair of kinds of value, as globals, private variables and constants.
my @v = (undef, 0, 1, -1, 3, 7, -7, 63, 4294967296, 0.5, -2.5, 1e10, "5", "-3", "abc", "12abc", "1.5", "", " 42 ");
sub show { my $x = shift; return defined $x ? $x : "undef" }
for my $i (0 .. $#v) { for my $j (0 .. $#v) {
my ($l, $r) = ($v[$i], $v[$j]);
my @o;
push @o, eval { $l + $r }, eval { $l - $r }, eval { $l * $r }; my $q;
$q = eval { $l / $r }; push @o, show($q); $q = eval { $l % $r }; push @o, show($q);
push @o, $l < $r, $l > $r, $l <= $r, $l >= $r, $l == $r, $l != $r, show($l <=> $r);
push @o, $l lt $r, $l gt $r, $l le $r, $l ge $r, $l eq $r, $l ne $r, $l cmp $r, $l . $r;
push @o, $l & $r, $l | $r, $l ^ $r unless $i >= 12 && $j >= 12;
my $n = $l; $n += $r; push @o, $n; $n = $l; $n .= $r; push @o, $n; $n = $l; $n -= $r; push @o, $n; $n = $l; $n *= $r; push @o, $n;
push @o, show($v[$i]) x ($j % 3), $v[$i] + $v[$j], $v[$i] . $v[$j], $v[$i] < $v[$j] ? "T" : "F", $v[$i] eq $v[$j] ? "T":"F";
push @o, $l + 3, $l - 2.5, $l * "2", $l < 5, $l == 7, $l eq "5", $l . "x", $l <=> 1.5, $l cmp "b";
push @o, $l ** 2, $l ** 3, 3 ** ($j % 40), $l << ($j % 8), $l >> ($j % 8);
push @o, -$l, !$l, ~($j * 3), abs $l, int $l;
print "$i $j: ", join("|", map { show($_) } @o), "\n";
} }
