# Files, processes, pipes, signals, regular expressions and numbers.
use strict; use warnings; use Cwd; use POSIX qw(floor strftime :sys_wait_h); use List::Util qw(sum max first); 
print join(",", map { floor($_) } (1.5, -1.5)), " ", sum(1..10), " ", max(3,9,2), "\n";
print strftime("%Y-%m-%d", gmtime(86400*365)), "\n";
pipe(my $r, my $w); my $pid = fork; if (!$pid) { close $r; print $w "child\n"; exit 7 } close $w; print <$r>; waitpid($pid,0); print $?>>8, "\n";
open(my $ph, "-|", "echo", "from", "pipe") or die; print <$ph>; close $ph;
open($ph, "|-", "cat") or die; print $ph "to cat\n"; close $ph; print "st $?\n";
my $out = `echo back; exit 2`; print $out, $? >> 8, "\n";
local $SIG{ALRM} = sub { die "timeout\n" }; eval { alarm 1; select(undef,undef,undef,5); }; print "eval: $@";
local $SIG{CHLD} = sub { while (waitpid(-1, WNOHANG) > 0) {} }; 
open(my $f, "+>", "/tmp/pw.pl.$$") or die; print $f "line $_\n" for 1..5; seek($f,0,0); my @l = <$f>; print scalar(@l), $l[-1]; truncate $f, 7; print -s $f, "\n"; close $f; rename "/tmp/pw.pl.$$", "/tmp/pw.pl2.$$"; print -e "/tmp/pw.pl2.$$" ? "yes\n" : "no\n"; unlink "/tmp/pw.pl2.$$";
mkdir "/tmp/pw.d.$$"; open($f, ">", "/tmp/pw.d.$$/$_") for qw(b a c); opendir(my $d, "/tmp/pw.d.$$"); print join(" ", sort grep { !/^\./ } readdir $d), "\n"; unlink glob("/tmp/pw.d.$$/*"); rmdir "/tmp/pw.d.$$" or print "rmdir $!\n";
my $s = "a1b22c333"; my @n = $s =~ /(\d+)/g; print "@n\n"; (my $t = $s) =~ s/(\d+)/<$1>/g; print "$t\n"; print join("|", split(/(?<=\d)(?=[a-z])/, $s)), "\n";
my %h = map { $_ => length } qw(apple fig banana); print join(" ", map {"$_=$h{$_}"} sort { $h{$a} <=> $h{$b} } keys %h), "\n";
print "ok\n" if "foobar" =~ /^(?<x>foo)(?{ 1 })bar$/; print "$+{x}\n";
my @sorted = sort { $a <=> $b } map { ($_ * 7919) % 10007 } 1..5000; print "$sorted[0] $sorted[-1]\n";
my $big = "x" x (1<<20); $big =~ s/x{1024}/y/g; print length($big), "\n"; my $c = () = $big =~ /y/g; print "$c\n";
printf "%s %05d %.3f %x %o %b %e\n", "s", 42, 3.14159, 255, 8, 5, 12345.678;
print pack("A3 n C", "abcd", 258, 65), " ", unpack("H*", pack("N", 0xdeadbeef)), "\n";
my $str = sprintf("%vd", "1.22.333"); print "$str\n"; print join(",", sort { $b cmp $a } qw(b c a)), "\n"; print ucfirst(lc("HELLO")), " ", reverse("abc") . "", "\n";
sub fact { my $n = shift; $n < 2 ? 1 : $n * fact($n-1) } print fact(20), "\n"; print 2**53+1, " ", 10/3, " ", int(-7/2), " ", -7 % 3, "\n";
local $, = "-"; local $\ = "!\n"; print 1,2,3; { local $@; eval { die { code => 5 } }; print $@->{code} } 
kill 'TERM', $$ if 0; $SIG{TERM} = sub { print "term" }; kill TERM => $$; sleep 0; print getcwd() eq "/" ? "cwd" : "cwd"; exit 9;
